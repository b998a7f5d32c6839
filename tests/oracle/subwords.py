# SPDX-License-Identifier: MIT
"""Trains tiny subword tokenizers and records what transformers makes of awkward texts with them; of SentencePiece
model files, what the sentencepiece library makes of the text between added tokens.

Writes into tests/fixtures/subwords/:
    texts.json      the texts
    KIND/           the tokenizer's files, as a model of that kind has them, and ids.json: a list of ids a text, without
                    the template's, and the ids around a body ("before", "after"); "variants": ids with another
                    configuration
Kinds: gpt2, roberta (vocab.json, merges.txt); llama3, qwen2 (tokenizer.json, BPE); t5, xlm-roberta, camembert, albert
(SentencePiece unigram); llama (SentencePiece BPE with byte fallback); settings-unigram, settings-bpe (models whose
settings are none of these families' own); KIND-json: the same with tokenizer.json; llama-legacy-json: as Llama 2's file.
The models' normalisation has a few rules only, so that their files are small.

    HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 python tests/oracle/subwords.py
"""
import io
import json
import re
import shutil
import unicodedata
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (AlbertTokenizer, CamembertTokenizer, GPT2Tokenizer, LlamaTokenizer, PreTrainedTokenizerFast,
                          RobertaTokenizer, T5Tokenizer, XLMRobertaTokenizer)
from transformers.utils import logging

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "subwords"

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")

TEXTS = [
    "", " ", "   ", "\n", " \t\n  ", "hello", " hello", "  hello", "hello ", "hello  ", "Hello, World!",
    "a   b", "a\tb", "a \tb", "a\n\nb", "a \n b", "a\r\n\r\nb  \n", "a  \n  b\n ", "\n\n  a", "a\u00a0b \u00a0 c",
    "a\u3000b\u2003c\u2028d\u2029e\u0085f\u000bg\u000ch", "a\u001cb\u200bc\u180ed\u205fe", "x  \u00a0", "\u00a0\n\u00a0x",
    "don't can't I'm we've they'll he'd it's you're", "DON'T CAN'T I'M WE'VE THEY'LL HE'D IT'S", "don\u2019t 's 'S 'sx 'ſ 'ſa",
    "' s 'x ''s '", "it's'nt 'll'LL'Ll 'd've 'r 're 'R're",
    "1 12 123 1234 12345 1234567 12,345.67 1,5 9,", "a1b22c333d4444", "\u0661\u0662\u0663 \u00b2\u00bd\u2460 \u2167 \U0001d7ce",
    "Stra\u00dfe STRASSE \u1e9e", "\u0130stanbul I\u0131\u0130i", "\u03a3\u0391\u03a3 \u039f\u0394\u039f\u03a3 \u03c3\u03c2",
    "caf\u00e9 na\u00efve", "cafe\u0301 nai\u0308ve", "\u1ec7 e\u0323\u0302 e\u0302\u0323 \u212b \u2126", "\u0301 \u0301a a \u0301",
    "\ud55c\uae00 \u1112\u1161\u11ab", "\u304b\u3099 \u304c", "\ufb01nal \uff21\uff22\uff11 \u2461 \u33a5 \ufdfa",
    "\u4e2d\u6587 hello\u4e2dworld\u3002\u65e5\u672c\u8a9e", "\U00020000\U0002a6d6", "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440!",
    "\u0939\u093f\u0928\u094d\u0926\u0940 \u0e20\u0e32\u0e29\u0e32 \u0627\u0644\u0639\u064e\u0631\u0628\u064a\u0629",
    "\U0001f600", "hi\U0001f600there", "\U0001f44d\U0001f3fd", "\U0001f468\u200d\U0001f469\u200d\U0001f467 x", "\u2764\ufe0f \u2603",
    "\U0001f1e9\U0001f1ea", "a\u0000b", "a\u0001b\u007fc\u0080d\u009fe", "\ufeffhello a\ufffdb \ue000 \ufffe",
    "a" * 300, "ab" * 150, "the" * 100, "\u00e9" * 40, " " * 40 + "x", "!" * 40, "x" + "\n" * 10, "=-" * 20 + "\n\n=",
    "\u2581a \u2581\u2581b a\u2581b \u2581", "``quoted'' ''a `b` ```", "\"x\" (a)[b]{c}<d>", "https://www.example.com/a?b=c&d=%20#e_f",
    "#!/bin/sh\n  if x; then\n\ty = 'z'  \n", "a-b--c... $5 + 3 < 8 = ^ | ~", "\u20ac5 \u00a35 \u00a9\u2122 \u2014 \u2026",
    "<s>", "a<s>b", "a </s> b", "<mask>", "a <mask> b", "a  <mask>  b", "a<mask>b <mask>", "\n<mask>\n.", "<MASK> <Mask>",
    "<unk> <pad>", "a<unk>b", "<pad><pad>", "<|endoftext|>", "a <|endoftext|> b<|endoftext|>", "<|begin_of_text|>x",
    "<extra_id_0> a <extra_id_1>", "a<extra_id_9>b <extra_id_10>", "[MASK] a [MASK]", "[CLS] [SEP]a[sep] <0x41> <0x0A>",
    "<s>NOTUSED x </s>NOTUSED", "a <x> b<y> c", "  <y>  a", "the <the> The THE",
    "The people of the town were in the house, and the water came.", "\u00c5ngstr\u00f6m \u0141\u00f3d\u017a \u0110\u00e0 N\u1eb5ng",
    "\u01c4 \u1f88 \u02bcn \u0149 \u0345", "\u2460\u3251\u00bc \u2075", "\u0bca \u0cca\u0d4a", "o\u0308\u0323 \u0958", "end \n",
]

