"""What int8 keeps and what it saves: fidelity, a linear probe, neighbours, latency, size.

    python tests/bench/bench_int8.py FP32.onnx INT8.onnx [--default-tool] [--peers] [-o table.json]

Fidelity is against the fp32 file, which `build` only writes when it equals Keras to 1e-5. Pictures are
CIFAR-10 test images enlarged to the input and, beside them, photos; none of them calibrates. The probe is
a logistic regression trained on fp32 features and fed int8 ones. `--default-tool` adds onnxruntime's own
static quantizer with its defaults for per-channel QDQ, calibrated on the same pictures as ours.
`--peers` adds OpenVINO on the same int8 file and a LiteRT int8 file (EDGEFEAT_LITERT_INT8), where installed.
Latencies are taken in turns in one process: one thread, batch 1, medians; read the ratios.
"""  # noqa: E501

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime as ort

from edgefeat.measures.agreement import compare
from edgefeat.model.file import read_model_file
from edgefeat.model.spec import InputSpec
from edgefeat_export.proof import pictures
from edgefeat_export.proof.calibration import calibration_pictures

ROOT = Path(__file__).parent.parent.parent
SHARED = ROOT.parent / "shared" / "data"
Run = Callable[[Any], Any]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fp32", type=Path)
    parser.add_argument("int8", type=Path)
    parser.add_argument("--default-tool", action="store_true")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--test", type=int, default=500, help="held-out pictures")
    parser.add_argument("--train", type=int, default=1000, help="probe training pictures, 0: none")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args(argv)
    spec = read_model_file(args.fp32).spec.input
    with tempfile.TemporaryDirectory() as folder:
        files = {"fp32": args.fp32, "int8": args.int8}
        if args.default_tool:
            files["default tool"] = default_tool(args.fp32, spec, Path(folder))
        rows = fidelity(files, spec, train=args.train, test=args.test)
        picture = calibration_pictures(spec, count=1, seed=9).pictures
        for name, numbers in latency(files, picture, args.rounds, peers=args.peers).items():
            rows.setdefault(name, {}).update(numbers)
        for name, path in files.items():
            rows[name]["size_mb"] = path.stat().st_size / 1e6
    for name, row in rows.items():
        shown = "  ".join(f"{key} {value:.4f}" for key, value in row.items())
        sys.stdout.write(f"{name:14} {shown}\n")
    if args.output:
        report = {"machine": _machine(), "files": {k: str(v) for k, v in files.items()}}
        args.output.write_text(json.dumps(report | {"rows": rows}, indent=1) + "\n")
    return 0


def default_tool(fp32: Path, spec: InputSpec, folder: Path, *, count: int = 96) -> Path:
    """Onnxruntime's static quantizer: per-channel QDQ, MinMax, on our calibration pictures."""
    import logging

    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader:
        def __init__(self) -> None:
            self.feeds = iter(calibration_pictures(spec, count=count, seed=1).pictures)

        def get_next(self) -> dict[str, Any] | None:
            image = next(self.feeds, None)
            return None if image is None else {spec.name: image[np.newaxis]}

    logging.disable(logging.WARNING)
    prepared, quantized = folder / "prepared.onnx", folder / "default.onnx"
    quant_pre_process(str(fp32), str(prepared), skip_symbolic_shape=True)
    quantize_static(
        str(prepared), str(quantized), Reader(), quant_format=QuantFormat.QDQ, per_channel=True,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
    )  # fmt: skip
    return quantized


def fidelity(
    files: dict[str, Path], spec: InputSpec, *, train: int, test: int
) -> dict[str, dict[str, float]]:
    held_out, labels, photos, training, answers = _pictures(spec, train, test)
    runs = {name: _runner(path) for name, path in files.items()}
    wanted = _features(runs["fp32"], held_out)
    wanted_photos = _features(runs["fp32"], photos)
    probe = None
    if len(training):
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.003, max_iter=300))
        probe.fit(_features(runs["fp32"], training), answers)
    rows: dict[str, dict[str, float]] = {}
    for name, run in runs.items():
        got = _features(run, held_out)
        found, on_photos = compare(wanted, got), compare(wanted_photos, _features(run, photos))
        rows[name] = {
            "cosine_mean": found.cosine_mean, "cosine_p1": found.cosine_p1 or float("nan"),
            "cosine_min": found.cosine_min, "relative_l2": found.relative_l2_mean,
            "overlap_10": found.neighbour_overlap_10 or float("nan"),
            "photos_mean": on_photos.cosine_mean, "photos_min": on_photos.cosine_min,
        }  # fmt: skip
        if probe is not None:
            rows[name]["probe"] = float(probe.score(got, labels))
    return rows


