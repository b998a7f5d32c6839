# SPDX-License-Identifier: MIT
"""Makes tiny random Linformers in the layouts of the packages that train them, and records what they compute.

Writes tests/fixtures/linformers/<variant>/{model.pt or model.safetensors, config.json if one is needed,
expected.safetensors}. The latter holds what tiny_models.py records, of a float64 forward pass; k and v are the
projected keys and values, [kv heads, slots, d], logits and probabilities [heads, n, slots].

The packages `linformer` (0.2.3) and `linformer-pytorch` (0.19.3) compute theirs. fairseq does not install beside
recent versions of PyTorch: its layers are written out below, as is the code of the Jargon models, which is built
on fairseq. No bias is zero, no norm is the identity, and attention is peaked.

    OMP_NUM_THREADS=1 python tests/oracle/linformers.py
"""
import argparse
import json
import math
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

FIXTURES = Path(__file__).parents[1] / "fixtures" / "linformers"
VOCABULARY = 50
generator = torch.Generator().manual_seed(2006)


def randn(*shape, deviation=1.0):
    return deviation * torch.randn(shape, generator=generator)


@dataclass
class Recording:
    """What is seen of one sequence, by name."""
    tensors: dict = field(default_factory=dict)

    def layer(self, i, **tensors):
        self.tensors |= {f"layers.{i}.{name}": tensor for name, tensor in tensors.items()}


@torch.no_grad()
def randomise(model: torch.nn.Module, qk_gain: float) -> None:
    for name, parameter in model.named_parameters():
        if "norm" in name:
            parameter.copy_(randn(*parameter.shape, deviation=0.2) + (1 if name.endswith("weight") else 0))
        elif "proj_k" in name or "proj_v" in name:  # [n, k]
            parameter.copy_(randn(*parameter.shape, deviation=1 / math.sqrt(parameter.shape[0])))
        elif parameter.ndim == 1:
            parameter.copy_(randn(*parameter.shape, deviation=0.3))
        elif "emb" in name:
            parameter.copy_(randn(*parameter.shape, deviation=0.5))
        else:
            gain = qk_gain if any(x in name for x in ("to_q", "to_k")) else 0.8
            parameter.copy_(gain / math.sqrt(parameter[0].numel()) * randn(*parameter.shape))


# ---- lucidrains

def lucidrains(sequences, record=None, **options):
    from linformer import linformer as package
    model = package.LinformerLM(num_tokens=VOCABULARY, dim=24, seq_len=20, depth=2, k=6, heads=4, **options)
    randomise(model, 1.7)
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model = model.double().eval()

    def run(ids):
        out = Recording()
        embedded = []
        layers = model.linformer.net.layers
        hooks = [layers[0][0].register_forward_pre_hook(lambda _, x: embedded.append(x[0]))]
        inputs = []
        for attention, feed_forward in layers:
            hooks.append(attention.fn.register_forward_pre_hook(lambda _, x: inputs.append(x[0])))
        hidden = []
        for i, (attention, feed_forward) in enumerate(layers):
            hooks.append(attention.register_forward_pre_hook(lambda _, x: hidden.append(x[0])))
        final = []
        hooks.append(model.to_logits.register_forward_pre_hook(lambda _, x: final.append(x[0])))
        prediction = model(ids[None])
        for hook in hooks:
            hook.remove()
        out.tensors["embeddings.hidden"] = embedded[0][0]
        for i, (attention, _) in enumerate(layers):
            a, x = attention.fn, inputs[i][0]
            n, d = len(ids), a.dim_head
            heads = lambda y: y.reshape(y.shape[0], -1, d).transpose(0, 1)
            keys = a.proj_k[:n].T @ a.to_k(x)
            values = keys if a.share_kv else a.proj_v[:n].T @ a.to_v(x)
            q, k, v = heads(a.to_q(x)), heads(keys), heads(values)
            logits = q @ k.expand(a.heads, -1, -1).mT * d ** -0.5
            p = logits.softmax(-1)
            after = a.to_out((p @ v.expand(a.heads, -1, -1)).transpose(0, 1).reshape(n, -1))
            assert torch.allclose(after, attention(hidden[i])[0], atol=1e-12)
            last = hidden[i + 1] if i + 1 < len(layers) else final[0]
            out.layer(i, q=q, k=k, v=v, logits=logits, probabilities=p, hidden=last[0])
        out.tensors["final.hidden"] = final[0][0]
        out.tensors["prediction_logits"] = prediction[0]
        return out.tensors

    return state, [run(ids) for ids in sequences]


