"""Reads and repairs the architecture inside a saved Keras file, before Keras itself sees it.

A `.keras` file is a zip with `config.json`; a `.h5` file keeps the same text in an attribute. The
text may ask for code to be run; that is found out on plain data, without running anything.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edgefeat_export.errors import BackboneError

__all__ = ["CodeInside", "Config", "code_inside", "read_config", "repaired"]

Config = dict[str, Any]
_CONFIG_MEMBER: Final = "config.json"
_CONFIG_ATTRIBUTE: Final = "model_config"
_KERAS_MODULES: Final = ("keras.", "tensorflow.keras.", "tf_keras.", "tensorflow.python.keras.")


def read_config(path: Path) -> Config:
    """Return the architecture of a `.keras` or `.h5` file.

    Raises:
        BackboneError: The file is missing or damaged, or holds weights without an architecture.
    """
    try:
        text = _zipped_text(path) if path.suffix == ".keras" else _attribute_text(path)
    except FileNotFoundError as error:
        raise BackboneError(
            "no such file", where=path, remedy="Check the path of the model."
        ) from error
    except (OSError, KeyError, zipfile.BadZipFile) as error:
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
    try:
        config = json.loads(text)
    except ValueError as error:
        raise BackboneError(
            f"its architecture is not JSON ({error})", where=path, remedy="Save the model again."
        ) from error
    if not isinstance(config, dict) or "config" not in config:
        raise BackboneError(
            "expected the architecture of one model, got none",
            where=path,
            remedy="Save the model again.",
        )
    return config


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeInside:
    """What would make loading an architecture run Python.

    Attributes:
        lambdas: Names of the Lambda layers, whose code is in the file.
        classes: A phrase for each class that is not Keras's own, such as
            "the class 'Mine' of module 'mine'".
    """

    lambdas: tuple[str, ...]
    classes: tuple[str, ...]


def code_inside(config: Config) -> CodeInside:
    """Return what in an architecture would make loading it run code."""
    found = list(dict.fromkeys(_code_in(config, "")))
    return CodeInside(
        lambdas=tuple(text for kind, text in found if kind == "lambda"),
        classes=tuple(text for kind, text in found if kind == "class"),
    )


@contextmanager
def repaired(path: Path, config: Config) -> Iterator[Path]:
    """Yield the path of a temporary copy of the file that holds `config` in place of its own."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        if path.suffix == ".keras":
            _copy_zip(path, copy, json.dumps(config))
        else:
            import h5py

            shutil.copyfile(path, copy)
            with h5py.File(copy, "r+") as file:
                file.attrs[_CONFIG_ATTRIBUTE] = json.dumps(config)
        yield copy


def _zipped_text(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        return archive.read(_CONFIG_MEMBER).decode()


def _attribute_text(path: Path) -> str | None:
    import h5py

    with h5py.File(path, "r") as file:
        text = file.attrs.get(_CONFIG_ATTRIBUTE)
    return text.decode() if isinstance(text, bytes) else text


def _copy_zip(path: Path, copy: Path, config: str) -> None:
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(copy, "w") as new:
        for member in old.namelist():
            if member == _CONFIG_MEMBER:
                new.writestr(member, config)
                continue
            with old.open(member) as source, new.open(member, "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target)


def _code_in(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield `("lambda", layer)` and `("class", phrase)`; `name` is of the layer around."""
    if isinstance(value, list):
        for item in value:
            yield from _code_in(item, name)
        return
    if not isinstance(value, dict):
        return
    settings = value.get("config")
    if isinstance(settings, dict):
        name = str(settings.get("name", name))
    kind, module = value.get("class_name"), value.get("module")
    if kind in ("Lambda", "__lambda__"):
        yield "lambda", name
    elif kind is not None and "module" in value and not _of_keras(value):
        yield "class", f"the class {kind!r}" + (f" of module {module!r}" if module else "")
    for item in value.values():
        yield from _code_in(item, name)


def _of_keras(value: Config) -> bool:
    module, registered = value["module"], value.get("registered_name")
    if module == "builtins":  # a function by name, which only Keras's own tables resolve
        return value["class_name"] in ("function", "__tuple__", "slice", "__numpy__")
    if module is None:
        return value["class_name"].startswith("__") or registered is None
    return f"{module}.".startswith(_KERAS_MODULES)
