# SPDX-License-Identifier: MIT
"""Records what the package nystrom-attention makes of random queries, keys and values.

Writes tests/fixtures/nystrom/expected.safetensors: of each case <name>.q, .k, .v and .o [n, d] in f32; `cases` in the
metadata says with how many landmarks and iterations. Computed in f64 on the f32 values, one head at a time, because the
package takes the largest norms of a whole batch for all of its matrices. Its linear layers are the identity here, and
its convolution is left out. n is a multiple of the landmarks: the package would pad in front otherwise.

    OMP_NUM_THREADS=1 python tests/oracle/nystrom.py
"""
import json
from pathlib import Path

import torch
from nystrom_attention import NystromAttention
from safetensors.torch import save_file

FILE = Path(__file__).parents[1] / "fixtures" / "nystrom" / "expected.safetensors"

# name: n, landmarks, d, deviation of queries and keys, iterations
CASES = {
    "usual": (48, 8, 16, 1.0, 6),
    "peaked": (40, 10, 8, 2.5, 6),
    "few_steps": (24, 6, 8, 1.5, 2),
    "many_steps": (24, 6, 8, 1.5, 20),
    "all_tokens": (12, 12, 8, 2.0, 6),
    "one": (9, 1, 4, 1.0, 6),
}


def attention(q, k, v, landmarks, iterations):
    d = q.shape[1]
    module = NystromAttention(3 * d, dim_head=d, heads=1, num_landmarks=landmarks, pinv_iterations=iterations,
                              residual=False).double().eval()
    with torch.no_grad():
        module.to_qkv.weight.copy_(torch.eye(3 * d))
        module.to_out[0].weight.zero_()
        module.to_out[0].weight[:d].copy_(torch.eye(d))
        module.to_out[0].bias.zero_()
        return module(torch.cat([q, k, v], dim=1).double()[None])[0, :, :d]


def main():
    generator = torch.Generator().manual_seed(2102)
    tensors = {}
    for name, (n, landmarks, d, deviation, iterations) in CASES.items():
        q, k, v = (factor * torch.randn(n, d, generator=generator) for factor in (deviation, deviation, 1.0))
        o = attention(q, k, v, landmarks, iterations)
        tensors |= {f"{name}.q": q, f"{name}.k": k, f"{name}.v": v, f"{name}.o": o.float().contiguous()}
    FILE.parent.mkdir(exist_ok=True)
    cases = {name: {"landmarks": m, "iterations": steps} for name, (_, m, _, _, steps) in CASES.items()}
    save_file(tensors, FILE, {"cases": json.dumps(cases)})


if __name__ == "__main__":
    main()
