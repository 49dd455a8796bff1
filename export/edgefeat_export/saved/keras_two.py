"""Rewrites an architecture of Keras 2 so that Keras 3 can read it. It is plain data all the time.

Keras 3 reads most of it. What it cannot read: settings that it no longer has, operation layers
(`saved.operation_layers`), and the calls of a model inside a model, which Keras 2 counted from 1
and Keras 3 counts from 0.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from edgefeat_export.errors import BackboneError
from edgefeat_export.saved.config import Config
from edgefeat_export.saved.keras_two_words import is_neutral, name_tensors, replace_words
from edgefeat_export.saved.operation_layers import EXPORT_WITH_ITS_KERAS, replace_operations

__all__ = ["modernise"]

_MODELS: Final = ("Functional", "Model", "Sequential")
# Settings of Keras 2 that Keras 3 rejects, each with the only value that changes nothing.
_RETIRED: Final = {
    "groups": 1,
    "implementation": 2,
    "interpolation": "nearest",
    "ragged": False,
    "renorm": False,
    "renorm_clipping": None,
    "renorm_momentum": None,
    "softmax_robust_masking": False,
    "sparse": False,
    "time_major": False,
    "virtual_batch_size": None,
    "adjustment": None,
    "fused": None,
}


def modernise(config: Config, path: Path) -> bool:
    """Change, in place, what Keras 3 cannot read, and return whether anything was changed.

    Args:
        config: The architecture; changed.
        path: The model file, for messages.

    Raises:
        BackboneError: It uses something that Keras 3 has no equal of.
    """
    changes = replace_words(config) + _count_calls_from_zero(config) + _unpack_single_ends(config)
    changes += _unpack_axes(config) + _drop_retired_keys(config, path)
    changes += name_tensors(config)
    return changes + replace_operations(config, path) > 0


def _count_calls_from_zero(config: Config) -> int:
    """Lower the number of each call of a model inside a model by one; return how many."""
    count = 0
    for graph in _graphs(config):
        models = {
            str(layer["config"].get("name")): layer["class_name"]
            for layer in graph["layers"]
            if layer["class_name"] in _MODELS
        }
        for layer in graph["layers"]:
            nodes = [node for node in layer.get("inbound_nodes", []) if isinstance(node, list)]
            count += _step_back(nodes, set(models))
        # Keras 3 lowers the numbers of a functional model's outputs itself, but no Sequential's.
        sequential = {name for name, kind in models.items() if kind == "Sequential"}
        count += _step_back(graph["output_layers"], sequential)
    return count


def _unpack_single_ends(config: Config) -> int:
    """Take single inputs and outputs out of their list, or Keras 3 gives a list; count them."""
    count = 0
    for graph in _graphs(config):
        for ends in ("input_layers", "output_layers"):
            listed = isinstance(graph[ends], list)  # a dictionary names its ends, and stays one
            if listed and len(graph[ends]) == 1 and isinstance(graph[ends][0], list):
                (graph[ends],) = graph[ends]
                count += 1
    return count


def _unpack_axes(config: Config) -> int:
    """Take the axis of batch normalisations out of its list; return how many."""
    count = 0
    for layer in _layers(config):
        axis = layer["config"].get("axis")
        if (
            layer["class_name"] == "BatchNormalization"
            and isinstance(axis, list)
            and axis[1:] == []
        ):
            (layer["config"]["axis"],) = axis
            count += 1
    return count


def _step_back(value: Any, models: set[str]) -> int:
    """Lower the call in every [model, call, tensor, ...] that is found; return how many."""
    if isinstance(value, dict):
        return sum(_step_back(item, models) for item in value.values())
    if not isinstance(value, list):
        return 0
    if len(value) >= 3 and isinstance(value[0], str) and value[0] in models and value[1]:
        value[1] -= 1
        return 1 + _step_back(value[3:], models)
    return sum(_step_back(item, models) for item in value)


def _drop_retired_keys(config: Config, path: Path) -> int:
    """Remove settings that Keras 3 rejects and that change nothing; return how many.

    Raises:
        BackboneError: A setting that Keras 3 cannot honour has a value that matters.
    """
    import keras

    dropped = 0
    for layer in _layers(config):
        known = getattr(keras.layers, str(layer["class_name"]), None)
        if not inspect.isclass(known):
            continue
        settings = layer["config"]
        accepted = _accepted(known)
        for key in [key for key in settings if key not in accepted]:
            if key not in _RETIRED and not is_neutral(key, settings[key]):
                continue  # Keras names it
            if key in _RETIRED and settings[key] != _RETIRED[key]:
                raise BackboneError(
                    f"layer {settings.get('name')!r} ({layer['class_name']}) has {key}="
                    f"{settings[key]!r}, which Keras 3 has no equal of (only {_RETIRED[key]!r})",
                    where=path,
                    remedy=EXPORT_WITH_ITS_KERAS,
                )
            del settings[key]
            dropped += 1
    return dropped


def _graphs(config: Config) -> list[Config]:
    """Return the functional models in an architecture, however deep."""
    return [item["config"] for item in _layers(config) if "output_layers" in item["config"]]


def _layers(config: Any) -> Iterator[Config]:
    if isinstance(config, list):
        for item in config:
            yield from _layers(item)
    elif isinstance(config, dict):
        if isinstance(config.get("config"), dict) and isinstance(config.get("class_name"), str):
            yield config
        for item in config.values():
            yield from _layers(item)


def _accepted(layer: type) -> set[str]:
    return {
        name
        for base in inspect.getmro(layer)
        if "__init__" in vars(base)
        for name in inspect.signature(vars(base)["__init__"]).parameters
    }
