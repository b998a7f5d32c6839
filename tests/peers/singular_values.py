# SPDX-License-Identifier: MIT
"""Milliseconds a matrix that singular values take: the program's methods, the distribution's sgesdd called plainly,
numpy.linalg.svd and torch.linalg.svdvals, on the same P.

P is the softmax of Gaussian logits of standard deviations from 0.05 to 20. For every instruction set and number of
threads, each round runs every side once, in turn; a table has the medians, ratios to `fast`, its share of the f32 FMA
peak of as many threads (counting 8/3 n^3 operations a matrix), and the largest difference of `fast` and `gesdd` from
LAPACK in f64 over sigma_1. Ours are the seconds of the report's phase "singular values", of a process of its own; the
peers' exclude a warm-up. Prints Markdown with the machine and the versions above it.

    env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE python tests/peers/singular_values.py ./linformer \\
        [--isas avx2] [--threads 1,2] [--sizes 64,128,256,512,1024] [--rounds 3]

`avx2` limits our kernels, OpenBLAS (to its Haswell kernels), ours and numpy's own, and torch with its MKL. `gesdd` has rows
padded against conflicts in the cache, which makes it faster at n = 512 and 1024 than `sgesdd` is: the same routine of the
same library (libopenblas.so.0), with its kernels for AVX-512 where not limited, called as it stands.
"""
import argparse
import ctypes
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

METHODS = ("fast", "gesdd", "gram")
SIDES = (*METHODS, "sgesdd", "numpy", "torch")
DEVIATIONS = (0.05, 0.5, 1, 1.5, 2, 4, 8, 20)
PEER_MATRICES = 256  # of each size, at most
LIMITS = {"avx2": {"ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2", "OPENBLAS_CORETYPE": "Haswell"},
          "avx512": {}}


def attention(n: int, matrices: int):
    import torch
    deviations = torch.tensor([DEVIATIONS[i % len(DEVIATIONS)] for i in range(matrices)])
    logits = torch.randn(matrices, n, n, generator=torch.Generator().manual_seed(n))
    return torch.softmax(deviations[:, None, None] * logits, -1)


def run(options, command: list, folder: Path) -> dict:
    report = folder / "report.json"
    done = subprocess.run([options.program, *map(str, command), "--isa", options.isa, "--threads",
                           str(options.thread_count), "--out", report, "--force", "--quiet"], stdout=subprocess.DEVNULL)
    if done.returncode > 1:  # 1: a method did not keep its promise, which the table shows
        done.check_returncode()
    return json.loads(report.read_text())


def spectra(options, method: str, verify: int, folder: Path) -> dict:
    return run(options, ["analyze-spectrum", "--probabilities", folder / "p.npy", "--method", method, "--control", "none",
                         "--no-centred", "--verify", verify], folder)


def peak_gflops(options, folder: Path) -> float:
    """Of f32 multiply-adds on these threads, as bench measures it."""
    report = run(options, ["bench", "--lengths", "256", "--mechanisms", "flash", "--budget", "5s"], folder)
    return report["results"]["peak_gflops"]


def seconds_of(svdvals, p) -> float:
    svdvals(p[:1])
    started = time.perf_counter()
    svdvals(p)
    return time.perf_counter() - started


def sgesdd_values(p) -> None:
    """Singular values of each of p [matrices, n, n], f32, which are overwritten."""
    import numpy
    sgesdd = ctypes.CDLL("libopenblas.so.0").sgesdd_
    n, info, minus_one, lwork = (ctypes.c_int(value) for value in (p.shape[1], 0, -1, 0))
    size, iwork = numpy.zeros(1, numpy.float32), numpy.zeros(8 * n.value, numpy.int32)

    def call(a, values, work, length):
        pointers = (x.ctypes.data_as(ctypes.c_void_p) for x in (a, values, a, a, work))
        a_at, values_at, u, v, work_at = pointers
        sgesdd(b"N", *map(ctypes.byref, (n, n)), a_at, ctypes.byref(n), values_at, u, ctypes.byref(n), v, ctypes.byref(n),
               work_at, ctypes.byref(length), iwork.ctypes.data_as(ctypes.c_void_p), ctypes.byref(info))
        assert info.value == 0

    values = numpy.zeros(n.value, numpy.float32)
    call(p[0], values, size, minus_one)
    lwork.value = int(size[0])
    work = numpy.zeros(lwork.value, numpy.float32)
    for a in p:
        call(a, values, work, lwork)


def plain_seconds(options, path: Path, matrices: int) -> float:
    """Of sgesdd_values, in a process of its own: numpy's OpenBLAS would heed the variable too."""
    environment = {**os.environ, "OPENBLAS_CORETYPE": "Haswell" if options.isa == "avx2" else "SkylakeX"}
    command = [sys.executable, __file__, options.program, "--plain", f"{path},{matrices}"]
    return float(subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout)


def plain_worker(path: str, matrices: int) -> None:
    import numpy
    p = numpy.load(path)
    p = p.reshape(-1, *p.shape[2:])[:matrices].copy()
    print(seconds_of(sgesdd_values, p))


