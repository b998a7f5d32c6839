#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes data/default: trains a small BERT as a masked language model, on a CPU, in less than an hour.

The texts are public domain and come from two Debian packages (nothing of them is kept in this repository):

    apt-get install bible-kjv bible-kjv-text       # the King James Bible
    bible -f 'gen1:1-rev22:21' | sed 's/^[^ ]* //' > bible.txt
    apt-get download r-cran-janeaustenr            # Jane Austen's six novels; R itself is not needed
    dpkg-deb -x r-cran-janeaustenr_*.deb austen

    python3 -m venv venv
    venv/bin/pip install torch transformers tokenizers safetensors numpy
    venv/bin/python data/train_default.py --minutes 40 --out data/default \\
        --text bible.txt austen/usr/lib/R/site-library/janeaustenr/data/Rdata.rdb

Sequences are short at first (64 tokens, then 128, at random offsets in the 512 positions) and 512 tokens long in the
last part of the run. The folder is rewritten every three minutes, so there is a usable checkpoint from early on.
The schedule follows the clock, and the vocabulary trainer breaks ties in no fixed order: another run makes another
checkpoint, with a vocabulary that differs in a few places.
"""
import argparse
import json
import math
import pathlib
import struct
import time
import zlib

import numpy
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import BertConfig, BertForMaskedLM

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PAD, UNK, CLS, SEP, MASK = range(5)
VOCABULARY, POSITIONS, HEAD_SIZE = 4096, 512, 64
PHASES = [(0.40, 64, 64), (0.70, 128, 32), (1.00, 512, 8)]  # until this share of the time: length, sequences a batch
MASK_RATE, PEAK_RATE, WARM_UP = 0.20, 2e-3, 0.04


def read_rdb(path):
    """The character vectors of an R lazy-load database, as (number, text). Each is a length and a zlib stream, which
    holds a serialized vector of strings: 'X\\n', the header, then type and length of the vector and of each string."""
    data = path.read_bytes()
    while data:
        stream = zlib.decompressobj()
        plain, data = stream.decompress(data[4:]), stream.unused_data
        at = 14
        if struct.unpack_from(">i", plain, 2)[0] == 3:  # version 3 also names the native encoding
            at += 4 + struct.unpack_from(">i", plain, at)[0]
        count = struct.unpack_from(">i", plain, at + 4)[0]
        at, lines = at + 8, []
        for _ in range(count):
            length = struct.unpack_from(">i", plain, at + 4)[0]
            lines.append(plain[at + 8:at + 8 + length].decode())
            at += 8 + length
        yield "\n".join(lines).replace("_", "")  # the underscores mark emphasis


def read_texts(paths):
    for path in map(pathlib.Path, paths):
        if path.suffix == ".rdb":
            for text in read_rdb(path):
                yield text.strip().split("\n")[0].title(), text
        else:
            yield path.stem, path.read_text()


def split(text, blocks=40, held_out=(13, 29)):
    """Cuts a text into whole contiguous parts: those for training, and two of a fortieth each held out (5 %)."""
    lines = text.split("\n")
    edges = [len(lines) * i // blocks for i in range(blocks + 1)]
    cuts = [0, held_out[0], held_out[0] + 1, held_out[1], held_out[1] + 1, blocks]
    parts = ["\n".join(lines[edges[a]:edges[b]]) for a, b in zip(cuts, cuts[1:])]
    return parts[0::2], parts[1::2]


def train_tokenizer(texts):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.train_from_iterator(texts, trainers.WordPieceTrainer(
        vocab_size=VOCABULARY, special_tokens=SPECIAL, initial_alphabet=[chr(c) for c in range(33, 127)],
        show_progress=False))
    return tokenizer


def encode(tokenizer, parts):
    """One stream of token ids, with a [SEP] between parts."""
    return numpy.array([i for p in parts for i in [*tokenizer.encode(p).ids, SEP]], dtype=numpy.int64)


def sequences(stream, starts, length):
    body = stream[numpy.asarray(starts)[:, None] + numpy.arange(length - 2)]
    return numpy.pad(numpy.pad(body, ((0, 0), (1, 0)), constant_values=CLS), ((0, 0), (0, 1)), constant_values=SEP)


def mask(ids, rate, random):
    """Chooses positions and hides them in the way of BERT: 80 % [MASK], 10 % another token, 10 % as they are.
    Returns hidden ids, the flat positions, and what stood there."""
    flat = ids.reshape(-1)
    candidates = numpy.flatnonzero(flat >= len(SPECIAL))
    chosen = random.choice(candidates, round(rate * len(candidates)), replace=False)
    hidden, draw = flat.copy(), random.random(len(chosen))
    hidden[chosen[draw < 0.8]] = MASK
    other = chosen[(draw >= 0.8) & (draw < 0.9)]
    hidden[other] = random.integers(len(SPECIAL), VOCABULARY, len(other))
    return [torch.from_numpy(x) for x in (hidden.reshape(ids.shape), chosen, flat[chosen])]


def loss_of(model, hidden, chosen, targets, positions=None):
    """The MLM loss in nats; the head runs on the chosen positions only."""
    with torch.autocast("cpu", torch.bfloat16):
        states = model.bert(hidden, position_ids=positions)[0].flatten(0, 1)[chosen]
        logits = model.cls(states)
    return torch.nn.functional.cross_entropy(logits.float(), targets)


def validate(model, stream, rate=0.15):
    ids = sequences(stream, range(0, len(stream) - POSITIONS + 3, POSITIONS - 2), POSITIONS)
    random = numpy.random.default_rng(7)  # the same positions every time
    total = count = 0
    with torch.no_grad():
        for batch in numpy.array_split(ids, math.ceil(len(ids) / 8)):
            hidden, chosen, targets = mask(batch, rate, random)
            total += len(targets) * loss_of(model, hidden, chosen, targets).item()
            count += len(targets)
    return total / count


def make_model():
    config = BertConfig(
        vocab_size=VOCABULARY, hidden_size=192, num_hidden_layers=4, num_attention_heads=3, intermediate_size=512,
        max_position_embeddings=POSITIONS, type_vocab_size=2, hidden_act="gelu", hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0, initializer_range=0.05, pad_token_id=PAD, attn_implementation="eager")
    model = BertForMaskedLM(config)
    # A start from which attention forms within minutes and not hours: sines as the (trained) position embeddings, and
    # in the first layer one head that looks to the left of each token and one to the right. Query and key are then
    # copies of the same waves, the query's moved on by the shift. Everything else starts at random; all is trained.
    waves, heads, size = config.hidden_size // 2, config.num_attention_heads, HEAD_SIZE // 2
    frequency = torch.logspace(math.log10(2.0), -2, waves)
    angle = torch.arange(POSITIONS)[:, None] * frequency
    first = model.bert.encoder.layer[0].attention.self
    with torch.no_grad():
        model.bert.embeddings.position_embeddings.weight.copy_(0.07 * torch.cat([angle.sin(), angle.cos()], 1))
        for head, shift in ((0, -1.5), (1, 1.5)):
            wave = torch.arange(head, waves, heads)  # each head takes every third wave
            row = HEAD_SIZE * head + torch.arange(size)
            for projection, turn in ((first.query, shift * frequency[wave]), (first.key, torch.zeros(size))):
                projection.weight[HEAD_SIZE * head:HEAD_SIZE * (head + 1)] = 0.0
                projection.weight[row, wave] = projection.weight[row + size, wave + waves] = 1.5 * turn.cos()
                projection.weight[row, wave + waves] = 1.5 * turn.sin()
                projection.weight[row + size, wave] = -1.5 * turn.sin()
    return model


def save(model, tokenizer, record, out):
    out.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.half().contiguous() for name, tensor in model.state_dict().items()
               if tensor.is_floating_point() and "cls.predictions.decoder" not in name}  # the decoder is tied
    save_file(tensors, out / "model.part", metadata={"format": "pt"})
    (out / "model.part").replace(out / "model.safetensors")
    names = ("vocab_size hidden_size num_hidden_layers num_attention_heads intermediate_size hidden_act "
             "max_position_embeddings type_vocab_size layer_norm_eps hidden_dropout_prob "
             "attention_probs_dropout_prob initializer_range pad_token_id").split()
    config = {"architectures": ["BertForMaskedLM"], "model_type": "bert", "torch_dtype": "float16",
              "position_embedding_type": "absolute", "tie_word_embeddings": True}
    config |= {name: getattr(model.config, name) for name in names}
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": POSITIONS,
                "strip_accents": None, "tokenize_chinese_chars": True}
    settings |= {f"{token[1:-1].lower()}_token": token for token in SPECIAL}
    vocabulary = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
    (out / "vocab.txt").write_text("".join(f"{token}\n" for token in vocabulary))
    for name, value in {"config": config, "tokenizer_config": settings}.items():
        (out / f"{name}.json").write_text(json.dumps(value, indent=2) + "\n")
    lines = [json.dumps(point) for point in record["curve"]]  # one point a line
    text = json.dumps({**record, "curve": []}, indent=2)
    (out / "training.json").write_text(text.replace('"curve": []', '"curve": [\n    ' + ",\n    ".join(lines)
                                                    + "\n  ]") + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", nargs="+", required=True, help="text files, or an R lazy-load database (.rdb)")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for the checkpoint")
    parser.add_argument("--minutes", type=float, default=40, help="how long to train")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    random = numpy.random.default_rng(options.seed)

    texts = dict(read_texts(options.text))
    training, validation = ([part for text in texts.values() for part in split(text)[side]] for side in (0, 1))
    tokenizer = train_tokenizer(training)
    training, validation = encode(tokenizer, training), encode(tokenizer, validation)
    counts = numpy.bincount(training, minlength=VOCABULARY) + 1
    words = validation[validation != SEP]
    unigram = -numpy.log(counts / counts.sum())[words].mean()

    model = make_model()
    matrices = [p for name, p in model.named_parameters() if p.dim() == 2 and "embeddings" not in name]
    tables = [p for name, p in model.named_parameters() if p.dim() == 2 and "embeddings" in name]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    optimizers = [
        torch.optim.Muon(matrices, lr=PEAK_RATE, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW([{"params": tables}, {"params": vectors, "weight_decay": 0.0}],
                          lr=PEAK_RATE, betas=(0.9, 0.98), weight_decay=0.01, fused=True)]
    record = {
        "validation_loss": None, "unigram_loss": round(float(unigram), 4), "unit": "nats a token",
        "validation": "15 % masked (80/10/10), n = 512, two fortieths of each text held out",
        "parameters": sum(p.numel() for p in model.parameters()), "mask_rate": MASK_RATE, "peak_rate": PEAK_RATE,
        "phases": [{"until": u, "length": n, "sequences": b} for u, n, b in PHASES],
        "minutes": options.minutes, "threads": options.threads, "seed": options.seed,
        "tokens_training": len(training), "tokens_validation": len(validation),
        "words": {name: len(text.split()) for name, text in texts.items()}, "curve": []}
    print(json.dumps(record))

    step = tokens = 0
    recent, start, saved, noted = [], time.monotonic(), 0.0, 0.0
    while True:
        seconds = time.monotonic() - start
        share = min(1.0, seconds / (60 * options.minutes))
        if share == 1.0 or seconds - noted > 60 or (step == 100):
            value = validate(model, validation)
            record["curve"].append({"step": step, "tokens": tokens, "seconds": round(seconds), "length": length,
                                    "train_loss": round(float(numpy.mean(recent)), 4),
                                    "validation_loss": round(value, 4)})
            print(record["curve"][-1], flush=True)
            recent, noted = [], seconds
            if share == 1.0 or seconds - saved > 180:
                record["validation_loss"], saved = round(value, 4), seconds
                save(model, tokenizer, record, options.out)
            if share == 1.0:
                break
        length, size = next((n, b) for until, n, b in PHASES if share <= until)
        for group in (group for optimizer in optimizers for group in optimizer.param_groups):
            group["lr"] = PEAK_RATE * min(share / WARM_UP, (1 - share) / (1 - WARM_UP))
        starts = random.integers(0, len(training) - length, size)
        offsets = random.integers(0, POSITIONS - length + 1, size)
        positions = numpy.arange(length) + offsets[:, None]
        positions[:, 0] = 0  # [CLS] always stands at position 0
        batch = mask(sequences(training, starts, length), MASK_RATE, random)
        loss = loss_of(model, *batch, torch.from_numpy(positions))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        recent.append(loss.item())
        step, tokens = step + 1, tokens + length * size


if __name__ == "__main__":
    main()
