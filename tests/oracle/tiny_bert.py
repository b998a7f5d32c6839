# SPDX-License-Identifier: MIT
"""Makes tiny random BERT checkpoints and records what transformers computes with them.

Writes tests/fixtures/bert/<variant>/{config.json, model.safetensors, vocab.txt, ...} and, beside them,
expected.safetensors: for every sequence s and layer i, as float32 rounded from a float64 forward pass,

    sequence.{s}.ids                      i64 [n]
    sequence.{s}.embeddings.hidden        [n, D]
    sequence.{s}.layers.{i}.q | k | v     [heads, n, d]
    sequence.{s}.layers.{i}.logits        [heads, n, n]   q k^T / sqrt(d)
    sequence.{s}.layers.{i}.probabilities [heads, n, n]
    sequence.{s}.layers.{i}.hidden        [n, D]          the layer's output
    sequence.{s}.prediction_logits        [n, vocab]      masked-lm only

masked-lm/loss.json holds a masked sequence and its mean cross entropy. `relative` has no recorded outputs:
its config asks for relative positions, which this transformers version ignores without a word.
Attention is peaked because query and key weights are large and correlated (0.8), so that a float32 model
still gives logits to 1e-5; no bias is zero and no LayerNorm is the identity.

    HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 python tests/oracle/tiny_bert.py
"""
import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import BertForMaskedLM, BertModel
from transformers.utils import logging

FIXTURES = Path(__file__).parents[1] / "fixtures" / "bert"
LENGTHS = (7, 16, 33)
CLS, SEP, MASK = 2, 3, 4
FIRST_WORD = 5
PEAKEDNESS = 1.6  # larger: more rows of P near one-hot, but logits that float32 cannot give to 1e-5


@dataclass
class Variant:
    name: str
    hidden: int
    heads: int
    ffn: int
    layers: int = 2
    positions: int = 64
    dtype: torch.dtype = torch.float32
    activation: str = "gelu"
    epsilon: float = 1e-12
    prefix: str = ""
    gamma_beta: bool = False
    masked_lm: bool = False
    relative: bool = False


VARIANTS = [
    Variant("base-prefixless", hidden=48, heads=3, ffn=96),
    Variant("masked-lm", hidden=48, heads=4, ffn=80, prefix="bert.", masked_lm=True),
    Variant("gamma-beta", hidden=32, heads=2, ffn=64, layers=3, positions=40, prefix="bert.", gamma_beta=True),
    Variant("gelu-new", hidden=48, heads=3, ffn=96, dtype=torch.float16, activation="gelu_new"),
    Variant("bf16", hidden=40, heads=5, ffn=56, positions=35, dtype=torch.bfloat16, epsilon=1e-3),
    Variant("relative", hidden=16, heads=2, ffn=24, layers=1, positions=16, relative=True),
]


def vocabulary() -> list[str]:
    """100 entries, enough to spell any lower-case English text."""
    letters, digits = [chr(c) for c in range(97, 123)], list("0123456789")
    words = ["the", "and", "of", "to", "in", "it", "is", "that", "was", "##ing", "##ed", "##er"]
    symbols = letters + digits
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    return specials + symbols + ["##" + c for c in symbols] + list(".,;:'\"-!?()") + words


def config(v: Variant) -> dict:
    return {
        "architectures": ["BertForMaskedLM" if v.masked_lm else "BertModel"],
        "attention_probs_dropout_prob": 0.1,
        "hidden_act": v.activation,
        "hidden_dropout_prob": 0.1,
        "hidden_size": v.hidden,
        "initializer_range": 0.02,
        "intermediate_size": v.ffn,
        "layer_norm_eps": v.epsilon,
        "max_position_embeddings": v.positions,
        "model_type": "bert",
        "num_attention_heads": v.heads,
        "num_hidden_layers": v.layers,
        "pad_token_id": 0,
        "position_embedding_type": "relative_key" if v.relative else "absolute",
        "torch_dtype": str(v.dtype).removeprefix("torch."),
        "type_vocab_size": 2,
        "vocab_size": len(vocabulary()),
    }