# Rules of the SentencePiece models: code points in hexadecimal, "from TAB to".
RULES = [("FB01", "66 69"), ("FF21", "41"), ("FF22", "42"), ("FF11", "31"), ("A0", "20"), ("3000", "20"), ("9", "20"),
         ("A", "20"), ("D", "20"), ("65 301", "E9"), ("304B 3099", "304C"), ("1", ""), ("200B", "20"), ("2461", "32"),
         ("FDFA", "635 644 649 20 627 644 644 647"), ("20AC", "45 55 52"), ("2126", "3A9")]


def sample() -> list[str]:
    with open(ROOT / "data" / "sample.jsonl", encoding="utf-8") as lines:
        text = [json.loads(line)["text"] for line in lines]
    return [line for document in text for line in document.split("\n") if line][:3000]


def train_byte_level(specials: list[str]) -> tuple[dict, list]:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=500, special_tokens=specials, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    extra = ["    ", "\n\n\n", "1234 123 123", "中文 日本語", "é é é", "don't I'LL"] * 50
    tokenizer.train_from_iterator(sample() + extra, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [tuple(merge) for merge in model["merges"]]


def write_vocabulary(folder: Path, vocab: dict, merges: list, config: dict) -> None:
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps(vocab, separators=(",", ":")))
    lines = ["#version: 0.2", *(" ".join(merge) for merge in merges), ""]
    (folder / "merges.txt").write_text("\n".join(lines), encoding="utf-8")
    write_config(folder, config)


def write_config(folder: Path, config: dict) -> None:
    if config:
        (folder / "tokenizer_config.json").write_text(json.dumps(config))


def train_sentencepiece(folder: Path, name: str, kind: str, **options) -> None:
    folder.mkdir(parents=True)
    rules = folder / "rules.tsv"
    if options.pop("rules", kind == "unigram"):
        rules.write_text("".join(f"{a}\t{b}\n" for a, b in RULES))
        options["normalization_rule_tsv"] = str(rules)
    else:
        options["normalization_rule_name"] = "identity"
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sample() + ["中文 日本語 é ö 12345 9,5"] * 20), model_writer=model, model_type=kind,
        minloglevel=2, num_threads=1, character_coverage=1.0, **options)
    (folder / name).write_bytes(model.getvalue())
    change_model(folder / name, lambda proto: proto.normalizer_spec.ClearField("normalization_rule_tsv"))  # a path
    rules.unlink(missing_ok=True)


class LibraryIds:
    """Ids of a model file by the sentencepiece library, of what lies between the tokens of `added`."""

    def __init__(self, file: Path, added: dict, to_id=lambda i: i, prepare=lambda text: text, prefix=None, each=True):
        def load(**settings):
            model = sentencepiece_model_pb2.ModelProto()
            model.ParseFromString(file.read_bytes())
            for name, value in settings.items():
                setattr(model.normalizer_spec, name, value)
            return sentencepiece.SentencePieceProcessor(model_proto=model.SerializeToString())

        settings = {} if prefix is None else {"add_dummy_prefix": prefix}
        self.whole = load(**settings)
        self.rest = load(**settings) if each else load(add_dummy_prefix=False)
        self.added, self.to_id, self.prepare = added, to_id, prepare
        self.expression = re.compile("(" + "|".join(re.escape(t) for t in sorted(added, key=len, reverse=True)) + ")")

    def __call__(self, text: str) -> list[int]:
        ids = []
        for i, part in enumerate(self.expression.split(text)):
            if i % 2:
                ids.append(self.added[part])
            elif part:
                processor = self.whole if text.startswith(part) and not ids else self.rest
                ids += [self.to_id(i) for i in processor.encode(self.prepare(part))]
        return ids


