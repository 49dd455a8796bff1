"""What an export costs and keeps: published networks, their own weights, real pictures.

    python tests/bench/bench_export.py [-o FILE.json]      (needs ../shared/data)

ResNet8 (MLPerf Tiny) is exported whole and judged on the shared CIFAR-10 test images; MobileNet 1.0
and 0.25 are held against Keras on the shared photos. Seconds and peak memory are of one export.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
PRECISIONS = ("fp32", "fp16")  # int8 of the larger ones has its own benchmark


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    weights = SHARED / "keras"
    jobs = [
        ("resnet8", str(weights / "pretrainedResnet.h5"), None, None),
        ("mobilenet 1.0", "mobilenet", 1.0, str(weights / "mobilenet_1_0_224_tf_no_top.h5")),
        ("mobilenet 0.25", "mobilenet", 0.25, str(weights / "mobilenet_2_5_224_tf_no_top.h5")),
    ]
    rows = []
    context = multiprocessing.get_context("spawn")
    for job in jobs:  # one process each, so that peak memory is its own
        with context.Pool(1) as pool:
            rows += pool.apply(_measure, job)
    for row in rows:
        sys.stdout.write(_line(row) + "\n")
    if arguments.output:
        arguments.output.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


def _measure(
    label: str, name: str, alpha: float | None, weights: str | None
) -> list[dict[str, Any]]:
    from dataclasses import fields

    from edgefeat_export import NetworkRequest, build
    from edgefeat_export.proof.gates import Gates

    whole = weights is None
    network = NetworkRequest(
        name,
        alpha=alpha,
        weights=weights or "imagenet",
        normalisation="none" if whole else None,
    )
    precisions = (*PRECISIONS, "int8") if whole else PRECISIONS
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        built = build(
            network,
            folder,
            layers=["flatten", "dense"] if whole else [],
            precisions=precisions,
            gates={f"{one}.{gate.name}": None for one in precisions for gate in fields(Gates)},
            images=SHARED / "photos",
        )
        seconds = time.perf_counter() - start
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return [
            {
                "network": label,
                "precision": one.spec.precision,
                "size_mb": one.size_bytes / 1e6,
                "parity": json.loads(one.spec.to_json())["parity"],
                "accuracy": _accuracy(one.path) if whole else None,
                "export_s": seconds,
                "peak_mb": peak_mb,
            }
            for one in built.files
        ]


def _accuracy(path: Path) -> float:
    from edgefeat import FeatureExtractor

    with (
        np.load(SHARED / "cifar10" / "cifar10.npz") as data,
        FeatureExtractor(path, outputs="all") as extractor,
    ):
        classes = extractor.outputs_prepared(data["x_test"])["dense"].argmax(axis=1)
        return float((classes == data["y_test"].reshape(-1)).mean())


def _line(row: dict[str, Any]) -> str:
    parity = row["parity"]
    accuracy = "" if row["accuracy"] is None else f"  CIFAR-10 {row['accuracy']:.1%}"
    return (
        f"{row['network']:<15} {row['precision']}  {row['size_mb']:6.2f} MB"
        f"  relative L2 max {parity['relative_l2_max']:.1e}"
        f"  cosine {parity['cosine_mean']:.6f} mean {parity['cosine_min']:.6f} min"
        f"  neighbours {parity['neighbour_overlap_10']:.1%}"
        f"  export {row['export_s']:.0f} s, {row['peak_mb']:.0f} MB peak{accuracy}"
    )


if __name__ == "__main__":
    sys.exit(main())
