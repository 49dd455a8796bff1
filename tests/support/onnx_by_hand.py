"""Writes small ONNX graphs of any types as bytes, for tests of an environment without `onnx`.

Field numbers are those of onnx.proto3. A test of the exporter holds such a file against the
checker of the package `onnx`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edgefeat.model.protobuf import field

__all__ = ["constant", "model", "node", "value"]

ML = "ai.onnx.ml"
_OPSETS = (("", 17), (ML, 2), ("com.microsoft", 1))
_TYPES = {"float32": 1, "uint8": 2, "int64": 7, "string": 8, "float64": 11}
_FLOAT, _INT, _STRING, _FLOATS, _INTS, _STRINGS = 1, 2, 3, 6, 7, 8  # AttributeProto.AttributeType
Attribute = int | float | str | Sequence[int] | Sequence[float] | Sequence[str]


def model(
    nodes: Iterable[bytes],
    constants: Iterable[bytes],
    inputs: Iterable[bytes],
    outputs: Iterable[bytes],
) -> bytes:
    """Return a ModelProto of nodes in the order in which they run."""
    graph = b"".join(
        field(number, part)
        for number, parts in ((1, nodes), (5, constants), (11, inputs), (12, outputs))
        for part in parts
    )
    opsets = (field(8, field(1, domain) + field(2, version)) for domain, version in _OPSETS)
    return field(1, 8) + b"".join(opsets) + field(7, graph + field(2, "graph"))


def node(
    operation: str,
    inputs: str,
    outputs: str,
    *,
    domain: str = "",
    attributes: Mapping[str, Attribute] | None = None,
) -> bytes:
    """Return a NodeProto; names of tensors have blanks between them."""
    parts = [field(1, name) for name in inputs.split()]
    parts += [field(2, name) for name in outputs.split()]
    parts += [field(4, operation), field(7, domain)]
    parts += [field(5, _attribute(name, given)) for name, given in (attributes or {}).items()]
    return b"".join(parts)


def constant(name: str, array: NDArray[np.generic]) -> bytes:
    """Return a TensorProto of numbers."""
    dimensions = b"".join(field(1, size) for size in array.shape)
    kind = field(2, _TYPES[array.dtype.name])
    return dimensions + kind + field(8, name) + field(9, array.tobytes())


def value(name: str, kind: str, *shape: int) -> bytes:
    """Return the ValueInfoProto of an input or output with the batch axis in front."""
    dimensions = field(1, field(2, "N")) + b"".join(field(1, field(1, size)) for size in shape)
    tensor = field(1, _TYPES[kind]) + field(2, dimensions)
    return field(1, name) + field(2, field(1, tensor))


def _attribute(name: str, given: Attribute) -> bytes:
    head = field(1, name)
    if isinstance(given, str):
        return head + field(4, given) + field(20, _STRING)
    if isinstance(given, float):
        return head + b"\x15" + struct.pack("<f", given) + field(20, _FLOAT)
    if isinstance(given, int):
        return head + field(3, given & 2**64 - 1) + field(20, _INT)
    if isinstance(given[0], str):
        return head + b"".join(field(9, str(one)) for one in given) + field(20, _STRINGS)
    if isinstance(given[0], float):
        packed = b"".join(b"\x3d" + struct.pack("<f", one) for one in given)
        return head + packed + field(20, _FLOATS)
    return head + b"".join(field(8, int(one) & 2**64 - 1) for one in given) + field(20, _INTS)
