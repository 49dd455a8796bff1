"""The extractor that makes vectors of the kind that a set holds."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from typing import TYPE_CHECKING

from edgefeat.errors import OptionError, SinkError
from edgefeat.options.extractor import EngineOptions, ModelOptions
from edgefeat.sets.info import SetInfo

if TYPE_CHECKING:
    from edgefeat.extractor import FeatureExtractor
    from edgefeat.model.spec import DecodePolicy

__all__ = ["open_extractor_of"]

_ENGINE = EngineOptions()
_DECODES: tuple[DecodePolicy | str | None, ...] = (None, "full", "reduced")


def open_extractor_of(
    info: SetInfo,
    model: str | PathLike[str] | bytes | None = None,
    *,
    engine: EngineOptions = _ENGINE,
) -> FeatureExtractor:
    """Open a model with the options that gave a set its fingerprint.

    Args:
        info: What the set's rows have in common.
        model: The model file; None takes the shipped one.
        engine: How the model runs.

    Raises:
        ModelError: The model file is missing, foreign or damaged.
        SinkError: The set was made with another model.
    """
    from edgefeat.extractor import FeatureExtractor  # sets are read without ONNX Runtime

    for options in _possible(info, model):
        try:
            extractor = FeatureExtractor.from_options(options, engine)
        except OptionError:  # no such output, or none that has a unit length
            continue
        if extractor.fingerprint == info.fingerprint:
            return extractor
        extractor.close()
    name = "the shipped model" if model is None else "this model"
    if isinstance(model, str | PathLike):
        name = str(model)
    raise SinkError(
        f"fingerprint: the set has {info.fingerprint[:12]} (model {info.model}), which {name} does "
        "not give",
        remedy="Name the model file that made the set with {option}.",
        option="model",
    )


def _possible(info: SetInfo, model: str | PathLike[str] | bytes | None) -> Iterator[ModelOptions]:
    outputs = tuple(output.name for output in info.outputs)
    for decode in _DECODES:
        for normalize in (False, True):
            yield ModelOptions.of(model=model, outputs=outputs, normalize=normalize, decode=decode)
