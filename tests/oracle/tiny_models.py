# SPDX-License-Identifier: MIT
"""Makes tiny random checkpoints of every family but BERT and records what transformers computes with them.

Writes tests/fixtures/models/<variant>/{config.json, model.safetensors, expected.safetensors}. The latter holds,
for every sequence s and layer i, float32 rounded from a float64 forward pass,

    sequence.{s}.ids                      i64 [n]             text models
    sequence.{s}.pixel_values             [channels, height, width]   image models
    sequence.{s}.embeddings.hidden        [n, D]
    sequence.{s}.layers.{i}.q             [heads, n, d]      after rotary positions
    sequence.{s}.layers.{i}.k | v         [kv heads, n, d]
    sequence.{s}.layers.{i}.logits        [heads, n, n]      scale q k^T
    sequence.{s}.layers.{i}.probabilities [heads, n, n]
    sequence.{s}.layers.{i}.hidden        [n, D]             the layer's output, before the final norm
    sequence.{s}.final.hidden             [n, D]             after it
    sequence.{s}.prediction_logits        [n, vocab]         models with a head

and, for causal models with a head, its metadata the mean cross entropy of every next token as "loss". Of T5 and its
like it holds these under encoder., decoder. and cross. (queries of the decoder, keys and values of the encoder), with
the decoder's hidden states and predictions; the decoder reads the encoder's ids shifted right, and the loss is that of
predicting these ids. uneven.prediction_logits are those of the first sequence in the decoder with the second in the
encoder. No bias is zero and no norm is the identity.

Also writes tests/fixtures/t5/buckets.json: the buckets of T5's relative positions.

    HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 python tests/oracle/tiny_models.py
"""
import json
import math
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import torch
import transformers as tf
from safetensors.torch import load_file, save_file
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, eager_mask
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

FIXTURES = Path(__file__).parents[1] / "fixtures" / "models"
BUCKETS = FIXTURES.parent / "t5" / "buckets.json"
VOCABULARY = 60
LENGTHS = (6, 19)


@dataclass
class Variant:
    name: str
    model: type
    config: tf.PretrainedConfig
    final_norm: str = ""  # module whose input is the last layer's output
    dtype: torch.dtype = torch.float32
    qk_gain: float = 1.5
    pad: int = -1  # put into the middle of the second sequence
    image_norm: str = ""  # an image model: module whose output is final.hidden
    save_options: dict = field(default_factory=dict)
    config_changes: dict = field(default_factory=dict)  # written over the saved config.json
    untied: bool = False  # a head of its own


COMMON = dict(vocab_size=VOCABULARY, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
              intermediate_size=40, max_position_embeddings=24)
GPT2 = dict(vocab_size=VOCABULARY, n_embd=32, n_layer=2, n_head=4, n_positions=24)
DISTILBERT = dict(vocab_size=VOCABULARY, dim=32, n_layers=2, n_heads=4, hidden_dim=40, max_position_embeddings=24)
VIT = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=40, image_size=12, patch_size=4)
T5 = dict(vocab_size=VOCABULARY, d_model=20, d_kv=6, num_heads=3, d_ff=28, num_layers=2, decoder_start_token_id=0)
LLAMA3_ROPE = {"rope_type": "llama3", "rope_theta": 500.0, "factor": 4.0, "low_freq_factor": 1.0,
               "high_freq_factor": 4.0, "original_max_position_embeddings": 16}

