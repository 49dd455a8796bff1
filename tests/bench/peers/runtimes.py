"""Every peer behind one call: uint8 RGB pixels in, features out; what a user would write for each.

Preparing the pixels (float, normalisation, layout) is part of the call: edgefeat's graph does it
too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

Features = np.ndarray
Run = Callable[[np.ndarray], Features]
MEAN, SCALE = np.float32(127.0), np.float32(1 / 128.0)  # EfficientNet-Lite0's


def normalised(pixels: np.ndarray) -> np.ndarray:
    """Return float32 `(1, 224, 224, 3)`."""
    return (pixels.astype(np.float32) - MEAN) * SCALE


def runtimes(folder: Path, threads: int) -> Iterator[tuple[str, str, Callable[[], Run]]]:
    """Yield runtime, precision, and what opens it."""
    yield "edgefeat", "int8", lambda: edgefeat(None, threads)
    fp32 = Path(__file__).parents[3] / "models" / "efficientnet_lite0_224_fp32.onnx"
    if fp32.is_file():
        yield "edgefeat", "fp32", lambda: edgefeat(fp32, threads)
    yield "Keras predict", "fp32", lambda: keras_predict(folder / "model.keras", threads)
    yield "tf2onnx + ONNX Runtime", "fp32", lambda: plain_ort(folder / "plain.onnx", threads)
    yield (
        "tf2onnx + ONNX Runtime's quantizer",
        "int8",
        lambda: plain_ort(folder / "plain_int8.onnx", threads),
    )
    yield "LiteRT", "fp32", lambda: litert(folder / "fp32.tflite", threads)
    yield "LiteRT", "int8", lambda: litert(folder / "int8.tflite", threads)
    yield "OpenVINO", "fp32", lambda: openvino(folder / "plain.onnx", threads, "f32")
    yield (
        "OpenVINO",
        "default (bf16 if the CPU has it)",
        lambda: openvino(folder / "plain.onnx", threads, None),
    )
    yield "OpenCV dnn", "fp32", lambda: opencv(folder / "plain.onnx", threads)
    yield "ncnn", "default (half-precision storage)", lambda: ncnn(folder, threads)


def edgefeat(model: Path | None, threads: int) -> Run:
    """Open edgefeat."""
    from edgefeat import FeatureExtractor

    return FeatureExtractor(model, threads=threads).extract_prepared


def keras_predict(path: Path, threads: int) -> Run:
    """Open Keras, as its guides use it."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    model = tf.keras.models.load_model(path)
    return lambda pixels: model.predict(normalised(pixels), verbose=0)


def plain_ort(path: Path, threads: int) -> Run:
    """Open ONNX Runtime with its defaults, but for the number of threads."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda pixels: session.run(None, {name: normalised(pixels)})[0]


def litert(path: Path, threads: int) -> Run:
    """Open LiteRT, which was TensorFlow Lite."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=threads)
    interpreter.allocate_tensors()
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()
    scale, zero = taken["quantization"]
    whole = taken["dtype"] is np.int8

    def run(pixels: np.ndarray) -> Features:
        image = normalised(pixels)
        if whole:
            image = np.clip(np.rint(image / np.float32(scale)) + zero, -128, 127).astype(np.int8)
        interpreter.set_tensor(taken["index"], image)
        interpreter.invoke()
        return interpreter.get_tensor(given["index"])

    return run


def openvino(path: Path, threads: int, precision: str | None) -> Run:
    """Open OpenVINO; left alone, it takes bf16 where the CPU has it."""
    import openvino as ov

    config: dict[str, Any] = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    if precision:
        config["INFERENCE_PRECISION_HINT"] = precision
    request = ov.Core().compile_model(str(path), "CPU", config).create_infer_request()

    def run(pixels: np.ndarray) -> Features:
        request.infer([normalised(pixels)])
        return request.get_output_tensor(0).data

    return run


def opencv(path: Path, threads: int) -> Run:
    """Open OpenCV's dnn module."""
    import cv2

    cv2.setNumThreads(threads)
    network = cv2.dnn.readNetFromONNX(str(path))

    def run(pixels: np.ndarray) -> Features:
        network.setInput(normalised(pixels))
        return network.forward()

    return run


def ncnn(folder: Path, threads: int) -> Run:
    """Open ncnn."""
    import ncnn as library

    network = library.Net()
    network.opt.num_threads = threads
    network.load_param(str(folder / "plain.ncnn.param"))
    network.load_model(str(folder / "plain.ncnn.bin"))
    first, last = network.input_names()[0], network.output_names()[0]

    def run(pixels: np.ndarray) -> Features:
        extractor = network.create_extractor()
        extractor.input(first, library.Mat(normalised(pixels)[0]).clone())
        _, features = extractor.extract(last)
        return np.array(features)[np.newaxis]

    return run
