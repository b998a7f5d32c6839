# SPDX-License-Identifier: MIT
"""`linformer bench` beside the attention of torch, onnxruntime and OpenVINO, alternately, on one machine.

For every head size and length, --rounds times over: our cells by one run of the program, then each peer for about as
long. Prints a row a shape and kind of attention: the median time of ours with its share of the FMA peak, that of each
peer, and the ratio of the fastest peer to ours (above 1: ours is faster); with --one-core also the ratio of ours on one
thread to ours on all. Peers that are not installed are left out, and named.

    python tests/peers/attention.py ./linformer --lengths 512,1024,2048,4096,8192,16384 [--out ratios.json]

--isa limits our instructions; ATEN_CPU_CAPABILITY=avx2 and DNNL_MAX_CPU_ISA=AVX2 in the environment limit those of torch
and OpenVINO.

Needs numpy and torch; onnx, onnxruntime and openvino if they are to be compared.
"""
import argparse
import json
import math
import statistics
import subprocess
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

LONGEST_STANDARD = 8192  # attention that makes P is compared up to here


def seconds_of(call, at_least: float) -> float:
    """The median of single calls over `at_least` seconds, and of 5, after two that do not count."""
    call()
    call()
    times: list[float] = []
    begin = time.perf_counter()
    while len(times) < 5 or time.perf_counter() - begin < at_least:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


class Torch:
    name = "torch"

    def __init__(self, options):
        torch.set_num_threads(options.threads)
        self.dtype = torch.bfloat16 if options.dtype == "bf16" else torch.float32

    def tensor(self, x):
        return torch.from_numpy(x).to(self.dtype)

    def calls(self, q, k, v, projections):
        q, k, v = (self.tensor(x) for x in (q, k, v))

        def attention(backend, causal=False):
            def call():
                with torch.no_grad(), sdpa_kernel(backend):
                    F.scaled_dot_product_attention(q, k, v, is_causal=causal)
            return call

        def linformer(e, f):
            e, f = self.tensor(e), self.tensor(f)

            def call():
                with torch.no_grad():
                    F.scaled_dot_product_attention(q, torch.matmul(e, k), torch.matmul(f, v))
            return call

        yield "flash", attention(SDPBackend.FLASH_ATTENTION)
        yield "causal", attention(SDPBackend.FLASH_ATTENTION, causal=True)
        if q.shape[2] <= LONGEST_STANDARD:
            yield "standard", attention(SDPBackend.MATH)
        for slots, (e, f) in projections.items():
            yield f"linformer k={slots}", linformer(e, f)


class OnnxRuntime:
    name = "onnxruntime"

    def __init__(self, options):
        if options.dtype != "f32":
            raise ImportError(f"its MultiHeadAttention has no {options.dtype} on the CPU")
        import onnxruntime
        from onnx import TensorProto, helper

        node = helper.make_node("MultiHeadAttention", ["q", "k", "v"], ["o"], domain="com.microsoft",
                                num_heads=options.heads)
        tensors = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, "n", "width"]) for name in "qkvo"}
        graph = helper.make_graph([node], "attention", [tensors[name] for name in "qkv"], [tensors["o"]])
        model = helper.make_model(graph, ir_version=8, opset_imports=[
            helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)])
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = options.threads
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), settings,
                                                    providers=["CPUExecutionProvider"])

    def calls(self, q, k, v, projections):
        del projections

        def rows(x):
            return np.ascontiguousarray(x.transpose(0, 2, 1, 3)).reshape(1, x.shape[2], -1)

        feeds = {"q": rows(q), "k": rows(k), "v": rows(v)}
        yield "flash", lambda: self.session.run(None, feeds)