VARIANTS = [
    Variant("roberta", tf.RobertaModel, tf.RobertaConfig(**COMMON | dict(type_vocab_size=1, layer_norm_eps=1e-5)), pad=1),
    Variant("xlm-roberta-lm", tf.XLMRobertaForMaskedLM,
            tf.XLMRobertaConfig(**COMMON | dict(type_vocab_size=2, pad_token_id=3, hidden_act="gelu_new"))),
    Variant("camembert-lm", tf.CamembertForMaskedLM, tf.CamembertConfig(**COMMON | dict(type_vocab_size=1)),
            dtype=torch.float16),
    Variant("distilbert", tf.DistilBertModel, tf.DistilBertConfig(**DISTILBERT, sinusoidal_pos_embds=True)),
    Variant("distilbert-lm", tf.DistilBertForMaskedLM, tf.DistilBertConfig(**DISTILBERT, activation="relu")),
    Variant("electra", tf.ElectraModel, tf.ElectraConfig(**COMMON | dict(embedding_size=32))),
    Variant("electra-lm", tf.ElectraForMaskedLM, tf.ElectraConfig(**COMMON | dict(embedding_size=12, hidden_act="relu"))),
    Variant("albert", tf.AlbertModel, tf.AlbertConfig(**COMMON | dict(embedding_size=12))),
    Variant("albert-lm", tf.AlbertForMaskedLM,
            tf.AlbertConfig(**COMMON | dict(embedding_size=12, num_hidden_layers=4, num_hidden_groups=2,
                                            inner_group_num=2, hidden_act="gelu"))),
    Variant("gpt2", tf.GPT2Model, tf.GPT2Config(**GPT2, scale_attn_by_inverse_layer_idx=True, n_inner=36), "ln_f"),
    Variant("gpt2-lm", tf.GPT2LMHeadModel, tf.GPT2Config(**GPT2, scale_attn_weights=False, activation_function="relu"),
            "transformer.ln_f", qk_gain=0.8),
    Variant("gpt-neox", tf.GPTNeoXForCausalLM,
            tf.GPTNeoXConfig(**COMMON | dict(rope_parameters={"rope_type": "default", "rope_theta": 300.0,
                                                              "partial_rotary_factor": 0.5})),
            "gpt_neox.final_layer_norm"),
    Variant("gpt-neox-serial", tf.GPTNeoXModel,
            tf.GPTNeoXConfig(**COMMON | dict(use_parallel_residual=False, attention_bias=False, hidden_act="gelu_new",
                                             rope_parameters={"rope_type": "default", "rope_theta": 300.0,
                                                              "partial_rotary_factor": 0.25})),
            "final_layer_norm", config_changes={"rope_parameters": None, "rotary_pct": 0.25, "rotary_emb_base": 300}),
    Variant("llama", tf.LlamaForCausalLM,
            tf.LlamaConfig(**COMMON | dict(num_key_value_heads=2, attention_bias=True, mlp_bias=True,
                                           rope_parameters=LLAMA3_ROPE)), "model.norm"),
    Variant("llama-base", tf.LlamaModel,
            tf.LlamaConfig(**COMMON | dict(num_key_value_heads=1, head_dim=6,
                                           rope_parameters={"rope_type": "linear", "rope_theta": 300.0, "factor": 3.0})),
            "norm", config_changes={"rope_parameters": None, "rope_theta": 300.0,
                                    "rope_scaling": {"type": "linear", "factor": 3.0}}),
    Variant("mistral", tf.MistralForCausalLM,
            tf.MistralConfig(**COMMON | dict(num_key_value_heads=2, head_dim=10, sliding_window=20,
                                             tie_word_embeddings=True)), "model.norm", dtype=torch.bfloat16),
    Variant("qwen2", tf.Qwen2ForCausalLM, tf.Qwen2Config(**COMMON | dict(num_key_value_heads=2)), "model.norm"),
    Variant("t5", tf.T5ForConditionalGeneration,
            tf.T5Config(**T5 | dict(relative_attention_num_buckets=8, relative_attention_max_distance=12,
                                    decoder_start_token_id=2)), qk_gain=1.1, config_changes={"n_positions": 10}),
    Variant("t5-gated", tf.T5ForConditionalGeneration,
            tf.T5Config(**T5 | dict(feed_forward_proj="gated-gelu", num_decoder_layers=1, tie_word_embeddings=False)),
            qk_gain=1.1, untied=True, config_changes={"tie_word_embeddings": False, "scale_decoder_outputs": None,
                                         "relative_attention_max_distance": None, "is_gated_act": True}),
    Variant("t5-encoder", tf.T5EncoderModel, tf.T5Config(**T5 | dict(feed_forward_proj="gated-silu", num_heads=2)),
            qk_gain=1.1),
    Variant("mt5", tf.MT5ForConditionalGeneration,
            tf.MT5Config(**T5 | dict(num_layers=1, num_decoder_layers=2, relative_attention_num_buckets=7,
                                     relative_attention_max_distance=9)), dtype=torch.bfloat16, qk_gain=0.9),
    Variant("umt5", tf.UMT5ForConditionalGeneration,
            tf.UMT5Config(**T5 | dict(num_heads=2, relative_attention_num_buckets=10)), qk_gain=1.0),
]

