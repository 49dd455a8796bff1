"""Opens a model that the user saved. Code that belongs to it runs only if the user allows that.

A `.keras` or `.h5` file can ask for Python in two ways: a Lambda layer holds code inside the file,
and a class of the user's own needs code beside it. Both are found in the architecture, which is
read as data (`saved.config`, `saved.config_check`) before Keras sees it (`saved.loading`). Keras's
own safe mode is on too. What is loaded then are numbers and layers of Keras.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import keras
import tensorflow as tf

from edgefeat.errors import OptionError
from edgefeat_export.cut.head import Head
from edgefeat_export.cut.tracing import head_of
from edgefeat_export.saved.config import read_architecture
from edgefeat_export.saved.flatten import flatten, is_graph
from edgefeat_export.saved.folder import open_saved_model
from edgefeat_export.saved.loading import load
from edgefeat_export.saved.one_output import with_one_output
from edgefeat_export.saved.one_picture import of_one_picture
from edgefeat_export.saved.picture_input import input_shapes, picture_shape, several_inputs
from edgefeat_export.saved.traced import open_trace

__all__ = ["MODEL_SUFFIXES", "open_model"]

MODEL_SUFFIXES: Final = (".keras", ".h5", ".hdf5")


def open_model(
    path: Path,
    *,
    name: str,
    size_hw: tuple[int, int] | None = None,
    layers: Sequence[str] = (),
    signature: str | None = None,
    model_output: str | None = None,
    allow_code: bool = False,
    code: Path | None = None,
) -> tuple[keras.Model, Callable[[], Head]]:
    """Return a saved model as a flat functional one, ready to be cut, and what finds its head.

    The head is found on demand only: a model whose head is not understood can still be cut at
    layers that are named. Of a model with several inputs there remains what hangs on one picture.

    Args:
        path: A `.keras` or `.h5` file of Keras 3 or Keras 2, or a SavedModel folder.
        name: Name to give the returned model.
        size_hw: Height and width in pixels, where the model leaves them open or takes several.
        layers: Names of layers that it will be cut at, which say what picture is meant where it
            takes several.
        signature: Which signature of a SavedModel is meant; None takes the default one.
        model_output: Which of several outputs is meant, by its name or its layer's; None keeps all.
        allow_code: Whether code inside the file (Lambda layers) may run.
        code: A Python file that defines the model's own classes. The file is run.

    Raises:
        BackboneError: The file is missing, damaged or of another kind, it needs code that was not
            allowed, or no layer hangs on one picture alone.
        OptionError: A signature or an output is not there.
    """
    if path.is_dir():
        return open_saved_model(
            path,
            name=name,
            size_hw=size_hw,
            layers=layers,
            signature=signature,
            model_output=model_output,
            allow_code=allow_code,
        )
    if signature is not None:
        raise OptionError("is for SavedModel folders", where=path, option="signature")
    found = read_architecture(path)
    model = load(path, found, allow_code=allow_code, code=code)
    if not is_graph(model):
        shape = picture_shape(_built_shape(found.config), path, size_hw)
        return _trace(model, shape, path, name, model_output)
    inputs = [(str(tensor.name), tuple(tensor.shape)) for tensor in model.inputs]
    whole = flatten(model, input_shapes(inputs, path, size_hw), name)
    if model_output is not None:
        whole = with_one_output(whole, model_output, path)
    flat = of_one_picture(whole, layers, path)
    return flat, partial(head_of, flat, doubt=several_inputs(inputs))


def _trace(
    model: Any, shape: tuple[int, int, int], path: Path, name: str, model_output: str | None
) -> tuple[keras.Model, Callable[[], Head]]:
    """Trace a class that runs Python of its own, as a SavedModel would."""

    def run(image: Any) -> Any:
        return model(image, training=False)

    spec = tf.TensorSpec((None, *shape), tf.float32, name="image")
    function = tf.function(run).get_concrete_function(spec)
    return open_trace(function, path, name, model_output=model_output)


def _built_shape(config: dict[str, Any]) -> Any:
    """Return the shape that a model without a graph was built with; empty if nobody knows."""
    return tuple((config.get("build_config") or {}).get("input_shape") or ())
