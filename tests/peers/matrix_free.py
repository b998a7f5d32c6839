# SPDX-License-Identifier: MIT
"""Leading singular values of one long head: the program without P, and torch, which makes P and takes svd_lowrank.

Heads have Gaussian queries and keys (scores of a standard deviation of 1, or --deviation) or, with --local, a preference for
near keys. The table has seconds, peak memory, and the energy in the first 64 and in all values found by each side: both find
lower bounds, so the larger is the better. Ours are the seconds of the report's phase "singular values" and the peak of its
buffers; torch's are from Q and K to the values, and what the process grew by.

    env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE python tests/peers/matrix_free.py ./linformer --length 16384 --values 256
"""
import argparse
import csv
import json
import math
import multiprocessing
import os
import resource
import struct
import subprocess
import tempfile
import time
from pathlib import Path

import numpy
import torch


def head(options) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(options.seed)
    q, k = (torch.randn(options.length, options.head_size, generator=generator) for _ in range(2))
    q *= options.deviation
    if options.local:  # rotations by position, as rotary embeddings make them
        rates = 10000 ** (-torch.arange(0, options.head_size, 2) / options.head_size)
        angles = torch.arange(options.length)[:, None] * rates
        wave = torch.cat([angles.cos(), angles.sin()], 1) * math.sqrt(options.local)
        q, k = q + wave, k + wave
    return q, k


def write_safetensors(path: Path, tensors: dict[str, numpy.ndarray]) -> None:
    header, offset = {}, 0
    for name, values in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [offset, offset + values.nbytes]}
        offset += values.nbytes
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for values in tensors.values():
            file.write(values.tobytes())


def ours(options, folder: Path) -> dict:
    report = folder / "report.json"
    command = [options.program, "analyze-spectrum", "--qk", folder / "qk.safetensors", "--method", "matrix-free",
               "--values", str(options.values), "--probes", str(options.probes), "--tolerance", str(options.tolerance),
               "--threads", str(options.threads), "--out", report, "--quiet"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found = json.loads(report.read_text())
    with open(folder / "report.curves.csv") as file:
        sigma = [float(row["sigma"]) for row in csv.DictReader(file)]
    return {"seconds": found["phases"]["singular_values_seconds"], "bytes": found["memory"]["peak_buffers_bytes"],
            "sigma": sigma, "head": found["results"]["certified"][0]}


def torch_side(options, q: torch.Tensor, k: torch.Tensor, pipe) -> None:
    torch.set_num_threads(options.threads)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    p = torch.softmax(q @ k.T / math.sqrt(options.head_size), -1)
    made = time.perf_counter()
    sigma = torch.svd_lowrank(p, q=options.values, niter=2)[1]
    done = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pipe.send({"seconds": done - started, "making": made - started, "bytes": (peak - before) * 1024,
               "sigma": sigma.tolist(), "energy": p.square().sum(dtype=torch.float64).item()})


def torch_in_a_process(options, q: torch.Tensor, k: torch.Tensor) -> dict:
    receiver, sender = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=torch_side, args=(options, q, k, sender))
    process.start()
    result = receiver.recv()
    process.join()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--length", type=int, default=16384)
    parser.add_argument("--head-size", type=int, default=64)
    parser.add_argument("--values", type=int, default=256)
    parser.add_argument("--probes", type=int, default=0)
    parser.add_argument("--tolerance", type=float, default=1e-3)
    parser.add_argument("--deviation", type=float, default=1)
    parser.add_argument("--local", type=float, default=0, help="how much nearer keys are preferred")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-torch", action="store_true", help="where P does not fit into memory")
    options = parser.parse_args()
    os.environ.pop("OMP_NUM_THREADS", None)
    torch.set_num_threads(1)  # of this process, which forks
    q, k = head(options)
    with tempfile.TemporaryDirectory() as folder:
        shape = (1, 1, options.length, options.head_size)
        write_safetensors(Path(folder) / "qk.safetensors",
                          {"layers.0.q": q.reshape(shape).numpy(), "layers.0.k": k.reshape(shape).numpy()})
        mine = ours(options, Path(folder))
    rows = [("linformer", mine)]
    if not options.no_torch:
        rows.append(("torch", torch_in_a_process(options, q, k)))
    energy = mine["head"]["squared_norm"]
    print("| | seconds | peak MB | e_64 | e_last | sigma_1 | sigma_last |\n|---|---|---|---|---|---|---|")
    for name, row in rows:
        shares = numpy.cumsum(numpy.square(row["sigma"])) / energy
        print(f"| {name} | {row['seconds']:.2f} | {row['bytes'] / 1e6:.0f} | {shares[min(63, len(shares) - 1)]:.5f} "
              f"| {shares[-1]:.5f} | {row['sigma'][0]:.5f} | {row['sigma'][-1]:.5f} |")
    print(json.dumps({key: value for key, value in mine["head"].items() if key != "at"}))
    print(json.dumps(mine["head"]["at"][-1]))


if __name__ == "__main__":
    main()