class OpenVino:
    name = "openvino"

    def __init__(self, options):
        import openvino
        from openvino import opset13

        self.openvino, self.opset, self.core = openvino, opset13, openvino.Core()
        self.settings = {"INFERENCE_PRECISION_HINT": options.dtype, "INFERENCE_NUM_THREADS": options.threads}
        self.dtype = openvino.Type.bf16 if options.dtype == "bf16" else openvino.Type.f32

    def tensor(self, x):
        if self.dtype == self.openvino.Type.f32:
            return self.openvino.Tensor(np.ascontiguousarray(x), shared_memory=True)
        tensor = self.openvino.Tensor(self.dtype, list(x.shape))
        tensor.data.view(np.int16)[...] = torch.from_numpy(x).to(torch.bfloat16).view(torch.int16).numpy()
        return tensor

    def request(self, shape, projection=None):
        q, k, v = (self.opset.parameter(shape, self.dtype) for _ in range(3))
        keys, values = k, v
        if projection is not None:
            e, f = (self.opset.constant(self.tensor(x)) for x in projection)
            keys, values = self.opset.matmul(e, k, False, False), self.opset.matmul(f, v, False, False)
        model = self.openvino.Model([self.opset.scaled_dot_product_attention(q, keys, values)], [q, k, v])
        return self.core.compile_model(model, "CPU", self.settings).create_infer_request()

    def calls(self, q, k, v, projections):
        inputs = [self.tensor(x) for x in (q, k, v)]

        def call(request):
            return lambda: request.infer(inputs, share_inputs=True, share_outputs=True)

        yield "flash", call(self.request(list(q.shape)))
        for slots, projection in projections.items():
            yield f"linformer k={slots}", call(self.request(list(q.shape), projection))


def ours(options, d: int, n: int, causal: bool, threads: int) -> dict[str, tuple[float, float]]:
    """Seconds and share of the FMA peak by kind, from one run of the program."""
    exact = "standard;flash" if n <= LONGEST_STANDARD and options.dtype == "f32" else "flash"
    mechanisms = "flash" if causal else f"{exact};linformer:sharing=headwise"
    cells = 2 if causal else 4
    # Enough for every call of the longest lengths to be repeated, on all heads.
    budget = options.seconds * cells * max(1, (n / 2048) ** 2) * options.threads / threads
    command = [options.program, "bench", "--lengths", str(n), "--num-heads", str(options.heads), "--head-size", str(d),
               "--k", options.k, "--threads", str(threads), "--isa", options.isa, "--dtype", options.dtype,
               "--mechanisms", mechanisms, "--budget", f"{budget}s", "--out", "-", "--quiet"]
    if causal:
        command.append("--causal")
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    found = {}
    for cell in report["results"]["cells"]:
        if cell["state"] != "measured" or cell["timed_heads"] != cell["heads"]:
            continue
        name, _, rest = cell["mechanism"].partition(":")
        kind = f"linformer {rest.split(',')[0]}" if rest else name
        found["causal" if causal else kind] = (cell["median_ns"] * 1e-9, cell["peak_share"])
    return found


def peers_of(options) -> list:
    found = []
    for peer in (Torch, OnnxRuntime, OpenVino):
        try:
            found.append(peer(options))
        except ImportError as error:
            print(f"{peer.name} is left out: {error}", flush=True)
    return found


def flops_of(kind: str, d: int, n: int, options) -> float:
    keys = int(kind.partition("k=")[2] or n)
    full = 4 * n * keys * d * options.heads
    return full / 2 if kind == "causal" else 2 * full if "k=" in kind else full


def measure(options, peers, d: int, n: int, found: dict) -> None:
    """Adds to the lists of seconds, and of our shares of the peak, by shape, kind and side."""
    generator = np.random.default_rng(n)
    q, k, v = (generator.standard_normal((1, options.heads, n, d), dtype=np.float32) for _ in range(3))
    slots = [int(x) for x in options.k.split(",")]
    projections = {x: tuple(generator.standard_normal((x, n), dtype=np.float32) / np.float32(math.sqrt(x))
                            for _ in range(2)) for x in slots if x <= n}

    def keep(kind, side, value):
        found.setdefault((d, n, kind), {}).setdefault(side, []).append(value)

    for _ in range(options.rounds):
        for causal in (False, True):
            for kind, (seconds, share) in ours(options, d, n, causal, options.threads).items():
                keep(kind, "ours", seconds)
                keep(kind, "share", share)
            if options.one_core:
                for kind, (seconds, _) in ours(options, d, n, causal, 1).items():
                    keep(kind, "one core", seconds)
        for peer in peers:
            for kind, call in peer.calls(q, k, v, projections):
                keep(kind, peer.name, seconds_of(call, options.seconds))


def summary(rows: list[dict]) -> list[tuple]:
    """Of each head size and kind: geometric mean and least of the ratios over n, and where the least is."""
    found = []
    for d, kind in dict.fromkeys((row["d"], row["kind"]) for row in rows):
        ratios = {row["n"]: row["ratio"] for row in rows if (row["d"], row["kind"]) == (d, kind) and "ratio" in row}
        if ratios:
            mean = math.exp(statistics.fmean(math.log(x) for x in ratios.values()))
            where = min(ratios, key=ratios.get)
            found.append((d, kind, mean, ratios[where], where))
    return found


