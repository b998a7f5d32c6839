# SPDX-License-Identifier: MIT
"""Packs the same tensors in every way that is read, into tests/fixtures/packagings/.

    twin.safetensors                    the values of all readable tensors, each contiguous
    zip.pt, legacy.pt                   torch.save now and as before 1.6: views, shared storages, types, and
                                        tensors of kinds that are not read (complex64, sparse, float8)
    nested.pt                           the same under "model", with an argparse.Namespace and other things, as
                                        fairseq writes it
    sharded/, sharded-torch/            the same in two files and an index

    python tests/oracle/packagings.py
"""
import argparse
import collections
import json
import pathlib

import numpy
import torch
from safetensors.torch import save_file

FOLDER = pathlib.Path(__file__).parents[1] / "fixtures" / "packagings"


def readable():
    generator = torch.Generator().manual_seed(7)
    base = torch.randn(6, 5, generator=generator)
    cube = torch.randn(3, 4, 5, generator=generator)
    return {
        "f32": base,
        "transposed": base.t(),
        "slice": base[1:5:2, 1:4],
        "permuted": cube.permute(2, 0, 1),
        "one.column": cube[:, 1:2, 3],
        "repeated": base[0, :1].expand(7),
        "tied": base,
        "parameter": torch.nn.Parameter(torch.randn(4, generator=generator)),
        "bf16": torch.randn(3, 2, generator=generator).bfloat16().t(),
        "f16": torch.randn(3, 2, generator=generator).half(),
        "f64": torch.randn(2, generator=generator).double(),
        "i64": torch.arange(-3, 3).reshape(2, 3).t(),
        "i32": torch.arange(4, dtype=torch.int32),
        "i16": torch.arange(4, dtype=torch.int16)[::2],
        "i8": torch.tensor([-128, 127], dtype=torch.int8),
        "u8": torch.tensor([0, 255], dtype=torch.uint8),
        "bool": torch.tensor([[True, False, True]]),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
    }


def main():
    torch.manual_seed(7)
    tensors = readable()
    FOLDER.mkdir(parents=True, exist_ok=True)
    save_file({name: t.detach().clone(memory_format=torch.contiguous_format).contiguous()
               for name, t in tensors.items()}, FOLDER / "twin.safetensors")
    foreign = {
        "complex": torch.zeros(2, dtype=torch.complex64),
        "sparse": torch.eye(2).to_sparse(),
        "float8": torch.zeros(4).to(torch.float8_e4m3fn),
    }
    state = collections.OrderedDict(tensors | foreign)
    state._metadata = {"": {"version": 1}}
    torch.save(state, FOLDER / "zip.pt")
    torch.save(state, FOLDER / "legacy.pt", _use_new_zipfile_serialization=False)
    torch.save({
        "args": argparse.Namespace(arch="linformer_roberta_base", dropout=0.1, paths=["a", None], nested={"x": (1, 2)}),
        "model": collections.OrderedDict(tensors),
        "path": pathlib.PurePosixPath("/data"),
        "epoch": numpy.int64(3),
        "loss": numpy.float64(1.5),
        "extra_state": {"big": 1 << 70, "set": {1, 2}, "bytes": b"ab", "negative": -(1 << 40)},
        "optimizer": {"state": {0: {"step": torch.tensor(1.0)}}},
    }, FOLDER / "nested.pt")

    names = sorted(tensors)
    halves = {1: names[::2], 2: names[1::2]}
    for folder, ending, index in (("sharded", "safetensors", "model.safetensors.index.json"),
                                  ("sharded-torch", "bin", "pytorch_model.bin.index.json")):
        (FOLDER / folder).mkdir(exist_ok=True)
        stem = index.split(".")[0]
        files = {part: f"{stem}-0000{part}-of-00002.{ending}" for part in halves}
        for part, chosen in halves.items():
            path = FOLDER / folder / files[part]
            if ending == "bin":
                torch.save({name: tensors[name] for name in chosen}, path)
            else:
                save_file({name: tensors[name].detach().clone().contiguous() for name in chosen}, path)
        weight_map = {name: files[part] for part, chosen in halves.items() for name in chosen}
        text = json.dumps({"metadata": {"total_size": 1234, "more": [1, {"x": None}]}, "weight_map": weight_map}, indent=1)
        (FOLDER / folder / index).write_text(text + "\n")


main()
