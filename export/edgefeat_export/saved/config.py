"""Reads the architecture inside a saved Keras file as plain data, before Keras itself sees it.

A `.keras` file is a zip archive with `config.json`; an HDF5 file keeps the same text in an
attribute. The text is bounded in length, depth and number of layers: a few kilobytes of it could
otherwise cost gigabytes and hours.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py

from edgefeat_export.errors import BackboneError
from edgefeat_export.saved import keras_zip
from edgefeat_export.saved.container import Container, container_of

__all__ = ["Architecture", "Config", "read_architecture"]

Config = dict[str, Any]
_ATTRIBUTE: Final = "model_config"
_MOST_TEXT: Final = 16 << 20
# NASNetLarge, the largest of Keras's own: 1,041 layers, 13,083 objects, 11 deep.
_MOST_LAYERS: Final = 4_000
_MOST_CALLS: Final = 8_000
_MOST_OBJECTS: Final = 200_000
_DEEPEST: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """What a saved file says before anything of it is built.

    Attributes:
        container: How the file is built.
        config: The layers and how they hang together.
    """

    container: Container
    config: Config


def read_architecture(path: Path) -> Architecture:
    """Return the architecture of a saved file.

    Raises:
        BackboneError: The file is missing, damaged or of another kind, holds weights without an
            architecture, or one that is larger than any network's.
    """
    container = container_of(path)
    text = _in_archive(path) if container is Container.ZIP else _in_attributes(path)
    config = _parsed(text, path)
    _require_size(config, path)
    return Architecture(container=container, config=config)


def _in_archive(path: Path) -> bytes:
    text = keras_zip.read_member(path, keras_zip.CONFIG)
    if text is None:
        raise BackboneError(
            f"expected a model saved by Keras, got a zip archive without {keras_zip.CONFIG}:"
            " damaged or of another kind",
            where=path,
            remedy="If a model is inside, unpack the archive and give that.",
        )
    return text


def _in_attributes(path: Path) -> bytes:
    try:
        with h5py.File(path, "r") as file:
            text = file.attrs.get(_ATTRIBUTE)
    except (OSError, RuntimeError, ValueError, TypeError, KeyError) as error:
        raise BackboneError(
            "expected a model saved by Keras, got a file that is damaged or of another kind"
            f" ({error})",
            where=path,
            remedy="Save the model again.",
        ) from error
    if text is None:
        raise BackboneError(
            "expected a whole model, got weights only",
            where=path,
            remedy="Build the architecture in Keras, load the weights and save it as .keras; or"
            " name a backbone and give this file as {option}.",
            option="weights",
        )
    data = text.encode(errors="surrogateescape") if isinstance(text, str) else text
    if not isinstance(data, bytes) or len(data) > _MOST_TEXT:
        raise BackboneError(
            f"expected its architecture as a text of at most {_MOST_TEXT >> 20} MB, got"
            f" {type(text).__name__}"
            + (f" of {len(data)} bytes" if isinstance(data, bytes) else ""),
            where=path,
            remedy="Save the model again.",
        )
    return data


def _parsed(text: bytes, path: Path) -> Config:
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BackboneError(
            f"its architecture is not JSON ({error})", where=path, remedy="Save the model again."
        ) from error
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict):
        raise BackboneError(
            "expected the architecture of one model, got none",
            where=path,
            remedy="Save the model again.",
        )
    return config


def _require_size(config: Config, path: Path) -> None:
    """Refuse an architecture that is larger than any network's."""
    counts = {"layers": 0, "calls of layers": 0, "objects": 0, "levels": 0}
    most = dict(zip(counts, (_MOST_LAYERS, _MOST_CALLS, _MOST_OBJECTS, _DEEPEST), strict=True))
    waiting: list[tuple[Any, int]] = [(config, 1)]
    while waiting:
        value, level = waiting.pop()
        counts["levels"] = max(counts["levels"], level)
        if isinstance(value, dict):
            counts["objects"] += 1
            layers, calls = value.get("layers"), value.get("inbound_nodes")
            counts["layers"] += len(layers) if isinstance(layers, list) else 0
            counts["calls of layers"] += len(calls) if isinstance(calls, list) else 0
        for name, count in counts.items():
            if count > most[name]:
                raise BackboneError(
                    f"its architecture has more than {most[name]:,} {name}, which no network needs",
                    where=path,
                    remedy="Save the model again.",
                )
        if isinstance(value, dict | list):
            inside = value.values() if isinstance(value, dict) else value
            waiting += ((one, level + 1) for one in inside if isinstance(one, dict | list))
