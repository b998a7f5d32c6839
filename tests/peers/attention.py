# SPDX-License-Identifier: MIT
"""`linformer bench` beside the attention of torch, onnxruntime and OpenVINO, alternately, on one machine.

For every length, --rounds times over: our cells by one run of the program, then each peer for about as long. Prints a
row a length and kind of attention: the median time of ours, that of each peer, and the ratio of the fastest peer to
ours (above 1: ours is faster). Peers that are not installed are left out, and named.

    python tests/peers/attention.py ./linformer --lengths 512,1024,2048,4096,8192,16384 [--out ratios.json]

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

    def calls(self, q, k, v, projections):
        q, k, v = (torch.from_numpy(x) for x in (q, k, v))

        def attention(backend, causal=False):
            def call():
                with torch.no_grad(), sdpa_kernel(backend):
                    F.scaled_dot_product_attention(q, k, v, is_causal=causal)
            return call

        def linformer(e, f):
            e, f = torch.from_numpy(e), torch.from_numpy(f)

            def call():
                with torch.no_grad():
                    F.scaled_dot_product_attention(q, torch.matmul(e, k), torch.matmul(f, v))
            return call

        yield "flash", attention(SDPBackend.FLASH_ATTENTION)
        yield "causal", attention(SDPBackend.FLASH_ATTENTION, causal=True)
        if q.shape[2] <= 8192:
            yield "standard", attention(SDPBackend.MATH)
        for slots, (e, f) in projections.items():
            yield f"linformer k={slots}", linformer(e, f)


class OnnxRuntime:
    name = "onnxruntime"

    def __init__(self, options):
        import onnxruntime
        from onnx import TensorProto, helper

        width = options.heads * options.head_size
        node = helper.make_node("MultiHeadAttention", ["q", "k", "v"], ["o"], domain="com.microsoft",
                                num_heads=options.heads)
        tensors = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, "n", width]) for name in "qkvo"}
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
        self.settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": options.threads}

    def request(self, shape, projection=None):
        q, k, v = (self.opset.parameter(shape, np.float32) for _ in range(3))
        keys, values = k, v
        if projection is not None:
            e, f = (self.opset.constant(x) for x in projection)
            keys, values = self.opset.matmul(e, k, False, False), self.opset.matmul(f, v, False, False)
        model = self.openvino.Model([self.opset.scaled_dot_product_attention(q, keys, values)], [q, k, v])
        return self.core.compile_model(model, "CPU", self.settings).create_infer_request()

    def calls(self, q, k, v, projections):
        def call(request):
            return lambda: request.infer([q, k, v], share_inputs=True, share_outputs=True)

        yield "flash", call(self.request(list(q.shape)))
        for slots, projection in projections.items():
            yield f"linformer k={slots}", call(self.request(list(q.shape), projection))


def ours(options, length: int, causal: bool) -> dict[str, float]:
    """Seconds by kind, from one run of the program."""
    mechanisms = "flash" if causal else "standard;flash;linformer:sharing=headwise"
    command = [options.program, "bench", "--lengths", str(length), "--num-heads", str(options.heads), "--head-size",
               str(options.head_size), "--k", options.k, "--threads", str(options.threads), "--mechanisms", mechanisms,
               "--budget", f"{options.seconds * (1 if causal else 4)}s", "--out", "-", "--quiet"]
    if causal:
        command.append("--causal")
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    found = {}
    for cell in report["results"]["cells"]:
        if cell["state"] != "measured" or cell["timed_heads"] != cell["heads"]:
            continue
        name, _, rest = cell["mechanism"].partition(":")
        kind = f"linformer {rest.split(',')[0]}" if rest else name
        found["causal" if causal else kind] = cell["median_ns"] * 1e-9
    return found


def peers_of(options) -> list:
    found = []
    for peer in (Torch, OnnxRuntime, OpenVino):
        try:
            found.append(peer(options))
        except ImportError as error:
            print(f"{peer.name} is left out: {error}", flush=True)
    return found


def flops_of(kind: str, n: int, options) -> float:
    keys = int(kind.partition("k=")[2] or n)
    full = 4 * n * keys * options.head_size * options.heads
    return full / 2 if kind == "causal" else 2 * full if "k=" in kind else full


def measure(options, peers, n: int, times: dict) -> None:
    generator = np.random.default_rng(n)
    q, k, v = (generator.standard_normal((1, options.heads, n, options.head_size), dtype=np.float32) for _ in range(3))
    slots = [int(x) for x in options.k.split(",")]
    projections = {x: tuple(generator.standard_normal((x, n), dtype=np.float32) / np.float32(math.sqrt(x))
                            for _ in range(2)) for x in slots if x <= n}
    for _ in range(options.rounds):
        for causal in (False, True):
            for kind, seconds in ours(options, n, causal).items():
                times.setdefault((n, kind), {}).setdefault("ours", []).append(seconds)
        for peer in peers:
            for kind, call in peer.calls(q, k, v, projections):
                times.setdefault((n, kind), {}).setdefault(peer.name, []).append(seconds_of(call, options.seconds))


def show(times: dict, options) -> list[dict]:
    rows, ratios = [], {}
    for (n, kind), found in times.items():
        medians = {name: statistics.median(seconds) for name, seconds in found.items()}
        mine = medians.pop("ours", None)
        if mine is None or not medians:
            continue
        best = min(medians, key=medians.get)
        ratio = medians[best] / mine
        ratios.setdefault(kind, []).append(ratio)
        rows.append({"n": n, "kind": kind, "ours_ms": mine * 1e3, "ours_gflops": flops_of(kind, n, options) / mine * 1e-9,
                     "peers_ms": {name: seconds * 1e3 for name, seconds in medians.items()}, "best_peer": best,
                     "ratio": ratio})
        others = "  ".join(f"{name} {seconds * 1e3:9.2f}" for name, seconds in medians.items())
        print(f"{n:6} {kind:16} ours {mine * 1e3:9.2f} ms {rows[-1]['ours_gflops']:6.0f} GF/s  {others}  "
              f"{ratio:.2f}x of {best}")
    for kind, values in ratios.items():
        mean = math.exp(statistics.fmean(math.log(x) for x in values))
        print(f"{kind}: geometric mean {mean:.2f}x, worst {min(values):.2f}x over {len(values)} lengths")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--lengths", default="512,1024,2048,4096,8192,16384")
    parser.add_argument("--k", default="128,256")
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--head-size", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each call that is timed")
    parser.add_argument("--out", help="write the rows as JSON")
    options = parser.parse_args()
    times: dict = {}
    peers = peers_of(options)
    for n in (int(x) for x in options.lengths.split(",")):
        measure(options, peers, n, times)
    rows = show(times, options)
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=2)


if __name__ == "__main__":
    main()