def albert_text(text: str) -> str:
    text = unicodedata.normalize("NFKD", text.replace("``", '"').replace("''", '"'))
    return "".join(c.lower() for c in text if not unicodedata.category(c).startswith("M"))


def added_tokens(tokenizer) -> dict:
    return {token.content: i for i, token in tokenizer.added_tokens_decoder.items()}


def record_library(folder: Path, around: tuple, size: int, ids: LibraryIds, variants: dict = {}) -> None:
    def lines(of: LibraryIds) -> str:
        return ",\n".join(json.dumps(of(text), separators=(",", ":")) for text in TEXTS)

    others = ",\n".join(f'{{"config": {json.dumps(config)}, "ids": [\n{lines(of)}]}}' for config, of in variants)
    (folder / "ids.json").write_text(f'{{"before": {around[0]}, "after": {around[1]}, "size": {size}, "ids": [\n{lines(ids)}'
                                     f'], "variants": [{others}]}}\n')


def template_of(tokenizer) -> tuple:
    around = tokenizer("x")["input_ids"]
    body = tokenizer("x", add_special_tokens=False)["input_ids"]
    begin = next(i for i in range(len(around)) if around[i:i + len(body)] == body)
    return around[:begin], around[begin + len(body):]


def record(folder: Path, tokenizer) -> None:
    before, after = template_of(tokenizer)
    ids = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in TEXTS]
    lines = ",\n".join(json.dumps(line, separators=(",", ":")) for line in ids)
    (folder / "ids.json").write_text(
        f'{{"before": {before}, "after": {after}, "size": {len(tokenizer)}, "ids": [\n{lines}]}}\n')


def save_whole(kind: str, tokenizer) -> None:
    """The same tokenizer as tokenizer.json alone."""
    folder = FIXTURES / f"{kind}-json"
    folder.mkdir(parents=True, exist_ok=True)
    backend = tokenizer if isinstance(tokenizer, Tokenizer) else tokenizer.backend_tokenizer
    whole = json.loads(backend.to_str())
    (folder / "tokenizer.json").write_text(json.dumps(whole, separators=(",", ":"), ensure_ascii=False), encoding="utf-8")
    record(folder, PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(whole))))


def byte_level_kinds() -> None:
    vocab, merges = train_byte_level(["<|endoftext|>"])
    write_vocabulary(FIXTURES / "gpt2", vocab, merges, {"add_prefix_space": False, "tokenizer_class": "GPT2Tokenizer"})
    record(FIXTURES / "gpt2", GPT2Tokenizer.from_pretrained(FIXTURES / "gpt2"))
    roberta, merges = train_byte_level(["<s>", "<pad>", "</s>", "<unk>"])
    roberta["<mask>"] = len(roberta)
    mask = {"__type": "AddedToken", "content": "<mask>", "lstrip": True, "normalized": False, "rstrip": False,
            "single_word": False, "special": True}
    config = {"tokenizer_class": "RobertaTokenizer", "mask_token": mask}
    write_vocabulary(FIXTURES / "roberta", roberta, merges, config)
    tokenizer = RobertaTokenizer.from_pretrained(FIXTURES / "roberta")
    record(FIXTURES / "roberta", tokenizer)
    save_whole("roberta", tokenizer)
    for kind, pattern in (("llama3", LLAMA3), ("qwen2", QWEN2)):
        whole = Tokenizer(models.BPE(vocab=dict(vocab), merges=merges, ignore_merges=kind == "llama3"))
        whole.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(pattern), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
        whole.decoder = decoders.ByteLevel()
        whole.add_special_tokens(["<|endoftext|>", "<|begin_of_text|>"])
        if kind == "llama3":
            begin = processors.TemplateProcessing(single="<|begin_of_text|> $A", special_tokens=[
                ("<|begin_of_text|>", whole.token_to_id("<|begin_of_text|>"))])
            whole.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=True), begin])
        else:
            whole.normalizer = normalizers.NFC()
            whole.post_processor = processors.ByteLevel(trim_offsets=False)
            whole.add_tokens([AddedToken("<x>", lstrip=True, normalized=False), AddedToken("<y>", rstrip=True),
                              AddedToken("the", single_word=True)])
        save_whole(kind, whole)


