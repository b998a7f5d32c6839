# SPDX-License-Identifier: MIT
"""Sets a report of `linformer analyze-spectrum` beside the output of spectrum.py.

Prints seconds a sequence of both sides and their ratio, the seconds of the whole runs, and the largest difference
of the mean curves over layers, heads and m. Exits with 1 if a difference exceeds --tolerance.

    python tests/peers/compare_spectrum.py OURS.json OURS.csv PEER.json [--tolerance 1e-4]
"""
import argparse
import csv
import json
from pathlib import Path


def find(node, key: str):
    """The first value under `key` anywhere in a report, or None."""
    if isinstance(node, dict):
        if key in node:
            return node[key]
        node = list(node.values())
    found = (find(child, key) for child in node) if isinstance(node, list) else ()
    return next((value for value in found if value is not None), None)


def read_curves(path: str, series: str) -> dict[str, dict[tuple[int, int, int], float]]:
    """statistic -> (layer, head, m) -> value, of one series; rows that are no single head's are left out."""
    curves: dict[str, dict[tuple[int, int, int], float]] = {}
    pairs = set()
    with open(path, encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            pairs.add((row["series"], row["statistic"]))
            if row["series"] == series and row["layer"].isdigit() and row["head"].isdigit():
                key = int(row["layer"]), int(row["head"]), int(row["m"])
                curves.setdefault(row["statistic"], {})[key] = float(row["value"])
    if not curves:
        raise SystemExit(f"{path}: no row of series '{series}' for a layer and head; there are {sorted(pairs)}")
    return curves


def largest_difference(ours: dict[tuple[int, int, int], float], peer: list) -> tuple[float, tuple[int, int, int]]:
    """The largest |difference| and its (layer, head, m); both sides must have the same layers, heads and m."""
    theirs = {(layer, head, m): value for layer, heads in enumerate(peer)
              for head, values in enumerate(heads) for m, value in enumerate(values, 1)}
    if ours.keys() != theirs.keys():
        raise SystemExit(f"the curves differ in shape: {len(ours)} values here, {len(theirs)} in the peer's")
    return max((abs(ours[key] - theirs[key]), key) for key in ours)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("report")
    parser.add_argument("csv")
    parser.add_argument("peer")
    parser.add_argument("--series", default="probabilities", help="the CSV's series that holds the model's own P")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    options = parser.parse_args()

    report, peer = (json.loads(Path(path).read_text()) for path in (options.report, options.peer))
    ours = report["phases"]["total_seconds"] / report["results"]["sequences"]
    theirs = peer["seconds_per_sequence"]
    print(f"seconds a sequence: {ours:.3f} against {theirs:.3f} "
          f"(forward {peer['forward_seconds_per_sequence']:.3f}, svd {peer['svd_seconds_per_sequence']:.3f}): "
          f"{theirs / ours:.2f} x faster")
    print(f"seconds of the run: {report['seconds']:.2f} against {peer['process_seconds']:.2f}: "
          f"{peer['process_seconds'] / report['seconds']:.2f} x faster")

    curves = read_curves(options.csv, options.series)
    failed = False
    for name in ("cumulative", "energy"):
        difference, (layer, head, m) = largest_difference(curves.get(name, {}), peer[name])
        failed |= difference > options.tolerance
        print(f"{name}: largest difference of the mean curves {difference:.2e} (layer {layer}, head {head}, m = {m})")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
