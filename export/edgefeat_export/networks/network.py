"""What is exported: a network with everything its file must say, from the catalogue or the user."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from edgefeat.model.spec import Colour, InputSpec, ModelSpec
from edgefeat_export.cut.head import Head
from edgefeat_export.errors import BackboneError
from edgefeat_export.networks.backbones import LoadedBackbone
from edgefeat_export.networks.normalisation import CAFFE, IDENTITY, TF, TORCH, Normalisation
from edgefeat_export.networks.weights import record_of_file
from edgefeat_export.saved.folder import record_of_folder
from edgefeat_export.saved.opening import MODEL_SUFFIXES, open_model
from edgefeat_export.saved.operation_layers import KerasTwoOperation
from edgefeat_export.saved.weights_record import WeightsRecord

if TYPE_CHECKING:
    import keras

__all__ = [
    "NORMALISATIONS",
    "Network",
    "describe",
    "file_safe",
    "is_model_file",
    "of_backbone",
    "of_file",
    "of_range",
    "parse_normalisation",
    "recorded_normalisation",
]

NORMALISATIONS: Final = {"tf": TF, "caffe": CAFFE, "torch": TORCH, "none": IDENTITY}
_SCALING_LAYERS: Final = ("Rescaling", "Normalization")
_SCALING_FUNCTIONS: Final = (
    *("math.truediv", "math.divide", "math.multiply", "math.subtract", "math.add"),
    *("__operators__.add", "nn.bias_add"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A Keras model to be cut, and what goes into the spec of its file.

    Attributes:
        name: Begins the file's name.
        backbone: The architecture, for the spec.
        model: Flat and functional, one image input of fixed size.
        normalisation: From uint8 pixels to the model's input.
        weights: Where they come from.
        input: Size and colour of the pictures.
        head: Where to cut unless told otherwise.
        in_catalogue: Whether its structure is known to us.
    """

    name: str
    backbone: str
    model: keras.Model
    normalisation: Normalisation
    weights: WeightsRecord
    input: InputSpec
    head: Head
    in_catalogue: bool


def is_model_file(name: str) -> bool:
    """Whether the user means a saved model rather than a backbone's name."""
    path = Path(name)
    return path.suffix in MODEL_SUFFIXES or path.is_dir() or path.is_file()


def of_backbone(loaded: LoadedBackbone) -> Network:
    """Take a catalogue backbone, which has no head."""
    return Network(
        name=loaded.name,
        backbone=loaded.backbone.name,
        model=loaded.model,
        normalisation=loaded.normalisation,
        weights=loaded.weights,
        input=InputSpec(size_hw=loaded.size_hw),
        head=Head(_last_layer(loaded.model), "the end of the backbone, which comes without a head"),
        in_catalogue=True,
    )


def of_file(
    path: Path,
    *,
    normalisation: Normalisation | None,
    size_hw: tuple[int, int] | None = None,
    name: str | None = None,
    licence: str | None = None,
    allow_code: bool = False,
    code: Path | None = None,
) -> Network:
    """Open a model the user saved.

    Args:
        path: `.keras`, `.h5` or a SavedModel folder.
        normalisation: What the model expects of a pixel; None where it scales 0..255 itself.
        size_hw: Input size, where the model leaves it open.
        name: Of the exported file; None takes the saved file's.
        licence: Of the weights, as the user states it.
        allow_code: Whether code inside the file may run.
        code: A Python file with the model's own classes.

    Raises:
        BackboneError: The file cannot be used, or nothing says what its input is.
    """
    name = file_safe(name or path.stem)
    model, head = open_model(path, name=name, size_hw=size_hw, allow_code=allow_code, code=code)
    _, height, width, channels = model.input_shape
    weights = record_of_folder(path) if path.is_dir() else record_of_file(path)
    if licence is not None:
        weights = WeightsRecord(
            source=weights.source, sha256=weights.sha256, licence=licence, origin=weights.origin
        )
    return Network(
        name=name,
        backbone=name,
        model=model,
        normalisation=_declared(model, normalisation, path),
        weights=weights,
        input=InputSpec(
            size_hw=(height, width), colour=Colour.GREY if channels == 1 else Colour.RGB
        ),
        head=head,
        in_catalogue=False,
    )


def file_safe(name: str) -> str:
    """Return a name of lower-case letters, digits and underscores, as files begin with."""
    return re.sub(r"\W+", "_", name).strip("_").lower() or "model"


def parse_normalisation(text: str) -> Normalisation:
    """Read `tf`, `caffe`, `torch`, `none`, or `MEAN/STD` with one or three numbers each, in 0..255.

    Raises:
        ValueError: Neither.
    """
    if text in NORMALISATIONS:
        return NORMALISATIONS[text]
    parts = [[float(number) for number in part.split(",")] for part in text.split("/")]
    if len(parts) != 2 or any(len(numbers) not in (1, 3) for numbers in parts):
        raise ValueError(f"expected MEAN/STD with one or three numbers each, got {text!r}")
    mean, std = (_three(numbers) for numbers in parts)
    return Normalisation(mean=mean, std=std, colour="rgb")


def of_range(low: float, high: float) -> Normalisation:
    """Scale pixels 0..255 to the range a model was trained on."""
    if not high > low:
        raise ValueError(f"expected a range LOW,HIGH with HIGH above LOW, got {low},{high}")
    std = 255 / (high - low)
    return Normalisation(mean=_three([-low * std]), std=_three([std]), colour="rgb")


def _three(numbers: list[float]) -> tuple[float, float, float]:
    first, second, third = numbers * 3 if len(numbers) == 1 else numbers
    return first, second, third


def _declared(model: keras.Model, normalisation: Normalisation | None, path: Path) -> Normalisation:
    if normalisation is not None:
        return normalisation
    if any(_scales(layer) for layer in _before_weights(model)):
        return IDENTITY
    raise BackboneError(
        f"{path}: no scaling layer can be seen in it, so nothing tells what its input is. Say"
        " how it was trained: --input-range 0,255 (raw pixels), --input-range 0,1,"
        " --input-range=-1,1, or --normalize tf|caffe|torch|MEAN/STD"
    )


def _scales(layer: keras.Layer) -> bool:
    if isinstance(layer, KerasTwoOperation):
        return layer.function in _SCALING_FUNCTIONS
    return type(layer).__name__ in _SCALING_LAYERS


def _last_layer(model: keras.Model) -> str:
    return str(model.outputs[0]._keras_history.operation.name)


def _before_weights(model: keras.Model) -> Iterator[keras.Layer]:
    """Layers between the input and the first one that learned something from pixels."""
    for layer in model.layers:
        if layer.trainable_weights:
            return
        yield layer


def recorded_normalisation(spec: ModelSpec) -> Normalisation | None:
    """Read back what `describe` wrote into a file's spec; None where it is not there."""
    values = spec.source.extra.get("normalisation")
    if not isinstance(values, Mapping):
        return None
    return Normalisation(
        mean=_three(values["mean"]), std=_three(values["std"]), colour=values["colour"]
    )


def describe(normalisation: Normalisation) -> dict[str, Any]:
    """Return a normalisation as plain values, for the spec."""
    return {
        "mean": list(normalisation.mean),
        "std": list(normalisation.std),
        "colour": normalisation.colour,
    }