def latency(
    files: dict[str, Path], pictures: Any, rounds: int, *, peers: bool
) -> dict[str, dict[str, float]]:
    runs: dict[str, Run] = {name: _runner(path) for name, path in files.items()}
    if peers:
        runs |= _peers(files["int8"], pictures)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(rounds + 5):
        for name, run in runs.items():
            started = time.perf_counter()
            run(pictures)
            if turn >= 5:
                times[name].append((time.perf_counter() - started) * 1e3)
    base = float(np.median(times["fp32"]))
    return {
        name: {
            "ms": float(np.median(t)),
            "to_fp32": float(np.median(t)) / base,
            "p10_to_fp32": float(np.percentile(t, 10) / np.percentile(times["fp32"], 10)),
        }
        for name, t in times.items()
    }


def _peers(int8: Path, picture: Any) -> dict[str, Run]:
    found: dict[str, Run] = {}
    if find_spec("openvino"):
        import openvino as ov

        config = {"INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY"}
        model = ov.Core().read_model(str(int8))
        model.reshape([1, *picture.shape[1:]])
        request = ov.Core().compile_model(model, "CPU", config).create_infer_request()
        found["openvino int8"] = lambda x: request.infer([x])
    litert = os.environ.get("EDGEFEAT_LITERT_INT8")
    if litert and find_spec("ai_edge_litert"):
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(litert, num_threads=1)
        interpreter.allocate_tensors()
        (info,) = interpreter.get_input_details()
        feed = np.zeros(info["shape"], info["dtype"])

        def run(_picture: Any) -> None:
            interpreter.set_tensor(info["index"], feed)
            interpreter.invoke()

        found["litert int8"] = run
    return found


def _runner(path: Path) -> Run:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name, output = session.get_inputs()[0].name, session.get_outputs()[0].name
    return lambda picture: session.run([output], {name: picture})[0]


def _features(run: Run, images: Any) -> Any:
    if not len(images):
        return np.zeros((0, 1), np.float32)
    return np.stack([run(image[np.newaxis]).ravel() for image in images])


def _pictures(spec: InputSpec, train: int, test: int) -> tuple[Any, ...]:
    """CIFAR-10 and photos where the shared inputs are; crops of the sample photos elsewhere."""
    samples = sorted((ROOT / "tests" / "data" / "photos").glob("*.jpg"))
    if not SHARED.is_dir():
        crops = pictures.crops(samples, spec, count=max(20, test), seed=7)
        return crops, np.zeros(len(crops)), crops[:20], crops[:0], np.zeros(0)
    data = np.load(SHARED / "cifar10" / "cifar10.npz")
    calibrating = (
        "astronaut",
        "chelsea",
        "coffee",
        "camera",
        "rocket",
        "hubble",
        "china",
        "flower.",
    )
    photos = [
        p for p in sorted((SHARED / "photos").glob("*.jpg")) if not p.name.startswith(calibrating)
    ]
    return (
        _enlarged(data["x_test"][:test], spec), data["y_test"][:test].ravel(),
        pictures.crops(photos, spec, count=3 * len(photos), seed=7),
        _enlarged(data["x_train"][:train], spec), data["y_train"][:train].ravel(),
    )  # fmt: skip


def _enlarged(images: Any, spec: InputSpec) -> Any:
    size = spec.size_hw[::-1]
    if not len(images):
        return np.zeros((0, *spec.size_hw, 3), np.uint8)
    return np.stack([cv2.resize(x, size, interpolation=cv2.INTER_CUBIC) for x in images])


def _machine() -> dict[str, Any]:
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.exists() else []
    model = next((x.partition(":")[2].strip() for x in lines if x.startswith("model name")), "")
    names = ("onnxruntime", "onnx", "numpy", "openvino", "ai-edge-litert")
    packages = {n: version(n) for n in names if find_spec(n.replace("-", "_"))}
    return {"cpu": model, "system": platform.platform(), "packages": packages, "threads": 1}


if __name__ == "__main__":
    sys.exit(main())
