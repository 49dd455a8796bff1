"""Writes a small ONNX graph as the bytes of its protobuf message, which needs no onnx package.

Only what our own graphs use is here: uint8 inputs and outputs of fixed shape, constants, whole
numbers as attributes. Field numbers are those of onnx.proto3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from edgefeat.model.protobuf import field

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["constant", "model", "node", "uint8_value"]

_IR_VERSION = 8
_OPSETS = (("", 13), ("com.microsoft", 1))
_INT, _INTS = 2, 7  # AttributeProto.AttributeType
_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int64": 7}  # TensorProto.DataType


def model(
    nodes: Iterable[bytes],
    constants: Iterable[bytes],
    inputs: Iterable[bytes],
    outputs: Iterable[bytes],
) -> bytes:
    """Return a ModelProto of nodes in the order in which they run.

    Args:
        nodes: NodeProtos, from `node`.
        constants: TensorProtos, from `constant`.
        inputs: ValueInfoProtos, from `uint8_value`.
        outputs: ValueInfoProtos, from `uint8_value`.
    """
    graph = b"".join(
        field(number, part)
        for number, parts in ((1, nodes), (5, constants), (11, inputs), (12, outputs))
        for part in parts
    )
    opsets = (field(8, field(1, domain) + field(2, version)) for domain, version in _OPSETS)
    return field(1, _IR_VERSION) + b"".join(opsets) + field(7, graph + field(2, "graph"))


def node(
    operation: str,
    inputs: Sequence[str],
    output: str,
    *,
    domain: str = "",
    attributes: Mapping[str, int | Sequence[int]] | None = None,
) -> bytes:
    """Return a NodeProto with one output.

    Args:
        operation: Name of the operator.
        inputs: Names of the tensors that it reads.
        output: Name of the tensor that it makes.
        domain: Operator set; empty for the standard one.
        attributes: Attributes by name: whole numbers or lists of them.
    """
    parts = [field(1, name) for name in inputs]
    parts += [field(2, output), field(4, operation), field(7, domain)]
    parts += [field(5, _attribute(name, value)) for name, value in (attributes or {}).items()]
    return b"".join(parts)


def constant(name: str, value: NDArray[np.generic]) -> bytes:
    """Return a TensorProto: float32, uint8, int8 or int64."""
    dimensions = b"".join(field(1, size) for size in value.shape)
    kind = field(2, _TYPES[value.dtype.name])
    return dimensions + kind + field(8, name) + field(9, value.tobytes())


def uint8_value(name: str, shape: Sequence[int]) -> bytes:
    """Return the ValueInfoProto of a uint8 input or output of the graph."""
    dimensions = b"".join(field(1, field(1, size)) for size in shape)
    tensor = field(1, _TYPES["uint8"]) + field(2, dimensions)
    return field(1, name) + field(2, field(1, tensor))


def _attribute(name: str, value: int | Sequence[int]) -> bytes:
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, _INT)
    values = b"".join(field(8, item) for item in value)
    return field(1, name) + values + field(20, _INTS)