def markdown(rows: list[dict]) -> str:
    """The summary and all rows as two tables."""
    lines = ["| d | | mean | worst |", "|---:|---|---:|---:|"]
    lines += [f"| {d} | {kind} | {mean:.2f} | {worst:.2f} at n = {n} |" for d, kind, mean, worst, n in summary(rows)]
    peers = list(dict.fromkeys(name for row in rows for name in row["peers_ms"]))
    lines += ["", f"| d | | n | ours | GF/s | peak | 2 threads | {' | '.join(peers)} | ratio | least and most |",
              "|---:|---|---:|---:|---:|---:|---:|" + "---:|" * len(peers) + "---:|---:|"]
    for row in sorted(rows, key=lambda row: (row["d"], row["kind"], row["n"])):
        threads = f"{row['one_core_ratio']:.2f}" if "one_core_ratio" in row else ""
        times = " | ".join(f"{row['peers_ms'][name]:.2f}" if name in row["peers_ms"] else "" for name in peers)
        ratio = f"{row['ratio']:.2f} ({row['best_peer']})" if "ratio" in row else ""
        spread = f"{row['ratios'][0]:.2f}..{row['ratios'][-1]:.2f}" if "ratios" in row else ""
        lines.append(f"| {row['d']} | {row['kind']} | {row['n']} | {row['ours_ms']:.2f} | {row['ours_gflops']:.0f} | "
                     f"{row['peak_share']:.0%} | {threads} | {times} | {ratio} | {spread} |")
    return "\n".join(lines) + "\n"


def show(found: dict, options) -> list[dict]:
    rows: list[dict] = []
    for (d, n, kind), samples in found.items():
        medians = {side: statistics.median(values) for side, values in samples.items()}
        mine, share, alone = (medians.pop(side, None) for side in ("ours", "share", "one core"))
        if mine is None:
            continue
        row = {"d": d, "n": n, "kind": kind, "ours_ms": mine * 1e3,
               "ours_gflops": flops_of(kind, d, n, options) / mine * 1e-9, "peak_share": share,
               "peers_ms": {name: seconds * 1e3 for name, seconds in medians.items()}}
        text = f"d {d:3} n {n:6} {kind:16} ours {mine * 1e3:9.2f} ms {row['ours_gflops']:6.0f} GF/s {share:4.0%} of peak"
        if alone is not None:
            row["one_core_ratio"] = alone / mine
            text += f"  {alone / mine:.2f}x one core"
        if medians:
            row["best_peer"] = min(medians, key=medians.get)
            row["ratio"] = medians[row["best_peer"]] / mine
            rounds = zip(samples[row["best_peer"]], samples["ours"])
            row["ratios"] = sorted(theirs / ours for theirs, ours in rounds)
            others = "  ".join(f"{name} {seconds * 1e3:9.2f}" for name, seconds in medians.items())
            text += f"  {others}  {row['ratio']:.2f}x of {row['best_peer']}"
        rows.append(row)
        print(text)
    for d, kind, mean, worst, where in summary(rows):
        print(f"d {d} {kind}: geometric mean {mean:.2f}x, worst {worst:.2f}x at n = {where}")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--lengths", default="512,1024,2048,4096,8192,16384")
    parser.add_argument("--k", default="128,256")
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--head-sizes", default="64")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--one-core", action="store_true", help="measure ours on one thread too")
    parser.add_argument("--dtype", choices=["f32", "bf16"], default="f32", help="of q, k, v and the projections")
    parser.add_argument("--isa", default="auto", help="of ours: auto, baseline, avx2, avx512, avx512bf16 or amx")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each call that is timed")
    parser.add_argument("--out", help="write the options and rows as JSON")
    parser.add_argument("--markdown", help="write them as tables")
    options = parser.parse_args()
    found: dict = {}
    peers = peers_of(options)
    for d in (int(x) for x in options.head_sizes.split(",")):
        for n in (int(x) for x in options.lengths.split(",")):
            measure(options, peers, d, n, found)
    rows = show(found, options)
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            json.dump({"options": vars(options), "rows": rows}, file, indent=2)
    if options.markdown:
        with open(options.markdown, "w", encoding="utf-8") as file:
            file.write(markdown(rows))


if __name__ == "__main__":
    main()