IMAGE_VARIANTS = [
    Variant("vit", tf.ViTModel, tf.ViTConfig(**VIT), image_norm="layernorm"),
    Variant("vit-classifier", tf.ViTForImageClassification,
            tf.ViTConfig(**VIT | dict(qkv_bias=False, hidden_act="gelu_new", layer_norm_eps=1e-3)),
            image_norm="vit.layernorm", dtype=torch.bfloat16),
    Variant("vit-rectangular", tf.ViTModel,  # a rest of 2 rows and 1 column that no patch sees
            tf.ViTConfig(**VIT | dict(image_size=[14, 21], patch_size=[4, 5], num_channels=2, head_dim=6)),
            image_norm="layernorm", save_options={"save_original_format": False}),
    Variant("deit", tf.DeiTForImageClassificationWithTeacher, tf.DeiTConfig(**VIT), image_norm="deit.layernorm"),
]

recorded: list[dict[str, torch.Tensor]] = []


def recording_attention(module, query, key, value, attention_mask, scaling=None, position_bias=None, **_):
    groups = query.shape[1] // key.shape[1]
    k, v = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    logits = query @ k.mT * (query.shape[-1] ** -0.5 if scaling is None else scaling)
    logits = logits if position_bias is None else logits + position_bias
    p = (logits if attention_mask is None else logits + attention_mask).softmax(-1)
    recorded.append({"q": query[0], "k": key[0], "v": value[0], "logits": logits[0], "probabilities": p[0]})
    return (p @ v).transpose(1, 2), p


ALL_ATTENTION_FUNCTIONS.register("recording", recording_attention)
ALL_MASK_ATTENTION_FUNCTIONS.register("recording", eager_mask)


@torch.no_grad()
def randomise(v: Variant, model: torch.nn.Module, generator: torch.Generator) -> None:
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if "norm" in name.lower() or "ln_" in name:
            parameter.copy_(0.2 * noise + (1 if name.endswith("weight") else 0))
        elif parameter.ndim == 1:
            parameter.copy_(0.3 * noise)
        elif parameter.ndim == 4:  # patches to hidden states
            parameter.copy_(0.7 / math.sqrt(parameter[0].numel()) * noise)
        elif "relative_attention_bias" in name:
            parameter.copy_(noise)
        elif "shared" in name or "embed" in name and "project" not in name and "hidden_mapping" not in name or "wte" in name or "wpe" in name:
            parameter.copy_(0.5 * noise)
        else:
            inputs = parameter.shape[0] if ".c_" in name else parameter.shape[1]  # Conv1D is [in, out]
            gain = v.qk_gain if any(x in name for x in ("query", "key", "q_", "k_", "c_attn", ".q.", ".k.")) else 0.7
            parameter.copy_(gain / math.sqrt(inputs) * noise)


def load(v: Variant, folder: Path, dtype: torch.dtype):
    model, info = v.model.from_pretrained(folder, dtype=dtype, attn_implementation="recording",
                                          output_loading_info=True)
    problems = {k: list(x) for k, x in info.items() if x}
    assert not problems, f"{v.name}: {problems}"
    return model.eval()


