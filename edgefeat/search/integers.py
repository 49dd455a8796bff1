"""Products of rows of bytes with a few vectors, in whole numbers and without decoding the rows.

ONNX Runtime multiplies matrices of bytes several times faster than NumPy decodes one. A vector is
written as digits: whole numbers of -63 to 63, each digit 127 times finer than the one before, so
that three digits leave a millionth of the vector. A digit stays within 63 because some CPUs add two
products of bytes in 16 bits: `255 * 63 * 2` fits there, `255 * 127 * 2` does not.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.model.protobuf import field

if TYPE_CHECKING:
    from edgefeat.engine.cpu import InferenceSession

__all__ = ["MOST_VECTORS", "Digits"]

MOST_VECTORS = 5
"""With more vectors than this at once it is faster to decode the rows."""

_DIGIT, _DIGITS, _FINER = 63, 3, 127
_UINT8, _INT8, _INT32 = 2, 3, 6  # TensorProto.DataType
_OPSET, _IR_VERSION = 13, 8


class Digits:
    """A few vectors, written as whole numbers.

    Args:
        vectors: float64 `(Q, D)`.
    """

    def __init__(self, vectors: NDArray[np.float64]) -> None:
        largest = np.abs(vectors).max(axis=1, initial=0.0)
        step = np.where(largest > 0, largest / _DIGIT, 1.0)
        rest, digits, steps = vectors.copy(), [], []
        for _ in range(_DIGITS):
            digit = np.clip(np.rint(rest / step[:, np.newaxis]), -_DIGIT, _DIGIT)
            rest -= digit * step[:, np.newaxis]
            digits.append(digit.astype(np.int8))
            steps.append(step)
            step = step / _FINER
        self._digits = np.ascontiguousarray(np.concatenate(digits).T)  # (D, digits * Q)
        self._steps = np.stack(steps)  # (digits, Q)
        self.left_over = float(np.linalg.norm(rest, axis=1).max(initial=0.0))
        """The length of what the digits leave of a vector, at most."""

    def times(self, rows: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
        """Return the products of the vectors with rows of int8 or uint8: float64 `(Q, n)`.

        Args:
            rows: int8 or uint8 `(n, D)`.
        """
        kind = _UINT8 if rows.dtype == np.uint8 else _INT8
        (whole,) = _session(kind).run(None, {"rows": rows, "digits": self._digits})
        by_digit = whole.T.reshape(*self._steps.shape, len(rows))
        products: NDArray[np.float64] = np.einsum("dqn,dq->qn", by_digit, self._steps)
        return products


@cache
def _session(kind: int) -> InferenceSession:
    """Return the graph `products = rows @ digits` for a type of rows, opened once."""
    from edgefeat.engine.cpu import open_session, session_options  # sets are read without it

    node = field(1, "rows") + field(1, "digits") + field(2, "products") + field(4, "MatMulInteger")
    graph = field(1, node) + field(2, "products")
    graph += field(11, _value("rows", kind, "n", "d")) + field(
        11, _value("digits", _INT8, "d", "q")
    )
    graph += field(12, _value("products", _INT32, "n", "q"))
    opset = field(8, field(1, "") + field(2, _OPSET))
    return open_session(
        field(1, _IR_VERSION) + opset + field(7, graph), session_options(arena=False)
    )


def _value(name: str, kind: int, *axes: str) -> bytes:
    """Return the ValueInfoProto of a matrix whose axes have names in the place of sizes."""
    shape = b"".join(field(1, field(2, axis)) for axis in axes)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, shape)))
