"""Opens a model the user saved, without running any code that may be inside it."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any, Final

import keras
import tensorflow as tf

from edgefeat_export.cut.head import Head, find_head
from edgefeat_export.errors import BackboneError
from edgefeat_export.saved.config import code_inside, read_config, repaired
from edgefeat_export.saved.flatten import flatten, is_graph
from edgefeat_export.saved.folder import open_saved_model
from edgefeat_export.saved.keras_two import modernise
from edgefeat_export.saved.operation_layers import OPERATION_CLASSES
from edgefeat_export.saved.picture_input import picture_shape
from edgefeat_export.saved.traced import open_trace

__all__ = ["MODEL_SUFFIXES", "open_model"]

MODEL_SUFFIXES: Final = (".keras", ".h5", ".hdf5")


def open_model(
    path: Path,
    *,
    name: str,
    size_hw: tuple[int, int] | None = None,
    allow_code: bool = False,
    code: Path | None = None,
) -> tuple[keras.Model, Head]:
    """Return a saved model as a flat functional one, ready to be cut, with its head.

    Args:
        path: `.keras` or `.h5`, of Keras 3 or Keras 2, or a SavedModel folder.
        name: Of the result.
        size_hw: Height and width, where the model leaves them open or takes several.
        allow_code: Whether code inside the file (Lambda layers) may run.
        code: A Python file that defines the model's own classes; it is run.

    Raises:
        BackboneError: Not such a file; it needs code that was not allowed; its input is no picture.
    """
    if path.is_dir():
        return open_saved_model(path, name=name, size_hw=size_hw, allow_code=allow_code)
    config = read_config(path)
    model = _load(path, config, allow_code=allow_code, code=code)
    if not is_graph(model):
        return _trace(model, picture_shape(_built_shape(config), path, size_hw), name)
    shapes = [tuple(tensor.shape) for tensor in model.inputs]
    shape = picture_shape(shapes[0] if len(shapes) == 1 else shapes, path, size_hw)
    flat = flatten(model, shape, name)
    return flat, find_head(flat)


def _trace(model: Any, shape: tuple[int, int, int], name: str) -> tuple[keras.Model, Head]:
    """A class that runs Python of its own is traced, as for a SavedModel."""

    def run(image: Any) -> Any:
        return model(image, training=False)

    spec = tf.TensorSpec((None, *shape), tf.float32, name="image")
    return open_trace(tf.function(run).get_concrete_function(spec), shape, name)


def _built_shape(config: dict[str, Any]) -> Any:
    """The shape that a model without a graph was built with."""
    return tuple((config.get("build_config") or {}).get("input_shape") or ())


def _load(path: Path, config: dict[str, Any], *, allow_code: bool, code: Path | None) -> Any:
    classes = _classes(code) if code is not None else {}
    if (found := code_inside(config)) and not (allow_code or code):
        raise BackboneError(
            f"{path}: loading it would run code: {', '.join(found[:4])}. A model file from someone"
            " else can do anything to your machine this way. If you trust it: --allow-code runs"
            " Lambda layers, --code FILE.py a file defining the classes. Or replace the Lambda"
            " by Keras layers and save again, or export a SavedModel, which holds no Python"
        )
    if modernise(config, path):
        with repaired(path, config) as copy:
            return _load_with_keras(copy, path, classes, allow_code)
    return _load_with_keras(path, path, classes, allow_code)


def _load_with_keras(file: Path, path: Path, classes: dict[str, Any], allow_code: bool) -> Any:
    try:
        return keras.models.load_model(
            file,
            custom_objects=OPERATION_CLASSES | classes,
            compile=False,
            safe_mode=not allow_code,
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
