"""A head is put behind a model's features, and taken away again: bytes in, bytes out.

A graph is a message whose repeated fields may stand in any order, so a head's parts are added after
those of the backbone, of which every byte stays. Taking away the parts whose names have the head's
prefix gives the backbone's graph back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from edgefeat.errors import ModelError
from edgefeat.model.protobuf import field, fields
from edgefeat.model.spec import METADATA_KEY, PRIMARY_OUTPUT
from edgefeat.teaching.graph import LEAST_OPSET, PREFIX, GraphParts

__all__ = ["GraphLayout", "graft", "metadata_of", "opened_up", "ungraft"]

_OPSET, _GRAPH, _METADATA = 8, 7, 14  # fields of ModelProto
_NODE, _CONSTANT, _OUTPUT = 1, 5, 12  # fields of GraphProto
_NODE_NAME, _CONSTANT_NAME, _OUTPUT_NAME = 3, 8, 1
_TYPE, _TENSOR, _SHAPE, _SIDE, _SIDE_NAME = 2, 1, 2, 1, 2  # on the way to an axis's name
_KEY, _VALUE = 1, 2  # fields of a metadata entry
_NAMED = {_NODE: _NODE_NAME, _CONSTANT: _CONSTANT_NAME, _OUTPUT: _OUTPUT_NAME}


class GraphLayout(NamedTuple):
    """What a head has to know of the graph that it stands behind.

    Attributes:
        batch: The name of the batch axis.
        opset: The version of ONNX's own operators.
    """

    batch: str
    opset: int


def opened_up(model: bytes, *, where: str) -> GraphLayout:
    """Return what a head has to know of a model.

    Args:
        model: The model file.
        where: The file's name, for messages.

    Raises:
        ModelError: No head can stand behind it.
    """
    graph = _only(model, _GRAPH)
    opsets = [_parts(one) for one in _all(model, _OPSET)]
    versions = [_number(one.get(2, b"\0")) for one in opsets if not one.get(1)]
    layout = GraphLayout(batch=_batch_axis(graph), opset=max(versions, default=0))
    if layout.opset < LEAST_OPSET:
        raise ModelError(
            f"uses ONNX's operators of version {layout.opset}, a head needs {LEAST_OPSET} or later",
            where=where,
            remedy="Export it again.",
        )
    return layout


def graft(model: bytes, head: GraphParts, metadata: Mapping[str, str]) -> bytes:
    """Return a model with a head behind it, and with metadata of its own.

    Args:
        model: The backbone, without a head.
        head: The head's parts.
        metadata: The metadata entries, in the order in which they are written.
    """
    return _rewritten(model, lambda graph: graph + head.fields, metadata)


def ungraft(model: bytes, outputs: frozenset[str], metadata: Mapping[str, str]) -> bytes:
    """Return a model without its head.

    Args:
        model: A model with a head.
        outputs: Names of the head's outputs.
        metadata: The metadata entries of what is left.
    """

    def without(graph: bytes) -> bytes:
        kept = []
        for number, start, begin, end in fields(graph):
            name = _parts(graph[begin:end]).get(_NAMED[number], b"") if number in _NAMED else b""
            is_heads = name.startswith(PREFIX.encode()) or (
                number == _OUTPUT and name.decode("utf-8", "replace") in outputs
            )
            if not is_heads:
                kept.append(graph[start:end])
        return b"".join(kept)

    return _rewritten(model, without, metadata)


def metadata_of(model: bytes) -> dict[str, str]:
    """Return a model's metadata entries, in order."""
    entries = [_parts(one) for one in _all(model, _METADATA)]
    return {one.get(_KEY, b"").decode(): one.get(_VALUE, b"").decode() for one in entries}


def _rewritten(
    model: bytes, change: Callable[[bytes], bytes], metadata: Mapping[str, str]
) -> bytes:
    parts = []
    for number, start, begin, end in fields(model):
        if number == _GRAPH:
            parts.append(field(_GRAPH, change(model[begin:end])))
        elif number != _METADATA:
            parts.append(model[start:end])
    first = {METADATA_KEY: metadata[METADATA_KEY]} if METADATA_KEY in metadata else {}
    for key, value in (first | dict(metadata)).items():
        parts.append(field(_METADATA, field(_KEY, key) + field(_VALUE, value)))
    return b"".join(parts)


def _batch_axis(graph: bytes) -> str:
    """Return the name of the first axis of `features`; `N` where it has none."""
    for one in _all(graph, _OUTPUT):
        parts = _parts(one)
        if parts.get(_OUTPUT_NAME) == PRIMARY_OUTPUT.encode():
            shape = _only(_only(parts.get(_TYPE, b""), _TENSOR), _SHAPE)
            for side in _all(shape, _SIDE):
                return _only(side, _SIDE_NAME).decode() or "N"
    return "N"


def _parts(message: bytes) -> dict[int, bytes]:
    """Return the last value of each field of a message."""
    return {number: message[begin:end] for number, _, begin, end in fields(message)}


def _all(message: bytes, number: int) -> list[bytes]:
    return [message[begin:end] for found, _, begin, end in fields(message) if found == number]


def _only(message: bytes, number: int) -> bytes:
    return _parts(message).get(number, b"")


def _number(data: bytes) -> int:
    """Return a whole number of the wire format."""
    return sum((byte & 0x7F) << 7 * place for place, byte in enumerate(data))