def weights(v: Variant, seed: int) -> dict[str, torch.Tensor]:
    """Random parameters under the names of a saved BERT."""
    generator = torch.Generator().manual_seed(seed)
    out: dict[str, torch.Tensor] = {}

    def normal(name: str, *shape: int, std: float = 1.0, mean: float = 0.0) -> None:
        out[name] = mean + std * torch.randn(*shape, generator=generator)

    def linear(name: str, rows: int, columns: int, gain: float = 1.0) -> None:
        normal(name + ".weight", rows, columns, std=gain / math.sqrt(columns))
        normal(name + ".bias", rows, std=0.3)

    def norm(name: str) -> None:
        normal(f"{name}.{'gamma' if v.gamma_beta else 'weight'}", v.hidden, std=0.2, mean=1.0)
        normal(f"{name}.{'beta' if v.gamma_beta else 'bias'}", v.hidden, std=0.2)

    p, vocab = v.prefix, len(vocabulary())
    normal(p + "embeddings.word_embeddings.weight", vocab, v.hidden, std=0.4)
    normal(p + "embeddings.position_embeddings.weight", v.positions, v.hidden, std=0.2)
    normal(p + "embeddings.token_type_embeddings.weight", 2, v.hidden, std=0.2)
    norm(p + "embeddings.LayerNorm")
    for i in range(v.layers):
        layer = f"{p}encoder.layer.{i}."
        linear(layer + "attention.self.query", v.hidden, v.hidden, gain=0.6 * PEAKEDNESS)
        linear(layer + "attention.self.key", v.hidden, v.hidden, gain=PEAKEDNESS)
        out[layer + "attention.self.query.weight"] += 0.8 * out[layer + "attention.self.key.weight"]
        linear(layer + "attention.self.value", v.hidden, v.hidden)
        if v.relative:
            normal(layer + "attention.self.distance_embedding.weight", 2 * v.positions - 1, v.hidden // v.heads)
        linear(layer + "attention.output.dense", v.hidden, v.hidden, gain=0.5)
        norm(layer + "attention.output.LayerNorm")
        linear(layer + "intermediate.dense", v.ffn, v.hidden)
        linear(layer + "output.dense", v.hidden, v.ffn, gain=0.5)
        norm(layer + "output.LayerNorm")
    if v.masked_lm:
        linear("cls.predictions.transform.dense", v.hidden, v.hidden)
        norm("cls.predictions.transform.LayerNorm")
        normal("cls.predictions.bias", vocab, std=0.3)
    else:
        linear(p + "pooler.dense", v.hidden, v.hidden)
    return {name: tensor.to(v.dtype) for name, tensor in out.items()}


def write_checkpoint(v: Variant, folder: Path, seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config(v), indent=2) + "\n")
    (folder / "vocab.txt").write_text("\n".join(vocabulary()) + "\n")
    if not v.gamma_beta:  # the oldest folders have no tokenizer_config.json
        (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True}) + "\n")
    save_file(weights(v, seed), folder / "model.safetensors", metadata={"format": "pt"})


def load(v: Variant, folder: Path, dtype: torch.dtype):
    cls = BertForMaskedLM if v.masked_lm else BertModel
    model, info = cls.from_pretrained(folder, dtype=dtype, attn_implementation="eager", output_loading_info=True)
    problems = {k: list(x) for k, x in info.items() if x}
    assert not problems, f"{v.name}: {problems}"
    return model.eval()