def measure(options, n: int, peak: float, folder: Path) -> dict:
    import numpy
    import torch
    matrices = max(32, 32 * (256 // n) ** 2)
    p = attention(n, matrices)
    numpy.save(folder / "p.npy", p.reshape(matrices // 32, 32, n, n).numpy())
    some = min(matrices, PEER_MATRICES)
    seconds = {side: [] for side in SIDES}
    for _ in range(options.rounds):
        for method in METHODS:
            seconds[method].append(spectra(options, method, 0, folder)["phases"]["singular_values_seconds"] / matrices)
        seconds["sgesdd"].append(plain_seconds(options, folder / "p.npy", some) / some)
        seconds["numpy"].append(seconds_of(lambda a: numpy.linalg.svd(a, compute_uv=False), p[:some].numpy()) / some)
        seconds["torch"].append(seconds_of(torch.linalg.svdvals, p[:some]) / some)
    row = {side: 1e3 * statistics.median(values) for side, values in seconds.items()}
    row["n"] = n
    row["share"] = 8 / 3 * n**3 / (row["fast"] * 1e-3) / (peak * 1e9)
    for method in ("fast", "gesdd"):
        row[f"error of {method}"] = spectra(options, method, 1, folder)["checks"]["largest_verified_error"]
    return row


def worker(options) -> None:
    """One instruction set and number of threads; its rows as JSON."""
    import numpy
    import torch
    torch.set_num_threads(options.thread_count)
    with tempfile.TemporaryDirectory() as folder:
        peak = peak_gflops(options, Path(folder))
        rows = [measure(options, n, peak, Path(folder)) for n in options.sizes]
    print(json.dumps({"peak": peak, "rows": rows, "peers": f"numpy {numpy.__version__}, torch {torch.__version__}"}))


def measured(options, isa: str, threads: int) -> dict:
    environment = {**os.environ, **LIMITS[isa]}
    environment.pop("OMP_NUM_THREADS", None)
    environment["OPENBLAS_NUM_THREADS"] = str(threads)
    command = [sys.executable, __file__, options.program, "--worker", f"{isa},{threads}", "--rounds", str(options.rounds),
               "--sizes", ",".join(map(str, options.sizes))]
    return json.loads(subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout)


def geometric_mean(values) -> float:
    return math.exp(statistics.fmean(map(math.log, values)))


def table(found: dict, alone: dict | None) -> str:
    """`alone`: the same on one thread, to say how many times faster this is."""
    others = SIDES[1:]
    heads = ["n", *SIDES, *(f"{side}/fast" for side in others), "share of peak", "error of fast", "error of gesdd"]
    heads += ["times as fast as 1 thread"] if alone else []
    lines = ["| " + " | ".join(heads) + " |", "|" + "---:|" * len(heads)]
    for i, row in enumerate(found["rows"]):
        cells = [str(row["n"]), *(f"{row[side]:.3f}" for side in SIDES),
                 *(f"{row[side] / row['fast']:.2f}" for side in others), f"{100 * row['share']:.0f} %",
                 f"{row['error of fast']:.1e}", f"{row['error of gesdd']:.1e}"]
        cells += [f"{alone['rows'][i]['fast'] / row['fast']:.2f}"] if alone else []
        lines.append("| " + " | ".join(cells) + " |")
    means = [geometric_mean(row[side] / row["fast"] for row in found["rows"]) for side in others]
    cells = ["geometric mean", *[""] * len(SIDES), *(f"{mean:.2f}" for mean in means)]
    lines.append("| " + " | ".join(cells + [""] * (len(heads) - len(cells))) + " |")
    return "\n".join(lines)


def machine(options) -> str:
    """What the program says of it."""
    with tempfile.TemporaryDirectory() as folder:
        options.isa, options.thread_count = "auto", 1
        report = run(options, ["bench", "--lengths", "64", "--mechanisms", "flash", "--budget", "2s"], Path(folder))
    return f"{report['machine']['cpu']}; program {report['tool']['version']}, commit {report['tool']['commit']}"


def numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--sizes", type=numbers, default=[64, 128, 256, 512, 1024])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=numbers, default=[1])
    parser.add_argument("--isas", default="avx512,avx2" if "avx512f" in Path("/proc/cpuinfo").read_text() else "avx2")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--plain", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.plain:
        path, matrices = options.plain.split(",")
        return plain_worker(path, int(matrices))
    if options.worker:
        options.isa, count = options.worker.split(",")
        options.thread_count = int(count)
        return worker(options)
    print(machine(options))
    for isa in options.isas.split(","):
        alone = None
        for threads in options.threads:
            found = measured(options, isa, threads)
            print(f"\n{isa}, {threads} thread{'s' * (threads > 1)}, peak {found['peak']:.0f} GFLOP/s, "
                  f"{found['peers']}; milliseconds a matrix:\n\n{table(found, alone)}", flush=True)
            alone = alone or (found if threads == 1 else None)
    return None


if __name__ == "__main__":
    main()
