# SPDX-License-Identifier: MIT
"""The peer of `linformer analyze-spectrum`: transformers with eager attention, then torch.linalg.svdvals.

Reads the very token ids that linformer is given (one array, or one object with "ids", a line; equal lengths) and
writes one JSON object: seconds of a sequence (loading and one warm-up forward excluded; forward and svd apart),
seconds of the whole process, and the mean curves over sequences, [layers][heads][m], m from 1:
cumulative = sum of the first m singular values / sum of all, energy = the same of their squares.

    HF_HUB_OFFLINE=1 python tests/peers/spectrum.py CHECKPOINT IDS.jsonl [--threads N] --out FILE.json
"""
import argparse
import json
import os
import time
from pathlib import Path

import torch
import transformers


def process_seconds() -> float:
    """Wall time since this process was started, the interpreter and the imports included (Linux)."""
    started = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])  # field 22, in clock ticks
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK")


def read_ids(path: str) -> list[torch.Tensor]:
    with open(path, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    sequences = [torch.tensor(row["ids"] if isinstance(row, dict) else row) for row in rows]
    if len({len(ids) for ids in sequences}) != 1:
        raise SystemExit(f"{path}: the mean curves need sequences of one length")
    return sequences


def curve(values: torch.Tensor) -> torch.Tensor:
    return values.cumsum(-1) / values.sum(-1, keepdim=True)


@torch.inference_mode()
def analyze(model, sequences: list[torch.Tensor]) -> dict:
    forward = svd = 0.0
    cumulative = energy = 0
    model(sequences[0][None], output_attentions=True)
    started = time.perf_counter()
    for ids in sequences:
        t0 = time.perf_counter()
        probabilities = torch.cat(model(ids[None], output_attentions=True).attentions)  # [layers, heads, n, n]
        t1 = time.perf_counter()
        sigma = torch.linalg.svdvals(probabilities).double()
        t2 = time.perf_counter()
        forward, svd = forward + t1 - t0, svd + t2 - t1
        cumulative, energy = cumulative + curve(sigma), energy + curve(sigma.square())
    count = len(sequences)
    return {
        "sequences": count,
        "length": len(sequences[0]),
        "seconds_per_sequence": (time.perf_counter() - started) / count,
        "forward_seconds_per_sequence": forward / count,
        "svd_seconds_per_sequence": svd / count,
        "cumulative": (cumulative / count).tolist(),
        "energy": (energy / count).tolist(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint")
    parser.add_argument("ids")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--out", required=True)
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    sequences = read_ids(options.ids)
    model = transformers.AutoModel.from_pretrained(
        options.checkpoint, dtype=torch.float32, attn_implementation="eager").eval()
    result = {
        "peer": f"transformers {transformers.__version__}, torch {torch.__version__}",
        "threads": options.threads,
        **analyze(model, sequences),
    }
    result["process_seconds"] = process_seconds()
    Path(options.out).write_text(json.dumps(result) + "\n")
    for key in ("seconds_per_sequence", "forward_seconds_per_sequence", "svd_seconds_per_sequence", "process_seconds"):
        print(f"{key}: {result[key]:.3f}")


if __name__ == "__main__":
    main()
