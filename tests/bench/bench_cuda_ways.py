"""Ways to run one graph on CUDA, in turns: as edgefeat does, bound memory, graphs, TF32, search.

    python tests/bench/bench_cuda_ways.py [MODEL.onnx] [--batches 1 16] [-n 200]

Decides what `edgefeat/engine` asks of ONNX Runtime. For each way and batch: the median of a call
from a picture in the machine's memory to features there, the time to open with a first call, and
the relative L2 of the features to those of the first way.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from edgefeat import EdgefeatError
from edgefeat.engine.cpu import ORT_ERRORS
from edgefeat.engine.libraries import absent_libraries
from edgefeat.engine.providers import find
from edgefeat.model.file import read_model_file

MODEL = Path(__file__).parents[2] / "models" / "efficientnet_lite0_224_fp32.onnx"
Run = Callable[[NDArray[np.uint8]], NDArray[Any]]
WAYS: dict[str, dict[str, str]] = {
    "edgefeat": {},
    "bound memory": {},
    "CUDA graph": {"enable_cuda_graph": "1"},
    "TF32": {"use_tf32": "1"},
    "every algorithm tried": {"cudnn_conv_algo_search": "EXHAUSTIVE"},
    "channels last": {"prefer_nhwc": "1"},
}


def main() -> int:
    """Print a line for each way and batch."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, nargs="?", default=MODEL)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16])
    parser.add_argument("-n", type=int, default=200, help="calls of each way")
    arguments = parser.parse_args()
    try:
        absent_libraries(find(["cuda"]))  # loads what pip has installed
        file = read_model_file(arguments.model)
    except EdgefeatError as error:
        print(f"bench_cuda_ways: {error}", file=sys.stderr)  # noqa: T201
        return 3
    _, shape = file.spec.graph_input
    for batch in arguments.batches:
        pictures = np.random.default_rng(0).integers(0, 256, (batch, *shape), np.uint8)
        runs = {}
        opened = {}
        for way, options in WAYS.items():
            started = time.perf_counter()
            try:
                runs[way] = _prepare(way, _open(file.for_engine(), options), pictures)
                runs[way](pictures)
            except ORT_ERRORS as error:
                runs.pop(way, None)
                print(f"batch {batch}  {way:24} cannot run: {error}"[:200])  # noqa: T201
            opened[way] = time.perf_counter() - started
        medians, features = _in_turns(runs, pictures, arguments.n)
        for way, seconds in medians.items():
            far = _relative_l2(features[way], features["edgefeat"])
            print(  # noqa: T201
                f"batch {batch}  {way:24}{seconds * 1e3:8.3f} ms"
                f"  {seconds / medians['edgefeat']:.2f} of edgefeat's"
                f"  open {opened[way] * 1e3:6.0f} ms  relative L2 {far:.1e}"
            )
    return 0


def _open(model: Any, options: dict[str, str]) -> ort.InferenceSession:
    cuda = find(["cuda"])[0]
    settings = ort.SessionOptions()
    settings.log_severity_level = 3
    providers: list[Any] = [(cuda.full_name, cuda.options | options)]
    if options.get("enable_cuda_graph") != "1":  # a graph needs every operation on the GPU
        providers.append("CPUExecutionProvider")
    return ort.InferenceSession(model, settings, providers=providers)


def _prepare(way: str, session: ort.InferenceSession, pictures: NDArray[np.uint8]) -> Run:
    name, output = session.get_inputs()[0].name, session.get_outputs()[0].name
    if way not in ("bound memory", "CUDA graph"):
        return lambda given: session.run([output], {name: given})[0]  # type: ignore[no-any-return]
    bound = ort.OrtValue.ortvalue_from_numpy(pictures, "cuda", 0)
    binding = session.io_binding()
    binding.bind_ortvalue_input(name, bound)
    dim = session.get_outputs()[0].shape[1]
    result = ort.OrtValue.ortvalue_from_shape_and_type((len(pictures), dim), np.float32, "cuda", 0)
    binding.bind_ortvalue_output(output, result)

    def run(given: NDArray[np.uint8]) -> NDArray[Any]:
        bound.update_inplace(given)
        session.run_with_iobinding(binding)
        return result.numpy()  # type: ignore[no-any-return]

    return run


def _in_turns(
    runs: dict[str, Run], pictures: NDArray[np.uint8], calls: int
) -> tuple[dict[str, float], dict[str, NDArray[Any]]]:
    samples: dict[str, list[float]] = {way: [] for way in runs}
    features = {}
    for _ in range(calls):
        for way, run in runs.items():
            started = time.perf_counter()
            features[way] = run(pictures)
            samples[way].append(time.perf_counter() - started)
    return {way: statistics.median(each) for way, each in samples.items()}, features


def _relative_l2(features: NDArray[Any], expected: NDArray[Any]) -> float:
    return float(np.linalg.norm(features - expected) / np.linalg.norm(expected))


if __name__ == "__main__":
    sys.exit(main())
