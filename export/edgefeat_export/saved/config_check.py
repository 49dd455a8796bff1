"""Finds, on plain data, what would make loading an architecture run code or reach beyond the file.

Nothing is imported and nothing is built. The answers do not lean on checks inside Keras, which
differ between its versions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from edgefeat_export.saved.config import Config

__all__ = ["Found", "looks_up", "what_is_inside"]

_KERAS: Final = ("keras", "tf_keras", "tensorflow.keras", "tensorflow.python.keras")
# Parts of Keras whose classes describe a network. Others fetch files, train, or save.
_PARTS: Final = (
    "activations constraints dtype_policies engine initializers layers losses metrics models"
    " mixed_precision ops optimizers policies quantizers random regularizers saving"
)
_UTILITIES: Final = "Cross Feature FeatureSpace"
# Keras's own top level.
_TOP: Final = "DTypePolicy FloatDTypePolicy Functional KerasTensor Layer Model Sequential Variable"
_BUILT_IN: Final = frozenset({"function", "__tuple__", "slice", "__numpy__", "__ellipsis__"})
# Layers that run a program or a graph of another place.
_OPENERS: Final = frozenset({"TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"})
_LOOKUPS: Final = (
    "FeatureSpace",
    "IndexLookup",
    "IntegerLookup",
    "StringLookup",
    "TextVectorization",
)
_VOCABULARIES: Final = ("vocabulary", "idf_weights", "vocabulary_file")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What would make loading an architecture run Python or open other files.

    Attributes:
        lambdas: Names of the Lambda layers, whose code is in the file.
        classes: A phrase for each class that is not Keras's own, such as
            "the class 'Mine' of module 'mine'".
        outside: A phrase for each layer that opens something else, such as
            "the layer 'sub' (TFSMLayer)".
    """

    lambdas: tuple[str, ...]
    classes: tuple[str, ...]
    outside: tuple[str, ...]


def what_is_inside(config: Config) -> Found:
    """Return what in an architecture would run code or open files."""
    found = list(dict.fromkeys(_in(config, "")))
    return Found(
        **{
            field: tuple(text for kind, text in found if kind == field)
            for field in ("lambdas", "classes", "outside")
        }
    )


def looks_up(value: Any) -> bool:
    """Return whether a layer of an architecture has a vocabulary."""
    if isinstance(value, dict):
        return value.get("class_name") in _LOOKUPS or any(map(looks_up, value.values()))
    return isinstance(value, list) and any(map(looks_up, value))


def _in(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield each find as (field of `Found`, text); `name` is of the layer around."""
    if isinstance(value, list):
        for item in value:
            yield from _in(item, name)
        return
    if not isinstance(value, dict):
        return
    settings = value.get("config")
    if isinstance(settings, dict):
        name = str(settings.get("name", name))
    kind, module = value.get("class_name"), value.get("module")
    if kind in ("Lambda", "__lambda__"):
        yield "lambdas", name
    elif kind in _OPENERS:
        yield "outside", f"the layer {name!r} ({kind})"
    elif kind is not None and "module" in value and not _of_keras(value):
        yield "classes", f"the class {kind!r}" + (f" of module {module!r}" if module else "")
    for key in _VOCABULARIES:
        if isinstance(value.get(key), str):
            yield "outside", f"the file {value[key]!r} that layer {name!r} looks words up in"
    for item in value.values():
        yield from _in(item, name)


def _of_keras(value: Config) -> bool:
    kind, module = value["class_name"], value["module"]
    if not isinstance(kind, str):
        return False
    if module == "builtins":  # a function by name, which only Keras's own tables resolve
        return kind in _BUILT_IN
    if module is None:
        return kind.startswith("__") or value.get("registered_name") is None
    if not isinstance(module, str):
        return False
    package = next((one for one in _KERAS if f"{module}.".startswith(f"{one}.")), None)
    if package is None:
        return False
    parts = module.removeprefix(package).removeprefix(".").removeprefix("src").strip(".")
    if not parts:
        return kind in _TOP.split()
    part = parts.partition(".")[0]
    return part in _PARTS.split() or (part == "utils" and kind in _UTILITIES.split())