# ---- tatp22

def tatp22(sequences, emb_dim=None, **options):
    import linformer_pytorch.linformer_pytorch as package
    model = package.LinformerLM(num_tokens=VOCABULARY, input_size=16, channels=24, dim_k=6, dim_ff=32, nhead=3,
                                depth=2, emb_dim=emb_dim, **options)
    randomise(model, 2.6 if "method" in options else 1.7)
    state = dict(model.state_dict())
    model = model.double().eval()
    core = model.linformer if emb_dim is None else model.linformer.fn

    def run(ids):
        out, seen, heads = Recording(), [], []
        hooks = [m.register_forward_hook(lambda _, x, y: seen.append((x[0], y))) for m in core.seq]
        for attention in core.seq[::2]:
            for head in attention.fn.heads:
                hooks.append(head.register_forward_hook(
                    lambda m, x, y: heads.append((m, x, y))))
        prediction = model(ids[None])
        for hook in hooks:
            hook.remove()
        out.tensors["embeddings.hidden"] = seen[0][0][0]
        h = len(core.seq[0].fn.heads)
        for i in range(len(core.seq) // 2):
            parts = []
            for module, (q, k, v), result in heads[i * h:(i + 1) * h]:
                k_bar, v_bar = module.E(k.mT).mT, module.F(v.mT).mT
                logits = q @ k_bar.mT / math.sqrt(module.dim)
                p = logits.softmax(-1)
                assert torch.allclose(p @ v_bar, result, atol=1e-12)
                parts.append((q[0], k_bar[0], v_bar[0], logits[0], p[0]))
            q, k, v, logits, p = (torch.stack(x) for x in zip(*parts))
            out.layer(i, q=q, k=k, v=v, logits=logits, probabilities=p, hidden=seen[2 * i + 1][1][0])
        out.tensors["final.hidden"] = seen[-1][1][0]
        out.tensors["prediction_logits"] = prediction[0]
        return out.tensors

    return state, [run(ids) for ids in sequences]


# ---- fairseq and Jargon

WIDTH, FFN, HEADS, POSITIONS, SLOTS, PAD = 24, 32, 4, 20, 5, 1


def fairseq_state(sharing, root="encoder.", embedding_norm="emb_layer_norm", pre_norm=False, tied=True, old=False):
    """The state dict, in which shared modules are the same tensors."""
    state = {}

    def linear(name, out, inputs, gain=0.8):
        state[name + ".weight"] = randn(out, inputs, deviation=gain / math.sqrt(inputs))
        state[name + ".bias"] = randn(out, deviation=0.3)

    def norm(name):
        state[name + ".weight"] = 1 + randn(WIDTH, deviation=0.2)
        state[name + ".bias"] = randn(WIDTH, deviation=0.2)

    s = root + "sentence_encoder."
    state[root + "version"] = torch.tensor(2)
    state[s + "embed_tokens.weight"] = randn(VOCABULARY, WIDTH, deviation=0.5)
    state[s + "embed_positions.weight"] = randn(POSITIONS + PAD + 1, WIDTH, deviation=0.5)
    norm(s + embedding_norm)
    if pre_norm:
        norm(s + "layer_norm")
    if sharing == "layerwise" and not old:
        linear(s + "compress_layer", SLOTS, POSITIONS, 1.0)
    for i in range(2):
        layer = f"{s}layers.{i}."
        for name, gain in (("q_proj", 1.7), ("k_proj", 1.7), ("v_proj", 0.8), ("out_proj", 0.8)):
            linear(layer + "self_attn." + name, WIDTH, WIDTH, gain)
        if sharing == "layerwise":
            shared = layer + "shared_compress_layer" if old else s + "compress_layer"
            if old:
                linear(shared, SLOTS, POSITIONS, 1.0)
            for c in ("compress_k", "compress_v"):
                for kind in ("weight", "bias"):
                    state[f"{layer}self_attn.{c}.{kind}"] = state[f"{shared}.{kind}"]
        else:
            for c in ("compress_k",) if sharing == "key-value" else ("compress_k", "compress_v"):
                state[f"{layer}self_attn.{c}.weight"] = randn(SLOTS, POSITIONS, deviation=1 / math.sqrt(POSITIONS))
        norm(layer + "self_attn_layer_norm")
        linear(layer + "fc1", FFN, WIDTH)
        linear(layer + "fc2", WIDTH, FFN)
        norm(layer + "final_layer_norm")
    linear(root + "lm_head.dense", WIDTH, WIDTH)
    norm(root + "lm_head.layer_norm")
    state[root + "lm_head.weight"] = state[s + "embed_tokens.weight"] if tied else randn(VOCABULARY, WIDTH)
    state[root + "lm_head.bias"] = randn(VOCABULARY, deviation=0.3)
    return state


def compressed_attention(x, layer, weights, out, i):
    """fairseq's MultiheadLinearAttention: E times the input, of which it takes the first columns, then W and b."""
    n, d = len(x), WIDTH // HEADS
    linear = lambda name, y: F.linear(y, weights[layer + name + ".weight"], weights[layer + name + ".bias"])
    split = lambda y: y.reshape(len(y), HEADS, d).transpose(0, 1)
    e = weights[layer + "compress_k.weight"]
    f = weights.get(layer + "compress_v.weight", e)
    q = split(linear("q_proj", x))
    k, v = split(linear("k_proj", e[:, :n] @ x)), split(linear("v_proj", f[:, :n] @ x))
    logits = q @ k.mT * d ** -0.5
    p = logits.softmax(-1)
    out.layer(i, q=q, k=k, v=v, logits=logits, probabilities=p)
    return linear("out_proj", (p @ v).transpose(0, 1).reshape(n, WIDTH))


def run_fairseq(state, ids, root, embedding_norm, pre_norm):
    w = {name: tensor.double() for name, tensor in state.items()}
    s, out = root + "sentence_encoder.", Recording()
    linear = lambda name, y: F.linear(y, w[name + ".weight"], w[name + ".bias"])
    norm = lambda name, y: F.layer_norm(y, (WIDTH,), w[name + ".weight"], w[name + ".bias"])
    placed = (ids != PAD).long()
    positions = placed.cumsum(0) * placed + PAD
    x = norm(s + embedding_norm, w[s + "embed_tokens.weight"][ids] + w[s + "embed_positions.weight"][positions])
    x = x * placed[:, None]
    out.tensors["embeddings.hidden"] = x
    for i in range(2):
        layer = f"{s}layers.{i}."
        first, second = layer + "self_attn_layer_norm", layer + "final_layer_norm"
        ffn = lambda y: linear(layer + "fc2", F.gelu(linear(layer + "fc1", y)))
        if pre_norm:
            x = x + compressed_attention(norm(first, x), layer + "self_attn.", w, out, i)
            x = x + ffn(norm(second, x))
        else:
            x = norm(first, x + compressed_attention(x, layer + "self_attn.", w, out, i))
            x = norm(second, x + ffn(x))
        out.layer(i, hidden=x)
    x = norm(s + "layer_norm", x) if pre_norm else x
    out.tensors["final.hidden"] = x
    head = root + "lm_head"
    y = norm(head + ".layer_norm", F.gelu(linear(head + ".dense", x)))
    out.tensors["prediction_logits"] = F.linear(y, w[head + ".weight"], w[head + ".bias"])
    return out.tensors


def fairseq(sequences, sharing, **options):
    state = fairseq_state(sharing, **options)
    run = {"root": "encoder.", "embedding_norm": "emb_layer_norm", "pre_norm": False} | options
    return state, [run_fairseq(state, ids, run["root"], run["embedding_norm"], run["pre_norm"]) for ids in sequences]


def jargon(sequences):
    state, out = {}, []

    def linear(name, outputs, inputs, gain=0.8):
        state[name + ".weight"] = randn(outputs, inputs, deviation=gain / math.sqrt(inputs))
        state[name + ".bias"] = randn(outputs, deviation=0.3)

    def norm(name):
        state[name + ".weight"] = 1 + randn(WIDTH, deviation=0.2)
        state[name + ".bias"] = randn(WIDTH, deviation=0.2)

    embeddings = "roberta.embeddings."
    state[embeddings + "word_embeddings.weight"] = randn(VOCABULARY, WIDTH, deviation=0.5)
    state[embeddings + "position_embeddings.weight"] = randn(POSITIONS + 2, WIDTH, deviation=0.5)
    state[embeddings + "token_type_embeddings.weight"] = randn(1, WIDTH, deviation=0.5)
    norm(embeddings + "LayerNorm")  # never applied
    norm("roberta.encoder.layer_norm")
    linear("roberta.encoder.compress_layer", SLOTS, POSITIONS, 1.0)
    for i in range(2):
        layer = f"roberta.encoder.layer.{i}."
        for name, gain in (("q_proj", 1.7), ("k_proj", 1.7), ("v_proj", 0.8), ("out_proj", 0.8)):
            linear(layer + "attention." + name, WIDTH, WIDTH, gain)
        for c in ("compress_k", "compress_v"):
            for kind in ("weight", "bias"):
                state[f"{layer}attention.{c}.{kind}"] = state[f"roberta.encoder.compress_layer.{kind}"]
        norm(layer + "attn_layer_norm")
        norm(layer + "final_layer_norm")
        linear(layer + "intermediate.dense", FFN, WIDTH)
        linear(layer + "output.dense", WIDTH, FFN)
        norm(layer + "output.LayerNorm")  # never applied
    linear("lm_head.dense", WIDTH, WIDTH)
    norm("lm_head.layer_norm")
    state["lm_head.bias"] = randn(VOCABULARY, deviation=0.3)
    state["lm_head.decoder.weight"] = state[embeddings + "word_embeddings.weight"]
    state["lm_head.decoder.bias"] = state["lm_head.bias"]
    w = {name: tensor.double() for name, tensor in state.items()}
    apply = lambda name, y: F.linear(y, w[name + ".weight"], w[name + ".bias"])
    normed = lambda name, y: F.layer_norm(y, (WIDTH,), w[name + ".weight"], w[name + ".bias"])
    for ids in sequences:
        record = Recording()
        placed = (ids != PAD).long()
        x = (w[embeddings + "word_embeddings.weight"][ids] + w[embeddings + "token_type_embeddings.weight"][0]
             + w[embeddings + "position_embeddings.weight"][placed.cumsum(0) * placed + PAD])
        record.tensors["embeddings.hidden"] = x
        for i in range(2):
            layer = f"roberta.encoder.layer.{i}."
            x = x + compressed_attention(normed(layer + "attn_layer_norm", x), layer + "attention.", w, record, i)
            inner = F.relu(apply(layer + "intermediate.dense", normed(layer + "final_layer_norm", x)))
            x = x + apply(layer + "output.dense", inner)
            record.layer(i, hidden=x)
        x = normed("roberta.encoder.layer_norm", x)
        record.tensors["final.hidden"] = x
        y = normed("lm_head.layer_norm", F.gelu(apply("lm_head.dense", x)))
        record.tensors["prediction_logits"] = F.linear(y, w["lm_head.decoder.weight"], w["lm_head.bias"])
        out.append(record.tensors)
    return state, out


# ---- variants

def model_args(**changes):
    return argparse.Namespace(**{"arch": "linformer_roberta_base", "encoder_attention_heads": HEADS, "activation_fn": "gelu",
                                 "dropout": 0.1, "no_scale_embedding": True, "encoder_layers_to_keep": None} | changes)


HEADS_CONFIG, WHOLE = {"heads": 4}, (16, 16)
# name: (make, lengths, config.json, what surrounds the state dict in model.pt or None for model.safetensors, pad)
VARIANTS = {
    "lucidrains": (lambda s: lucidrains(s), (20, 9), HEADS_CONFIG, lambda state: state, False),
    "lucidrains-share-kv": (lambda s: lucidrains(s, share_kv=True), (20, 9), HEADS_CONFIG, None, False),
    "lucidrains-one-kv-head": (lambda s: lucidrains(s, one_kv_head=True), (20, 9), None, lambda state: state, False),
    "lucidrains-dim-head": (lambda s: lucidrains(s, dim_head=10), (20, 9), HEADS_CONFIG, None, False),
    "tatp22-layerwise": (lambda s: tatp22(s), WHOLE, None, lambda state: state, False),
    "tatp22-kv": (lambda s: tatp22(s, parameter_sharing="kv", k_reduce_by_layer=2), WHOLE, None, lambda state: state,
                  False),
    "tatp22-headwise": (lambda s: tatp22(s, parameter_sharing="headwise", activation="relu", dim_d=5), WHOLE,
                        {"activation": "relu"}, lambda state: state, False),
    "tatp22-none": (lambda s: tatp22(s, parameter_sharing="none", w_o_intermediate_dim=7, emb_dim=12), WHOLE, None,
                    lambda state: state, False),
    "tatp22-convolution": (lambda s: tatp22(s, parameter_sharing="none", method="convolution"), WHOLE,
                           {"input_size": 16}, lambda state: state, False),
    "fairseq": (lambda s: fairseq(s, "none"), (20, 9), None,
                lambda state: {"args": model_args(), "model": state, "extra_state": {"epoch": 3, "loss": 0.5}}, True),
    "fairseq-key-value": (lambda s: fairseq(s, "key-value", root="decoder.", tied=False), (20, 9),
                          {"encoder_attention_heads": HEADS}, None, True),
    "fairseq-layerwise": (lambda s: fairseq(s, "layerwise", embedding_norm="layernorm_embedding", pre_norm=True), (20, 9),
                          None, lambda state: {"args": None, "cfg": {"model": model_args(), "task": {"seed": 1}},
                                               "model": state}, True),
    "fairseq-old": (lambda s: fairseq(s, "layerwise", old=True), (20, 3), {"encoder_attention_heads": HEADS},
                    lambda state: state, True),
    "jargon": (lambda s: jargon(s), (20, 9), {"model_type": "jargon", "encoder_attention_heads": HEADS,
                                              "hidden_act": "relu", "pad_token_id": 1}, lambda state: state, True),
}


@torch.no_grad()
def record(name, make, lengths, config, pack, pad):
    folder = FIXTURES / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sequences = [torch.randint(4, VOCABULARY, (n,), generator=generator) for n in lengths]
    if pad:
        sequences[1][lengths[1] // 2] = PAD
    state, expected = make(sequences)
    if pack is None:
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, folder / "model.safetensors")
    else:
        torch.save(pack(state), folder / ("pytorch_model.bin" if name == "jargon" else "model.pt"))
    if config:
        (folder / "config.json").write_text(json.dumps(config) + "\n")
    tensors = {}
    for i, (ids, seen) in enumerate(zip(sequences, expected)):
        tensors[f"sequence.{i}.ids"] = ids
        tensors |= {f"sequence.{i}.{key}": value.float().contiguous().clone() for key, value in seen.items()}
    save_file(tensors, folder / "expected.safetensors")
    peaked = torch.cat([p.amax(-1).flatten() for key, p in tensors.items() if key.endswith("probabilities")])
    print(f"{name}: {(peaked > 0.7).float().mean():.0%} of rows over 0.7; "
          f"{sum(f.stat().st_size for f in folder.iterdir())} bytes")


if __name__ == "__main__":
    for variant, arguments in VARIANTS.items():
        record(variant, *arguments)