@torch.no_grad()
def record_image(v: Variant, model, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
    recorded.clear()
    normed = []
    hook = model.get_submodule(v.image_norm).register_forward_hook(lambda _, x, y: normed.append(y[0]))
    hidden = model(pixels[None], output_hidden_states=True).hidden_states
    hook.remove()
    assert len(hidden) == len(recorded) + 1 and len(normed) == 1
    out = {"embeddings.hidden": hidden[0][0], "final.hidden": normed[0]}
    for i, layer in enumerate(recorded):
        out.update({f"layers.{i}.{name}": tensor for name, tensor in layer.items()})
        out[f"layers.{i}.hidden"] = hidden[i + 1][0]
    return out


@torch.no_grad()
def record(v: Variant, model, ids: torch.Tensor) -> dict[str, torch.Tensor]:
    recorded.clear()
    before_norm = []
    hook = model.get_submodule(v.final_norm).register_forward_pre_hook(lambda _, x: before_norm.append(x[0])) \
        if v.final_norm else None
    arguments = {} if v.pad < 0 else {"attention_mask": torch.ones_like(ids)[None]}
    result = model(ids[None], output_hidden_states=True, **arguments)
    if hook:
        hook.remove()
    out = {"embeddings.hidden": result.hidden_states[0][0], "final.hidden": result.hidden_states[-1][0]}
    # ALBERT tells hidden states once a group of inner layers: only its last is compared.
    told = len(result.hidden_states) == len(recorded) + 1
    for i, layer in enumerate(recorded):
        out.update({f"layers.{i}.{name}": tensor for name, tensor in layer.items()})
        if told:
            last = i + 1 == len(recorded) and before_norm
            out[f"layers.{i}.hidden"] = before_norm[0][0] if last else result.hidden_states[i + 1][0]
    if hasattr(result, "logits"):
        out["prediction_logits"] = result.logits[0]
    return out


@torch.no_grad()
def record_stacks(model, ids: torch.Tensor) -> dict[str, torch.Tensor]:
    recorded.clear()
    out, hooks, stacks = {}, [], [name for name in ("encoder", "decoder") if hasattr(model, name)]

    def keep(name, tensor):
        out[name] = tensor[0] if isinstance(tensor, torch.Tensor) else tensor[0][0]

    for name in stacks:
        stack = getattr(model, name)
        hooks.append(stack.block[0].register_forward_pre_hook(
            lambda _, x, name=name: keep(f"{name}.embeddings.hidden", x)))
        hooks.append(stack.final_layer_norm.register_forward_hook(
            lambda _, x, y, name=name: keep(f"{name}.final.hidden", y)))
        hooks += [block.register_forward_hook(lambda _, x, y, name=f"{name}.layers.{i}.hidden": keep(name, y))
                  for i, block in enumerate(stack.block)]
    result = model(ids[None], labels=ids[None], use_cache=False) if "decoder" in stacks else model(ids[None])
    for hook in hooks:
        hook.remove()
    layers = len(model.encoder.block)
    attentions = {"encoder": recorded[:layers], "decoder": recorded[layers::2], "cross": recorded[layers + 1::2]}
    for stack, of_layers in attentions.items():
        for i, layer in enumerate(of_layers):
            out.update({f"{stack}.layers.{i}.{name}": tensor for name, tensor in layer.items()})
    if "decoder" in stacks:
        out["decoder.prediction_logits"] = result.logits[0]
    return out


def record_variant(v: Variant, folder: Path, generator: torch.Generator) -> None:
    torch.manual_seed(0)
    model = v.model(v.config)
    if v.untied:
        model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.clone())
    randomise(v, model, generator)
    shutil.rmtree(folder, ignore_errors=True)
    model.to(v.dtype).save_pretrained(folder, **v.save_options)
    (folder / "generation_config.json").unlink(missing_ok=True)
    reference, single = load(v, folder, torch.float64), load(v, folder, torch.float32)
    expected, worst, loss = {}, {}, []
    for s, n in enumerate(LENGTHS):
        if v.image_norm:
            of = model.base_model.embeddings.patch_embeddings
            pixels = torch.randn((of.num_channels, *of.image_size), generator=generator)
            expected[f"sequence.{s}.pixel_values"] = pixels
            f64, f32 = record_image(v, reference, pixels.double()), record_image(v, single, pixels)
        else:
            ids = torch.randint(5, VOCABULARY, (n,), generator=generator)
            if v.pad >= 0 and s > 0:
                ids[n // 2] = v.pad
            expected[f"sequence.{s}.ids"] = ids
            t5 = "T5" in v.model.__name__
            f64, f32 = (record_stacks(m, ids) if t5 else record(v, m, ids) for m in (reference, single))
        for name, tensor in f64.items():
            expected[f"sequence.{s}.{name}"] = tensor.float().contiguous()
            kind = name.rsplit(".", 1)[-1]
            worst[kind] = max(worst.get(kind, 0.0), (f32[name].double() - tensor).abs().max().item())
        if "prediction_logits" in f64 and "Causal" in v.model.__name__ + ("Causal" if "LMHead" in v.model.__name__ else ""):
            loss.append(torch.nn.functional.cross_entropy(f64["prediction_logits"][:-1], ids[1:], reduction="sum"))
        if "decoder.prediction_logits" in f64:
            loss.append(torch.nn.functional.cross_entropy(f64["decoder.prediction_logits"], ids, reduction="sum"))
    if v.config.is_encoder_decoder and t5:
        short, long = (expected[f"sequence.{s}.ids"][None] for s in (0, 1))
        with torch.no_grad():
            expected["uneven.prediction_logits"] = reference(long, labels=short, use_cache=False).logits[0].float()
    tokens = sum(LENGTHS) - (0 if t5 else len(LENGTHS))
    metadata = {"loss": repr((sum(loss) / tokens).item())} if loss else None
    save_file(expected, folder / "expected.safetensors", metadata=metadata)
    config = json.loads((folder / "config.json").read_text()) | v.config_changes
    (folder / "config.json").write_text(json.dumps({k: x for k, x in config.items() if x is not None}, indent=1) + "\n")
    peaked = torch.cat([p.amax(-1).flatten() for name, p in expected.items() if name.endswith("probabilities")])
    assert max(worst.values()) < 1e-5, f"{v.name}: float32 differs from float64 by {worst}"
    print(f"{v.name}: {(peaked > 0.9).float().mean():.0%} of rows over 0.9; float32 differs by {max(worst.values()):.1e}; "
          f"{sum(f.stat().st_size for f in folder.iterdir())} bytes; {sorted(load_file(folder / 'model.safetensors'))[:3]}")


def record_buckets() -> None:
    bucket = tf.models.t5.modeling_t5.T5Attention._relative_position_bucket
    distances = torch.arange(-300, 301)
    cases = [{"count": count, "far": far, "causal": causal, "first": -300,
              "buckets": bucket(distances, not causal, count, far).tolist()}
             for count, far in ((32, 128), (8, 12), (7, 20), (64, 256), (4, 3)) for causal in (False, True)]
    BUCKETS.parent.mkdir(exist_ok=True)
    BUCKETS.write_text("[" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "]\n")


def main() -> None:
    tf.utils.logging.set_verbosity_error()
    tf.utils.logging.disable_progress_bar()
    generator = torch.Generator().manual_seed(2006)
    for v in VARIANTS:
        record_variant(v, FIXTURES / v.name, generator)
    generator.manual_seed(2010)
    for v in IMAGE_VARIANTS:
        record_variant(v, FIXTURES / v.name, generator)
    record_buckets()


if __name__ == "__main__":
    main()
