"""Int8 on other families: our quantizer against onnxruntime's default one, by error of the features.

    python tests/bench/bench_int8_families.py [NAME ...] [--size 128] [--pictures 24] [-o table.json]

Weights are random with live batch statistics, as this checkout has no released ones for these families;
the error is |int8 - float| / |float| over the features, the mean of pictures that did not calibrate.
Both quantizers see the same calibration pictures. `--floor` adds the error of bytes for activations alone,
with float weights and no other loss: what no rounding of weights can take away.
"""  # noqa: E501

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
FAMILIES = ("resnet50", "vgg16", "inception_v3", "mobilenet_v3_small")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=FAMILIES)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--pictures", type=int, default=24)
    parser.add_argument("--floor", action="store_true", help="also the error of activations alone")
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args(argv)
    rows = []
    for name in args.names:
        rows.append(measure(name, args.size, args.pictures, floor=args.floor))
        numbers = "  ".join(f"{k} {v:.4g}" for k, v in rows[-1].items() if k != "name")
        sys.stdout.write(f"{name:16} {numbers}\n")
        sys.stdout.flush()
    if args.output:
        args.output.write_text(json.dumps({"size": args.size, "rows": rows}, indent=1) + "\n")
    return 0


def measure(name: str, size: int, count: int, *, floor: bool) -> dict[str, Any]:
    import onnx
    from bench_int8 import default_tool

    from edgefeat.measures.agreement import compare
    from edgefeat.model.spec import InputSpec
    from edgefeat_export.cut.headless import Tap
    from edgefeat_export.networks.load import load_network
    from edgefeat_export.networks.request import NetworkRequest
    from edgefeat_export.pipeline.material import float_graph
    from edgefeat_export.proof.calibration import calibration_pictures
    from edgefeat_export.quant.fidelity import features_of
    from edgefeat_export.quant.graph_to_int8 import quantize
    from edgefeat_export.quant.latency import latency_of

    spec = InputSpec(size_hw=(size, size))
    network = load_network(NetworkRequest(name, weights="none", size_hw=(size, size)))
    fp32 = float_graph(network.cut([Tap()]), network.normalisation)
    calibration = calibration_pictures(spec, count=count, seed=1).pictures
    held_out = calibration_pictures(spec, count=count, seed=5).pictures
    wanted = features_of(fp32, held_out)
    started = time.perf_counter()
    ours = quantize(fp32, calibration)
    seconds = time.perf_counter() - started
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fp32.onnx"
        onnx.save(fp32, path)
        default = onnx.load(default_tool(path, spec, Path(folder), count=count))
    found, base = (compare(wanted, features_of(model, held_out)) for model in (ours, default))
    latency = latency_of(fp32, ours, held_out[0], runs=20)
    tool_latency = latency_of(fp32, default, held_out[0], runs=20)
    row = {
        "name": name,
        "cosine": found.cosine_mean,
        "cosine_tool": base.cosine_mean,
        "relative_l2": found.relative_l2_mean,
        "relative_l2_tool": base.relative_l2_mean,
        "ratio": found.relative_l2_mean / base.relative_l2_mean,
        "to_fp32": latency.ratio,
        "tool_to_fp32": tool_latency.ratio,
        "seconds": seconds,
    }
    if floor:
        alone = compare(wanted, activations_alone(fp32, calibration, held_out))
        row["relative_l2_activations"] = alone.relative_l2_mean
    return row


def activations_alone(fp32: Any, calibration: Any, held_out: Any) -> Any:
    """Features of the float network with every tensor rounded to bytes, ranges as ours."""
    import numpy as np
    import onnxruntime as ort

    from edgefeat_export.graph.graph import Graph
    from edgefeat_export.graph.writing import write
    from edgefeat_export.quant.graph_to_int8 import ranges_of
    from edgefeat_export.quant.plan import make_plan
    from edgefeat_export.quant.sequence import Quantized
    from edgefeat_export.quant.writer import write_integers

    graph = Graph(fp32)
    plan = make_plan(graph)
    affines = ranges_of(graph, plan, calibration)
    write_integers(graph, plan, Quantized(affines=affines, layers={}, errors={}))
    options = ort.SessionOptions()  # optimized, its weights would become bytes after all
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    content = write(graph).SerializeToString()
    session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return np.stack([session.run(None, {name: one[np.newaxis]})[0].ravel() for one in held_out])


if __name__ == "__main__":
    sys.exit(main())