@torch.no_grad()
def record(v: Variant, model, ids: torch.Tensor) -> dict[str, torch.Tensor]:
    """All the recorded quantities of one sequence, in the model's own precision."""
    bert = model.bert if v.masked_lm else model
    out: dict[str, torch.Tensor] = {}

    def keep_heads(name: str):
        def hook(_module, _inputs, y):  # [1, n, D] -> [heads, n, d]
            out[name] = y[0].unflatten(-1, (v.heads, -1)).transpose(0, 1)
        return hook

    hooks = [getattr(layer.attention.self, long).register_forward_hook(keep_heads(f"layers.{i}.{short}"))
             for i, layer in enumerate(bert.encoder.layer)
             for short, long in (("q", "query"), ("k", "key"), ("v", "value"))]
    result = model(ids[None], output_attentions=True, output_hidden_states=True)
    for hook in hooks:
        hook.remove()

    out["embeddings.hidden"] = result.hidden_states[0][0]
    for i in range(v.layers):
        q, k = out[f"layers.{i}.q"], out[f"layers.{i}.k"]
        out[f"layers.{i}.logits"] = q @ k.mT / math.sqrt(q.shape[-1])
        out[f"layers.{i}.probabilities"] = result.attentions[i][0]
        out[f"layers.{i}.hidden"] = result.hidden_states[i + 1][0]
        gap = (out[f"layers.{i}.logits"].softmax(-1) - result.attentions[i][0]).abs().max()
        assert gap < (1e-12 if gap.dtype == torch.float64 else 1e-5), f"{v.name}: the logits do not give P ({gap})"
    if v.masked_lm:
        out["prediction_logits"] = result.logits[0]
    return out


def sequences(generator: torch.Generator) -> list[torch.Tensor]:
    """[CLS] random words [SEP], each of its own length."""
    words = [torch.randint(FIRST_WORD, len(vocabulary()), (n - 2,), generator=generator) for n in LENGTHS]
    return [torch.cat([torch.tensor([CLS]), w, torch.tensor([SEP])]) for w in words]


def record_variant(v: Variant, folder: Path, all_ids: list[torch.Tensor]) -> None:
    reference, single = load(v, folder, torch.float64), load(v, folder, torch.float32)
    expected: dict[str, torch.Tensor] = {}
    worst: dict[str, float] = {}
    rows, peaked = 0, 0
    for s, ids in enumerate(all_ids):
        expected[f"sequence.{s}.ids"] = ids
        f64, f32 = record(v, reference, ids), record(v, single, ids)
        for name, tensor in f64.items():
            expected[f"sequence.{s}.{name}"] = tensor.float().contiguous()
            kind = name.rsplit(".", 1)[-1]
            worst[kind] = max(worst.get(kind, 0.0), (f32[name].double() - tensor).abs().max().item())
            if kind == "probabilities":
                rows += tensor[..., 0].numel()
                peaked += (tensor.amax(-1) > 0.9).sum().item()
    save_file(expected, folder / "expected.safetensors")
    assert max(worst.values()) < 1e-5, f"{v.name}: float32 differs from float64 by {worst}"
    differences = ", ".join(f"{k} {x:.1e}" for k, x in sorted(worst.items()))
    print(f"{v.name}: {peaked / rows:.0%} of rows have a maximum > 0.9; float32 against float64: {differences}")


@torch.no_grad()
def record_loss(v: Variant, folder: Path, ids: torch.Tensor) -> None:
    """Mean cross entropy at five masked positions of one sequence."""
    positions = [3, 8, 9, 20, 31]
    masked, labels = ids.clone(), torch.full_like(ids, -100)
    masked[positions], labels[positions] = MASK, ids[positions]
    result = load(v, folder, torch.float64)(masked[None], labels=labels[None])
    loss = torch.nn.functional.cross_entropy(result.logits[0, positions], ids[positions]).item()
    assert abs(loss - result.loss.item()) < 1e-5 * loss
    (folder / "loss.json").write_text(json.dumps({
        "ids": ids.tolist(), "positions": positions, "masked_ids": masked.tolist(), "labels": labels.tolist(),
        "loss": loss}) + "\n")


def main() -> None:
    logging.disable_progress_bar()
    assert len(vocabulary()) == len(set(vocabulary())) == 100
    all_ids = sequences(torch.Generator().manual_seed(2006))
    for seed, v in enumerate(VARIANTS):
        folder = FIXTURES / v.name
        write_checkpoint(v, folder, seed)
        if v.relative:
            continue
        record_variant(v, folder, all_ids)
        if v.masked_lm:
            record_loss(v, folder, all_ids[2])


if __name__ == "__main__":
    main()
