"""Has Keras build a saved model from an architecture that was read, checked and repaired as data.

Keras gets the architecture and the numbers, never the file: it would choose its reader by the
file's name, and unpack archives to disk. What is built are layers of Keras and numbers.
"""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import h5py
import keras
from keras.src.legacy.saving import legacy_h5_format, saving_options, saving_utils
from keras.src.saving import saving_lib, serialization_lib

from edgefeat_export.border import innermost
from edgefeat_export.errors import BackboneError
from edgefeat_export.saved import keras_zip, weights_budget
from edgefeat_export.saved.config import Architecture
from edgefeat_export.saved.config_check import looks_up, what_is_inside
from edgefeat_export.saved.container import Container
from edgefeat_export.saved.hdf5 import require_inside
from edgefeat_export.saved.keras_two import modernise
from edgefeat_export.saved.keras_two_words import with_its_own_functions
from edgefeat_export.saved.operation_layers import OPERATION_CLASSES
from edgefeat_export.saved.origin import keras_version_of, remedy_for

__all__ = ["load"]

_MOST_NAMED: Final = 4  # layers and classes that a message names


def load(path: Path, found: Architecture, *, allow_code: bool, code: Path | None) -> keras.Model:
    """Return the model that a file holds.

    Args:
        path: The `.keras` or HDF5 file.
        found: What it says; its architecture is changed where Keras 3 cannot read it.
        allow_code: Whether code inside the file may run, and other files may be opened.
        code: A Python file that defines the model's own classes. The file is run.

    Raises:
        BackboneError: It needs what was not allowed, or Keras cannot build it.
    """
    _require_harmless(path, found, allow_code=allow_code, code=code)
    classes = OPERATION_CLASSES | (_classes(code) if code is not None else {})
    modernise(found.config, path)
    if found.container is Container.ZIP:
        stored = keras_zip.require_weights_inside(path)
        archive = keras_zip.archive_for_keras(
            path, json.dumps(found.config), assets=looks_up(found.config)
        )

        def build() -> Any:
            return saving_lib.load_model(
                archive, custom_objects=classes, compile=False, safe_mode=not allow_code
            )

        return _built(build, stored, path)
    with h5py.File(path, "r") as file:
        stored = require_inside(file, path)

        def build_and_fill() -> Any:
            model = _from_config(found.config, classes, allow_code)
            legacy_h5_format.load_weights_from_hdf5_group(file["model_weights"], model)
            return model

        return _built(build_and_fill, stored, path)


def _require_harmless(
    path: Path, found: Architecture, *, allow_code: bool, code: Path | None
) -> None:
    inside = what_is_inside(found.config)
    if inside.lambdas and not allow_code:
        raise _refusal(
            path,
            [f"the Lambda layer {name!r}" for name in inside.lambdas],
            "If you trust it, let its Lambda layers run with {option}. Or replace them by layers of"
            " Keras and save again, or export a SavedModel, which holds no Python.",
            "allow_code=True",
        )
    if inside.outside and not allow_code:
        raise BackboneError(
            f"loading it would open something else: {_listed(inside.outside)}. A model file must"
            " hold all that it needs",
            where=path,
            remedy="If you trust it, allow that with {option}. Or replace those layers and save"
            " again.",
            option="allow_code=True",
        )
    if inside.classes and not (allow_code or code):
        raise _refusal(
            path,
            inside.classes,
            "If you trust it, give the Python file that defines the classes as {option}. Or export"
            " a SavedModel, which holds no Python.",
            "code",
        )


def _refusal(path: Path, found: Sequence[str], remedy: str, option: str) -> BackboneError:
    return BackboneError(
        f"loading it would run code: {_listed(found)}. A model file from someone else can do"
        " anything to your machine this way",
        where=path,
        remedy=remedy,
        option=option,
    )


def _listed(found: Sequence[str]) -> str:
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return ", ".join(found[:_MOST_NAMED]) + more


def _from_config(config: dict[str, Any], classes: dict[str, Any], allow_code: bool) -> Any:
    """Build a model as Keras does for HDF5 files, in which a setting may have its old form."""
    with (
        saving_options.keras_option_scope(use_legacy_config=True),
        serialization_lib.SafeModeScope(not allow_code),
    ):
        return saving_utils.model_from_config(config, custom_objects=classes)


def _built(build: Callable[[], Any], stored: int, path: Path) -> Any:
    """Build the model and turn whatever Keras and TensorFlow raise into one line."""
    try:
        with weights_budget.at_most(stored, path):
            model = build()
        return model if _is_current(path) else with_its_own_functions(model)
    except BackboneError:
        raise
    except Exception as error:  # Keras raises nearly every kind; none may become a traceback
        refusal = _cause(error, BackboneError)
        if refusal is not None:
            raise refusal from None
        raise BackboneError(
            f"Keras {keras.__version__} cannot load it: {innermost(error)}",
            where=path,
            remedy=remedy_for(path),
        ) from error


def _is_current(path: Path) -> bool:
    """Return whether Keras 3 wrote a file; a file that does not say so is older."""
    return (keras_version_of(path) or "").startswith("3.")


def _cause(error: BaseException | None, kind: type[BackboneError]) -> BackboneError | None:
    """Return the error of a kind that another one wraps."""
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error


def _classes(code: Path) -> dict[str, Any]:
    if not code.is_file():
        raise BackboneError(
            "no such file",
            where=code,
            remedy="Give the Python file that defines the model's classes as {option}.",
            option="code",
        )
    names = runpy.run_path(str(code))
    return {name: item for name, item in names.items() if callable(item) and name[0] != "_"}
