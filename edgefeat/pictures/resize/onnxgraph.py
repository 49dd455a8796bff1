"""Writes a small ONNX graph as the bytes of its protobuf message, which needs no onnx package.

Only what our own graphs use is here: uint8 inputs and outputs of fixed shape, constants, whole
numbers as attributes. Field numbers are those of onnx.proto3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["constant", "model", "node", "uint8_value"]

_IR_VERSION = 8
_OPSETS = (("", 13), ("com.microsoft", 1))
_INT, _INTS = 2, 7  # AttributeProto.AttributeType
_BYTES = [bytes((i,)) for i in range(256)]
_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int64": 7}  # TensorProto.DataType


def model(
    nodes: Iterable[bytes],
    constants: Iterable[bytes],
    inputs: Iterable[bytes],
    outputs: Iterable[bytes],
) -> bytes:
    """Return a ModelProto of nodes in the order in which they run."""
    graph = b"".join(
        _field(number, part)
        for number, parts in ((1, nodes), (5, constants), (11, inputs), (12, outputs))
        for part in parts
    )
    opsets = (_field(8, _field(1, domain) + _field(2, version)) for domain, version in _OPSETS)
    return _field(1, _IR_VERSION) + b"".join(opsets) + _field(7, graph + _field(2, "graph"))


def node(
    operation: str,
    inputs: Sequence[str],
    output: str,
    *,
    domain: str = "",
    attributes: Mapping[str, int | Sequence[int]] | None = None,
) -> bytes:
    """Return a NodeProto with one output."""
    parts = [_field(1, name) for name in inputs]
    parts += [_field(2, output), _field(4, operation), _field(7, domain)]
    parts += [_field(5, _attribute(name, value)) for name, value in (attributes or {}).items()]
    return b"".join(parts)


def constant(name: str, value: NDArray[np.generic]) -> bytes:
    """Return a TensorProto: float32, uint8, int8 or int64."""
    dimensions = b"".join(_field(1, size) for size in value.shape)
    kind = _field(2, _TYPES[value.dtype.name])
    return dimensions + kind + _field(8, name) + _field(9, value.tobytes())


def uint8_value(name: str, shape: Sequence[int]) -> bytes:
    """Return the ValueInfoProto of a uint8 input or output of the graph."""
    dimensions = b"".join(_field(1, _field(1, size)) for size in shape)
    tensor = _field(1, _TYPES["uint8"]) + _field(2, dimensions)
    return _field(1, name) + _field(2, _field(1, tensor))


def _attribute(name: str, value: int | Sequence[int]) -> bytes:
    if isinstance(value, int):
        return _field(1, name) + _field(3, value) + _field(20, _INT)
    values = b"".join(_field(8, item) for item in value)
    return _field(1, name) + values + _field(20, _INTS)


def _field(number: int, value: int | str | bytes) -> bytes:
    """Return one field: its key, and a varint or bytes after their length."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    """Return a whole number, not negative, seven bits a byte, the lowest first."""
    if value < 0x80:
        return _BYTES[value]
    return _BYTES[value & 0x7F | 0x80] + _varint(value >> 7)
