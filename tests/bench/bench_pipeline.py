"""JPEG file or camera frame to feature: edgefeat beside the loops that people write today.

    python tests/bench/bench_pipeline.py [-n 15] [-o FILE]     needs the export environment

All in one process, one thread each, in turns of a call that is not timed and four that are, as a
loop that has the machine to itself; medians, and each as a share of the first loop (cv2
INTER_AREA, float normalisation, ONNX Runtime fp32). Cosine is to that loop's features too, which
are Keras's own for a full decode and INTER_AREA: the fp32 graph equals Keras within 1e-5.

`no antialiasing + int8` is edgefeat int8 with exact halvings and one exact bilinear shrink. What
its features lose says why more is done.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from PIL import Image

from edgefeat import FeatureExtractor, cosine_similarity
from edgefeat.pictures import resize
from edgefeat.pictures.decode import load_bgr
from edgefeat.pictures.preprocess import Preprocessor

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data" / "photos"
PHOTOS = sorted((SHARED if SHARED.exists() else ROOT / "tests/data/photos").glob("*.jpg"))[::6]
SIZES = {"640x480": (480, 640), "1080p": (1080, 1920), "12 MP": (3000, 4000)}
FP32 = ROOT / "models/efficientnet_lite0_224_fp32.onnx"
INT8 = ROOT / "models/efficientnet_lite0_224_int8.onnx"
_BLOCK = 4
Picture = Any  # an encoded JPEG or a BGR frame
Loop = Callable[[Picture], NDArray[np.float32]]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=15, help="turns of each loop")
    parser.add_argument("-o", type=Path, help="write JSON here")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    loops = _loops()
    rows = []
    print(f"{'input':<14}{'loop':<30}{'ms':>8}{'share':>7}  cosine mean  min")  # noqa: T201
    for name, size in SIZES.items():
        frames = [_frame(path, size) for path in PHOTOS]
        quality = [cv2.IMWRITE_JPEG_QUALITY, 92]
        files = [cv2.imencode(".jpg", frame, quality)[1].tobytes() for frame in frames]
        for kind, pictures in (("frame", frames), ("JPEG", files)):
            for row in _rows(f"{kind} {name}", pictures, loops, arguments.n):
                rows.append(row)
                print(  # noqa: T201
                    f"{row['input']:<14}{row['loop']:<30}{row['ms']:8.2f}{row['share']:7.2f}"
                    f"  {row['cosine_mean']:.4f}  {row['cosine_min']:.4f}",
                    flush=True,
                )
    if arguments.o:
        arguments.o.write_text(json.dumps(rows, indent=1))
    return 0


def _loops() -> dict[str, Loop]:
    fp32, int8 = FeatureExtractor(FP32), FeatureExtractor(INT8)
    keep_side = Preprocessor.from_spec(int8.spec.input).keep_side
    network = _float_network()

    def cv2_loop(picture: Picture) -> NDArray[np.float32]:
        pixels = cv2.cvtColor(_decode_cv2(picture), cv2.COLOR_BGR2RGB)
        pixels = cv2.resize(pixels, (224, 224), interpolation=cv2.INTER_AREA)
        return network((pixels.astype(np.float32) - 127.0) / 128.0)

    def pil_loop(picture: Picture) -> NDArray[np.float32]:
        image = _decode_pil(picture).resize((224, 224), Image.Resampling.BICUBIC)
        return network((np.asarray(image, np.float32) - 127.0) / 128.0)

    def bare_loop(picture: Picture) -> NDArray[np.float32]:
        frame = load_bgr(picture, keep_side=keep_side)
        while min(frame.shape[:2]) >= 4.5 * 224:
            half = frame.shape[1] // 2, frame.shape[0] // 2
            frame = cv2.resize(frame, half, interpolation=cv2.INTER_AREA).astype(
                np.uint8, copy=False
            )
        pixels = cv2.cvtColor(resize.bilinear(frame, (224, 224)), cv2.COLOR_BGR2RGB)
        return int8.extract_prepared(pixels.astype(np.uint8, copy=False)[np.newaxis])[0]

    loops: dict[str, Loop] = {
        "cv2 AREA + float + ORT fp32": cv2_loop,
        "PIL bicubic + ORT fp32": pil_loop,
        "edgefeat fp32": fp32.extract,
        "edgefeat int8": int8.extract,
        "no antialiasing + int8": bare_loop,
    }
    if importlib.util.find_spec("keras") is None:
        print("keras is not installed: its loop is left out")  # noqa: T201
        return loops
    return loops | {"PIL + Keras predict": _keras_loop()}


def _keras_loop() -> Loop:
    import keras
    import tensorflow as tf

    from edgefeat_export.networks.backbones import load_backbone

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    backbone = load_backbone("efficientnet_lite0").model
    pooled = keras.layers.GlobalAveragePooling2D()(backbone.output)
    model = keras.Model(backbone.input, pooled)

    def loop(picture: Picture) -> NDArray[np.float32]:
        image = _decode_pil(picture).resize((224, 224), Image.Resampling.BILINEAR)
        batch = (np.asarray(image, np.float32)[np.newaxis] - 127.0) / 128.0
        result: NDArray[np.float32] = np.asarray(model.predict(batch, verbose=0))[0]
        return result

    return loop


def _float_network() -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Return the fp32 network without its normalisation, as a plain export takes its input."""
    import onnx
    from onnx import TensorProto, numpy_helper

    model = onnx.load(str(FP32))
    name = model.graph.input[0].name
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT
    add, conv = (next(n for n in model.graph.node if n.op_type == kind) for kind in ("Add", "Conv"))
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.name in add.input:
            tensor.CopyFrom(numpy_helper.from_array(values + np.float32(127), tensor.name))
        if tensor.name == conv.input[1]:
            tensor.CopyFrom(numpy_helper.from_array(values * np.float32(128), tensor.name))
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    data = model.SerializeToString()
    session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def run(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        result: NDArray[np.float32] = session.run(["features"], {name: pixels[np.newaxis]})[0][0]
        return result

    return run


def _rows(
    name: str, pictures: list[Picture], loops: dict[str, Loop], turns: int
) -> list[dict[str, Any]]:
    first_loop = next(iter(loops.values()))
    references = [first_loop(picture) for picture in pictures]
    cosines = {
        loop: [
            float(cosine_similarity(run(picture), reference))
            for picture, reference in zip(pictures, references, strict=True)
        ]
        for loop, run in loops.items()
    }
    samples: dict[str, list[float]] = {loop: [] for loop in loops}
    for turn in range(turns):
        for loop, run in loops.items():
            run(pictures[turn % len(pictures) - 1])  # the others had the caches
            for call in range(_BLOCK):
                picture = pictures[(turn + call) % len(pictures)]
                started = time.perf_counter()
                run(picture)
                samples[loop].append((time.perf_counter() - started) * 1e3)
    median = {loop: statistics.median(values) for loop, values in samples.items()}
    first = next(iter(median.values()))
    return [
        {
            "input": name,
            "loop": loop,
            "ms": median[loop],
            "share": median[loop] / first,
            "cosine_mean": statistics.mean(cosines[loop]),
            "cosine_min": min(cosines[loop]),
        }
        for loop in loops
    ]


def _frame(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    frame = cv2.imread(str(path))
    if frame.shape[0] > frame.shape[1]:
        frame = cv2.rotate(frame, cv2.ROTATE_90_CLOCKWISE)
    how = cv2.INTER_CUBIC if size[0] > frame.shape[0] else cv2.INTER_AREA
    return cv2.resize(frame, size[::-1], interpolation=how).astype(np.uint8, copy=False)


def _decode_cv2(picture: Picture) -> NDArray[np.uint8]:
    if isinstance(picture, bytes):
        return cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    return picture


def _decode_pil(picture: Picture) -> Image.Image:
    if isinstance(picture, bytes):
        return Image.open(io.BytesIO(picture)).convert("RGB")
    return Image.fromarray(picture[..., ::-1])


if __name__ == "__main__":
    sys.exit(main())
