"""The tail of a graph while it is written: nodes and constants behind the features, in float64.

scikit-learn computes columns in float64, so the tail does. Names have a prefix that no backbone
uses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

__all__ = ["ML", "PREFIX", "Matrix", "TailGraph"]

PREFIX = "attached/"
ML = "ai.onnx.ml"
_WIDE = 32  # sums a row


@dataclass(frozen=True, slots=True)
class Matrix:
    """A tensor of the tail: float64 `(N, width)`.

    Attributes:
        name: What the graph calls it.
        width: How many numbers a row has.
    """

    name: str
    width: int


@dataclass(frozen=True, slots=True)
class _Product:
    """A matrix that is `matrix @ weights + bias`.

    Attributes:
        matrix: The rows.
        weights: float64 `(width, K)`.
        bias: float64 `(K,)`.
    """

    matrix: Matrix
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]


class TailGraph:
    """Nodes and constants, in the order in which they run.

    Attributes:
        nodes: The nodes.
        constants: The constants.
        checkpoints: What each step gave, by the step's name, to be compared alone.
    """

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.checkpoints: dict[str, Matrix] = {}
        self._products: dict[str, _Product] = {}
        self._path: list[str] = []
        self._count = 0

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Name what is added inside after a step."""
        self._path.append(name)
        try:
            yield
        finally:
            self._path.pop()

    @property
    def where(self) -> str:
        """The steps that are being written, from the outside."""
        return ".".join(self._path)

    def add(
        self,
        operation: str,
        inputs: Sequence[str],
        *,
        domain: str = "",
        attributes: Mapping[str, Any] | None = None,
        to: str | None = None,
        outputs: Sequence[str] = (),
    ) -> str:
        """Add a node; return the name of its first output.

        Args:
            operation: The operator.
            inputs: Names of tensors.
            domain: The operator's domain.
            attributes: The operator's attributes.
            to: The output's name; None makes one.
            outputs: Names of the outputs, where it has several.
        """
        self._count += 1
        name = f"{PREFIX}{self.where}/{operation}_{self._count}"
        node = helper.make_node(
            operation,
            list(inputs),
            list(outputs) or [to or name],
            name=name,
            domain=domain,
            **(attributes or {}),
        )
        self.nodes.append(node)
        return str(node.output[0])

    def constant(self, value: NDArray[Any] | float | Sequence[float], dtype: Any = None) -> str:
        """Add a constant, float64 unless told otherwise; return its name."""
        self._count += 1
        name = f"{PREFIX}{self.where}/constant_{self._count}"
        array = np.ascontiguousarray(value, dtype or np.float64)
        array = array.reshape(np.shape(value))  # a single number has no axis
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def cast(self, name: str, kind: int) -> str:
        """Add a change of type; return the new name."""
        return self.add("Cast", [name], attributes={"to": kind})

    def double(self, name: str) -> str:
        """Add a change to float64; return the new name."""
        return self.cast(name, TensorProto.DOUBLE)

    def side_by_side(self, parts: Sequence[Matrix]) -> Matrix:
        """Return matrices as one."""
        if len(parts) == 1:
            return parts[0]
        names = [part.name for part in parts]
        name = self.add("Concat", names, attributes={"axis": 1})
        return Matrix(name, sum(part.width for part in parts))

    def columns(self, matrix: Matrix, places: Sequence[int]) -> Matrix:
        """Return some columns of a matrix."""
        if list(places) == list(range(matrix.width)):
            return matrix
        where = self.constant(np.array(places), np.int64)
        return Matrix(self.add("Gather", [matrix.name, where], attributes={"axis": 1}), len(places))

    def apply(self, operation: str, matrix: Matrix, value: NDArray[Any] | float) -> Matrix:
        """Return a matrix after an operation with numbers.

        Args:
            operation: The operator, such as `Sub`.
            matrix: Left of it.
            value: Right of it: one number for all, or one a column, any type.
        """
        return Matrix(self.add(operation, [matrix.name, self.constant(value)]), matrix.width)

    def linear(
        self, matrix: Matrix, weights: NDArray[np.float64], bias: NDArray[np.float64]
    ) -> Matrix:
        """Return `matrix @ weights + bias`.

        Behind another such product, and if no more numbers come out than that one gives, the two
        become one: a PCA costs a linear model nothing.

        Args:
            matrix: The rows.
            weights: float64 `(width, K)`.
            bias: float64 `(K,)`.
        """
        before = self._products.get(matrix.name)
        if before is not None and weights.shape[1] <= matrix.width:
            bias = before.bias @ weights + bias
            matrix, weights = before.matrix, before.weights @ weights
        name = self._product(matrix.name, weights, np.reshape(bias, (1, -1)))
        self._products[name] = _Product(matrix, weights, np.reshape(bias, -1))
        return Matrix(name, weights.shape[1])

    def _product(self, rows: str, weights: NDArray[np.float64], bias: NDArray[np.float64]) -> str:
        """Add `rows @ weights + bias`.

        ONNX Runtime copies the right one of two float64 matrices into another order in each call,
        so a wide one stands on the left.
        """
        if weights.shape[1] < _WIDE:
            return self.add("Gemm", [rows, self.constant(weights), self.constant(bias)])
        inputs = [self.constant(weights.T), rows, self.constant(bias.T)]
        product = self.add("Gemm", inputs, attributes={"transB": 1})
        return self.add("Transpose", [product], attributes={"perm": [1, 0]})
