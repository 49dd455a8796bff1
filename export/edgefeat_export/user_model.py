"""Opens a model the user saved, without running any code that may be inside it."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any, Final

import keras

from edgefeat_export.errors import BackboneError
from edgefeat_export.flatten import flatten, is_graph
from edgefeat_export.saved_config import code_inside, drop_retired_keys, read_config, repaired

__all__ = ["MODEL_SUFFIXES", "open_model"]

MODEL_SUFFIXES: Final = (".keras", ".h5", ".hdf5")
_CHANNELS: Final = (1, 3)


def open_model(
    path: Path,
    *,
    name: str,
    size_hw: tuple[int, int] | None = None,
    allow_code: bool = False,
    code: Path | None = None,
) -> keras.Model:
    """Return a saved model as a flat functional one, ready to be cut.

    Args:
        path: `.keras` or `.h5`, of Keras 3 or Keras 2.
        name: Of the result.
        size_hw: Height and width, where the model leaves them open or takes several.
        allow_code: Whether code inside the file (Lambda layers) may run.
        code: A Python file that defines the model's own classes; it is run.

    Raises:
        BackboneError: Not such a file; it needs code that was not allowed; its input is no picture.
    """
    model = _load(path, allow_code=allow_code, code=code)
    shape = _input_shape(model, path, size_hw)
    return flatten(model, shape, name)


def _load(path: Path, *, allow_code: bool, code: Path | None) -> Any:
    config = read_config(path)
    classes = _classes(code) if code is not None else {}
    if (found := code_inside(config)) and not (allow_code or code):
        raise BackboneError(
            f"{path}: loading it would run code: {', '.join(found[:4])}. A model file from someone"
            " else can do anything to your machine this way. If you trust it: --allow-code runs"
            " Lambda layers, --code FILE.py the file that defines the classes. Or replace the Lambda"
            " by Keras layers and save again, or export a SavedModel, which holds no Python"
        )
    if drop_retired_keys(config, path):
        with repaired(path, config) as copy:
            return _load_with_keras(copy, path, classes, allow_code)
    return _load_with_keras(path, path, classes, allow_code)


def _load_with_keras(file: Path, path: Path, classes: dict[str, Any], allow_code: bool) -> Any:
    try:
        return keras.models.load_model(
            file, custom_objects=classes, compile=False, safe_mode=not allow_code
        )
    except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        reason = str(error).strip().splitlines()[0][:300]
        raise BackboneError(
            f"{path}: Keras {keras.__version__} cannot load it: {reason}; open it with the Keras"
            " that made it and save it again, or export it as a SavedModel"
        ) from error


def _classes(code: Path) -> dict[str, Any]:
    if not code.is_file():
        raise BackboneError(f"{code}: no such file; --code takes the Python file with the classes")
    names = runpy.run_path(str(code))
    return {name: item for name, item in names.items() if callable(item) and name[0] != "_"}


def _input_shape(model: Any, path: Path, size_hw: tuple[int, int] | None) -> tuple[int, int, int]:
    if not is_graph(model):
        raise BackboneError(
            f"{path}: its class {type(model).__name__} runs Python of its own, so its layers cannot"
            " be told apart; export it with model.export(FOLDER) and give the folder"
        )
    shapes = [tuple(tensor.shape) for tensor in model.inputs]
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][3] not in _CHANNELS:
        raise BackboneError(
            f"{path}: expected one input of pictures (batch, height, width, 1 or 3 channels), got"
            f" {shapes}; only models that look at one picture can be exported"
        )
    height, width = size_hw or shapes[0][1:3]
    if height is None or width is None:
        raise BackboneError(
            f"{path}: it takes pictures of any size; choose the one to export with --size"
        )
    return int(height), int(width), int(shapes[0][3])
