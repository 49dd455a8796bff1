"""The default backbone's weights in every peer's own format, as each tool's defaults make it.

    python tests/bench/peers/build_peers.py FOLDER

Everything starts from one headless Keras model. Each conversion is what its documentation shows
first, with no tuning: that is what a user without edgefeat would have. A peer that cannot be built
is left out, with the reason in FOLDER/failed.json.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[3]
SHARED = ROOT.parent / "shared" / "data" / "photos"
CALIBRATION, HELD_OUT = 64, 32
SHAPE = (1, 224, 224, 3)


def main(folder: Path) -> None:
    """Build all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    import keras

    from edgefeat_export.networks.backbones import load_backbone

    loaded = load_backbone()
    pooled = keras.layers.GlobalAveragePooling2D()(loaded.model.outputs[0])
    model = keras.Model(loaded.model.inputs[0], pooled)
    model.save(folder / "model.keras")
    calibration, held_out, pictures = _pictures()
    floats = loaded.normalisation.apply(calibration)
    expected = np.asarray(model(loaded.normalisation.apply(held_out), training=False))
    np.savez(folder / "pictures.npz", held_out=held_out, expected=expected, named=pictures)
    failed = {}
    steps: dict[str, Callable[[], object]] = {
        "plain.onnx": lambda: plain_onnx(model, folder),
        "plain_int8.onnx": lambda: ort_default_int8(folder, floats),
        "fp32.tflite": lambda: tflite(model, folder / "fp32.tflite"),
        "int8.tflite": lambda: tflite(model, folder / "int8.tflite", floats),
        "ncnn": lambda: ncnn(folder),
    }
    for name, step in steps.items():
        try:
            step()
        except Exception as error:  # noqa: BLE001 - any tool may fail in any way; the others go on
            failed[name] = f"{type(error).__name__}: {str(error)[:300]}"
            sys.stderr.write(f"{name}: {failed[name]}\n")
    (folder / "failed.json").write_text(json.dumps(failed, indent=1))


def plain_onnx(model: Any, folder: Path) -> None:
    """Write tf2onnx's own output."""
    import tensorflow as tf
    import tf2onnx

    signature = [tf.TensorSpec(SHAPE, tf.float32, name="image")]
    tf2onnx.convert.from_keras(model, signature, output_path=str(folder / "plain.onnx"))


def ort_default_int8(folder: Path, floats: np.ndarray) -> None:
    """Quantize that with ONNX Runtime's static quantizer as it comes."""
    from onnxruntime.quantization import CalibrationDataReader, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self._rest = iter(floats)

        def get_next(self) -> dict[str, np.ndarray] | None:
            image = next(self._rest, None)
            return None if image is None else {"image": image[np.newaxis]}

    quantize_static(str(folder / "plain.onnx"), str(folder / "plain_int8.onnx"), Reader())


def tflite(model: Any, target: Path, floats: np.ndarray | None = None) -> None:
    """Write a TFLite file; with calibration pictures, one of full integers."""
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as saved:
        model.export(saved, verbose=False)
        target.write_bytes(_converted(tf.lite.TFLiteConverter.from_saved_model(saved), floats))


def _converted(converter: Any, floats: np.ndarray | None) -> bytes:
    import tensorflow as tf

    if floats is not None:

        def representative() -> Iterator[list[np.ndarray]]:
            yield from ([image[np.newaxis]] for image in floats)

        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = representative
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.int8
    content: bytes = converter.convert()
    return content


def ncnn(folder: Path) -> None:
    """Convert the ONNX file with ncnn's own converter."""
    tool = shutil.which("pnnx") or str(Path(sys.executable).parent / "pnnx")
    subprocess.run(
        [tool, "plain.onnx", f"inputshape={json.dumps(list(SHAPE)).replace(' ', '')}"],
        cwd=folder,
        check=True,
        capture_output=True,
        timeout=300,
    )
    if not (folder / "plain.ncnn.bin").is_file():
        raise RuntimeError("pnnx wrote no plain.ncnn.bin")


def _pictures() -> tuple[np.ndarray, np.ndarray, str]:
    """Return calibration and other pictures: uint8 `(N, 224, 224, 3)` RGB, and what the others are.

    Without photos that calibrated nothing, the others are different crops of those that did.
    """
    from edgefeat import FeatureExtractor
    from edgefeat.model.shipped import sample_photos
    from edgefeat_export.proof.pictures import crops

    with FeatureExtractor() as extractor:
        spec = extractor.spec.input
    photos = sample_photos()
    calibration = crops(photos, spec, count=CALIBRATION, seed=1)
    if held_out := sorted(SHARED.glob("*.jpg")):
        whole = crops(held_out, spec, count=len(held_out), seed=2)
        return calibration, whole, f"{len(whole)} photos that calibrated nothing"
    others = crops(photos, spec, count=HELD_OUT + len(photos), seed=2)[len(photos) :]
    return calibration, others, f"{HELD_OUT} other crops of the photos that calibrated"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
