"""Parts of an ONNX graph as bytes: nodes, constants and outputs, without the package `onnx`.

Field numbers are those of onnx.proto3. What these functions return goes into a graph as a field:
nodes as 1, constants as 5, outputs as 12. NumPy and the standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from edgefeat.model.protobuf import field

__all__ = ["constant", "data_type", "node", "output"]

_TYPES = {"float32": 1, "uint8": 2, "int32": 6, "int64": 7, "bool": 9, "float64": 11}
_INT, _INTS = 2, 7  # AttributeProto.AttributeType
_TWO_TO_64 = 2**64


def data_type(name: str) -> int:
    """Return ONNX's number of an element type, such as of `float64`."""
    return _TYPES[name]


def node(
    operation: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    *,
    name: str,
    attributes: Mapping[str, int | Sequence[int]] | None = None,
) -> bytes:
    """Return a NodeProto of ONNX's own domain.

    Args:
        operation: The operator, such as `MatMul`.
        inputs: Names of tensors.
        outputs: Names of the tensors that it makes.
        name: The node's own name.
        attributes: Whole numbers, or lists of them.
    """
    parts = [field(1, one) for one in inputs]
    parts += [field(2, one) for one in outputs]
    parts += [field(3, name), field(4, operation)]
    parts += [field(5, _attribute(key, value)) for key, value in (attributes or {}).items()]
    return b"".join(parts)


def constant(name: str, array: NDArray[Any]) -> bytes:
    """Return a TensorProto.

    Args:
        name: The tensor's name.
        array: The numbers, any type among `float32`, `uint8`, `int32`, `int64`, `float64`; with no
            axes for a single number.
    """
    plain = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
    dimensions = b"".join(field(1, side) for side in array.shape)
    kind = field(2, _TYPES[array.dtype.name])
    return dimensions + kind + field(8, name) + field(9, plain.tobytes())


def output(name: str, dtype: str, *shape: int, batch: str) -> bytes:
    """Return the ValueInfoProto of an output.

    Args:
        name: The tensor's name.
        dtype: The type of its elements.
        shape: The shape without the batch axis.
        batch: The name of the batch axis.
    """
    sides = field(1, field(2, batch)) + b"".join(field(1, field(1, side)) for side in shape)
    tensor = field(1, _TYPES[dtype]) + field(2, sides)
    return field(1, name) + field(2, field(1, tensor))


def _attribute(name: str, value: int | Sequence[int]) -> bytes:
    head = field(1, name)
    if isinstance(value, int):
        return head + field(3, value % _TWO_TO_64) + field(20, _INT)
    numbers = b"".join(field(8, one % _TWO_TO_64) for one in value)
    return head + numbers + field(20, _INTS)
