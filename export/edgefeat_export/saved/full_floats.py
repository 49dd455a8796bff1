"""Makes a TensorFlow graph of half-precision floats one of float32.

Mixed precision is for training on accelerators. The files of edgefeat hold float32 or integers, and
models that Keras opens are taken to float32 too (`saved.flatten`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import tensorflow as tf

__all__ = ["in_float32"]

_HALVES: Final = (tf.float16.as_datatype_enum, tf.bfloat16.as_datatype_enum)
_FULL: Final = tf.float32.as_datatype_enum


def in_float32(graph: Any) -> Any:
    """Return a graph of TensorFlow (`GraphDef`), changed in place: half floats are float32."""
    for value in _attributes(graph):
        if value.type in _HALVES:
            value.type = _FULL
        for place, kind in enumerate(value.list.type):
            if kind in _HALVES:
                value.list.type[place] = _FULL
        if value.tensor.dtype in _HALVES:
            numbers = tf.make_ndarray(value.tensor).astype(np.float32)
            value.tensor.CopyFrom(tf.make_tensor_proto(numbers))
    for function in graph.library.function:
        for argument in (*function.signature.input_arg, *function.signature.output_arg):
            if argument.type in _HALVES:
                argument.type = _FULL
    return graph


def _attributes(graph: Any) -> Iterator[Any]:
    """Yield what the operators are told, those inside functions too."""
    for nodes in (graph.node, *(function.node_def for function in graph.library.function)):
        for node in nodes:
            yield from node.attr.values()
