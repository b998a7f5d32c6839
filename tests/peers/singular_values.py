# SPDX-License-Identifier: MIT
"""Milliseconds a matrix that singular values take: the program's methods and torch.linalg.svdvals, on the same P.

P is the softmax of Gaussian logits of standard deviations from 0.05 to 20. Each round runs every side once, in turn;
the table has the medians, ratios to `fast`, and the largest difference from LAPACK in f64 over sigma_1. Ours are the
seconds of the report's phase "singular values", of a process of its own; the peer's exclude a warm-up.

    env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE python tests/peers/singular_values.py ./linformer [--threads N]
"""
import argparse
import json
import math
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy
import torch

METHODS = ("fast", "gesdd", "gram")
DEVIATIONS = (0.05, 0.5, 1, 1.5, 2, 4, 8, 20)


def attention(n: int, matrices: int) -> torch.Tensor:
    deviations = torch.tensor([DEVIATIONS[i % len(DEVIATIONS)] for i in range(matrices)])
    logits = torch.randn(matrices, n, n, generator=torch.Generator().manual_seed(n))
    return torch.softmax(deviations[:, None, None] * logits, -1)


def ours(options, method: str, folder: Path) -> float:
    """Seconds of all matrices."""
    report = folder / "report.json"
    subprocess.run([options.program, "analyze-spectrum", "--probabilities", folder / "p.npy", "--method", method,
                    "--control", "none", "--no-centred", "--verify", "0", "--threads", str(options.threads),
                    "--out", report, "--force", "--quiet"], check=True, stdout=subprocess.DEVNULL)
    return json.loads(report.read_text())["phases"]["singular_values_seconds"]


def torch_seconds(p: torch.Tensor) -> float:
    torch.linalg.svdvals(p[:1])
    started = time.perf_counter()
    torch.linalg.svdvals(p)
    return time.perf_counter() - started


def error(options, method: str, folder: Path) -> float:
    """The largest difference from LAPACK in f64, over sigma_1, as the program's own check finds it."""
    report = folder / "report.json"
    subprocess.run([options.program, "analyze-spectrum", "--probabilities", folder / "p.npy", "--method", method,
                    "--control", "none", "--no-centred", "--verify", "1", "--threads", str(options.threads),
                    "--out", report, "--force", "--quiet"], stdout=subprocess.DEVNULL, check=True)
    return json.loads(report.read_text())["checks"]["largest_verified_error"]


def measure(options, n: int, folder: Path) -> list[str]:
    matrices = max(32, 32 * (256 // n) ** 2)
    p = attention(n, matrices)
    numpy.save(folder / "p.npy", p.reshape(matrices // 32, 32, n, n).numpy())
    seconds = {side: [] for side in (*METHODS, "torch")}
    for _ in range(options.rounds):
        for method in METHODS:
            seconds[method].append(ours(options, method, folder))
        seconds["torch"].append(torch_seconds(p[:min(matrices, 256)]) * matrices / min(matrices, 256))
    medians = {side: statistics.median(values) / matrices * 1e3 for side, values in seconds.items()}
    ratios = [medians[side] / medians["fast"] for side in ("gesdd", "gram", "torch")]
    return [str(n), *(f"{medians[side]:.3f}" for side in medians), *(f"{ratio:.2f}" for ratio in ratios),
            f"{error(options, 'fast', folder):.1e}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--sizes", default="64,128,256,512,1024")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    os.environ.pop("OMP_NUM_THREADS", None)
    heads = ["n", "fast", "gesdd", "gram", "torch", "gesdd/fast", "gram/fast", "torch/fast", "error of fast"]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for n in map(int, options.sizes.split(",")):
            rows.append(measure(options, n, Path(folder)))
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    means = [math.exp(statistics.fmean(math.log(float(row[i])) for row in rows)) for i in (5, 6, 7)]
    print("| geometric mean | | | | | " + " | ".join(f"{mean:.2f}" for mean in means) + " | |")


if __name__ == "__main__":
    main()