def sentencepiece_kinds() -> None:
    plans = {
        "t5": ("spiece.model", T5Tokenizer, {}, {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}),
        "xlm-roberta": ("sentencepiece.bpe.model", XLMRobertaTokenizer, {}, {"unk_id": 0, "bos_id": 1, "eos_id": 2}),
        "camembert": ("sentencepiece.bpe.model", CamembertTokenizer, {}, {"unk_id": 0, "bos_id": 1, "eos_id": 2}),
        "albert": ("spiece.model", AlbertTokenizer, {"do_lower_case": True},
                   {"pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1, "control_symbols": "[CLS],[SEP],[MASK]",
                    "pad_piece": "<pad>"}),
    }
    for kind, (name, tokenizer_class, config, options) in plans.items():
        folder = FIXTURES / kind
        train_sentencepiece(folder, name, "unigram", vocab_size=400, **options)
        write_config(folder, {"tokenizer_class": tokenizer_class.__name__, **config})
        tokenizer = tokenizer_class.from_pretrained(folder)
        shift = {"xlm-roberta": 1, "camembert": 4}.get(kind, 0)
        ids = LibraryIds(folder / name, added_tokens(tokenizer),
                         to_id=lambda i, shift=shift: 3 if shift and i == 0 else i + shift,
                         prepare=albert_text if kind == "albert" else lambda text: text)
        record_library(folder, template_of(tokenizer), len(tokenizer), ids)
        if kind != "camembert":
            save_whole(kind, tokenizer)
    folder = FIXTURES / "llama"
    train_sentencepiece(folder, "tokenizer.model", "bpe", vocab_size=600, byte_fallback=True,
                        remove_extra_whitespaces=False, split_digits=True)
    write_config(folder, {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "add_eos_token": False})
    tokenizer = LlamaTokenizer.from_pretrained(folder)
    file, added = folder / "tokenizer.model", added_tokens(tokenizer)
    variants = [({"legacy": True}, LibraryIds(file, added)), ({"add_prefix_space": False}, LibraryIds(file, added, prefix=False))]
    record_library(folder, template_of(tokenizer), len(tokenizer), LibraryIds(file, added, each=False), variants)
    save_whole("llama", tokenizer)
    legacy = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    legacy.pre_tokenizer = None
    legacy.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    save_whole("llama-legacy", legacy)


def change_model(file: Path, change) -> sentencepiece_model_pb2.ModelProto:
    model = sentencepiece_model_pb2.ModelProto()
    model.ParseFromString(file.read_bytes())
    change(model)
    file.write_bytes(model.SerializeToString())
    return model


def shuffle_pieces(model: sentencepiece_model_pb2.ModelProto) -> None:
    """Pieces not in order of score, some of equal score, and characters of pieces that are no pieces themselves."""
    normal = [(p.piece, p.score) for p in model.pieces if p.type == 1 and p.piece not in ("w", "k", "b", "I")]
    del model.pieces[:]
    for piece, kind in (("<unk>", 2), ("<s>", 3), ("</s>", 3), ("the", 4), ("(", 4), ("((", 4), ("\u00e9", 4), ("an", 4)):
        model.pieces.add(piece=piece, score=0, type=kind)
    known = {p.piece for p in model.pieces}
    normal.sort(key=lambda entry: hash(tuple(entry[0].encode())) % 1009)
    for i, (piece, score) in enumerate(normal):
        if piece not in known:
            model.pieces.add(piece=piece, score=-5.0 if i % 7 == 0 else score, type=1)


def settings_kinds() -> None:
    file = FIXTURES / "settings-bpe" / "tokenizer.model"
    train_sentencepiece(file.parent, file.name, "bpe", vocab_size=500, rules=True, add_dummy_prefix=False)
    model = change_model(file, shuffle_pieces)
    added = {"<unk>": 0, "<s>": 1, "</s>": 2}
    record_library(file.parent, ([1], []), len(model.pieces), LibraryIds(file, added), [
        ({"add_prefix_space": True}, LibraryIds(file, added, prefix=True, each=False)),
        ({"add_prefix_space": True, "legacy": True}, LibraryIds(file, added, prefix=True))])
    file = FIXTURES / "settings-unigram" / "spiece.model"
    train_sentencepiece(file.parent, file.name, "unigram", vocab_size=700, byte_fallback=True, add_dummy_prefix=False,
                        remove_extra_whitespaces=False, pad_id=0, eos_id=1, unk_id=2, bos_id=-1, split_digits=True,
                        user_defined_symbols="(,),\",-,.,\u20ac,the,--,\u2581\u2581\u2581,\u00e0b")
    write_config(file.parent, {"tokenizer_class": "T5Tokenizer", "extra_ids": 0})
    record_library(file.parent, ([], [1]), 700, LibraryIds(file, {"<pad>": 0, "</s>": 1, "<unk>": 2}))


def main() -> None:
    logging.set_verbosity_error()
    shutil.rmtree(FIXTURES, ignore_errors=True)
    FIXTURES.mkdir(parents=True)
    (FIXTURES / "texts.json").write_text(json.dumps(TEXTS, separators=(",\n", ":")) + "\n")
    byte_level_kinds()
    sentencepiece_kinds()
    settings_kinds()


if __name__ == "__main__":
    main()
