"""The tail of a graph while it is written: nodes and constants behind the features, in float64.

scikit-learn computes columns in float64, so the tail does. Names have a prefix that no backbone
uses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
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
    """A matrix that is `rows @ weights + bias`, as it is to be written.

    Attributes:
        name: What the graph calls it, and its operators.
        rows: What the graph calls the rows.
        weights: float64 `(width, K)`.
        bias: float64 `(K,)`.
    """

    name: str
    rows: str
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def fits_behind(self, other: _Product) -> bool:
        """Return whether one product takes no more weights than both."""
        return len(self.bias) <= len(other.bias)

    def behind(self, other: _Product) -> _Product:
        """Return this product of another one's rows, where its own are what that one gives."""
        bias = other.bias @ self.weights + self.bias
        return _Product(self.name, other.rows, other.weights @ self.weights, bias)

    def drawn(self) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
        """Return nodes and constants.

        ONNX Runtime copies the right one of two float64 matrices into another order in each call,
        so a wide one stands on the left.
        """
        names = [f"{self.name}_weights", f"{self.name}_bias"]
        wide = self.weights.shape[1] >= _WIDE
        weights, bias = self.weights, self.bias[np.newaxis]
        arrays = (weights.T, bias.T) if wide else (weights, bias)
        pairs = zip(arrays, names, strict=True)
        constants = [
            numpy_helper.from_array(np.ascontiguousarray(one), name) for one, name in pairs
        ]
        if not wide:
            inputs = [self.rows, *names]
            return [helper.make_node("Gemm", inputs, [self.name], name=self.name)], constants
        turned = f"{self.name}_turned"
        inputs = [names[0], self.rows, names[1]]
        product = helper.make_node("Gemm", inputs, [turned], name=turned, transB=1)
        back = helper.make_node("Transpose", [turned], [self.name], name=self.name, perm=[1, 0])
        return [product, back], constants


class TailGraph:
    """Nodes and constants, in the order in which they run.

    Attributes:
        checkpoints: What each step gave, by the step's name, to be compared alone.
        makes_nan: Whether some step may make NaN or infinity of a finite number.
    """

    def __init__(self) -> None:
        self.checkpoints: dict[str, Matrix] = {}
        self.makes_nan = False
        self._guards: dict[str, str] = {}
        self._parts: list[onnx.NodeProto | _Product] = []
        self._constants: list[onnx.TensorProto] = []
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
        name = self._next(operation)
        node = helper.make_node(
            operation,
            list(inputs),
            list(outputs) or [to or name],
            name=name,
            domain=domain,
            **(attributes or {}),
        )
        self._parts.append(node)
        return str(node.output[0])

    def constant(self, value: NDArray[Any] | float | Sequence[float], dtype: Any = None) -> str:
        """Add a constant, float64 unless told otherwise; return its name."""
        name = self._next("constant")
        array = np.ascontiguousarray(value, dtype or np.float64)
        array = array.reshape(np.shape(value))  # a single number has no axis
        self._constants.append(numpy_helper.from_array(array, name))
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

        Args:
            matrix: The rows.
            weights: float64 `(width, K)`.
            bias: float64 `(K,)`.
        """
        name = self._next("product")
        self._parts.append(_Product(name, matrix.name, weights, np.reshape(bias, -1)))
        return Matrix(name, weights.shape[1])

    def guard(self, matrix: Matrix) -> None:
        """Let a row have no answer if a number of it here is NaN or infinite.

        Args:
            matrix: What an estimator takes that raises there.
        """
        if not self.makes_nan or matrix.name in self._guards:
            return
        axes = self.constant(np.array([1]), np.int64)
        total = self.add("ReduceSum", [matrix.name, axes], attributes={"keepdims": 1})
        self._guards[matrix.name] = self.add("Sub", [total, total])

    def guarded(self) -> str | None:
        """Return the sum of all guards, 0 or NaN, float64 `(N, 1)`; None without any."""
        first, *others = self._guards.values() or (None,)
        for other in others:
            first = self.add("Add", [str(first), other])
        return first

    def drawn(
        self, outputs: Collection[str]
    ) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
        """Return all nodes and constants.

        Two products in a row become one where nobody else reads what is between them and no more
        numbers come out than there: a PCA costs a linear model nothing.

        Args:
            outputs: Names of the tensors that are read from outside.
        """
        readers = Counter(outputs)
        for part in self._parts:
            readers.update([part.rows] if isinstance(part, _Product) else part.input)
        products: dict[str, _Product] = {}
        for part in self._parts:
            if isinstance(part, _Product):
                before = products.get(part.rows)
                if before is not None and readers[part.rows] == 1 and part.fits_behind(before):
                    part = part.behind(products.pop(part.rows))
                products[part.name] = part
        nodes, constants = [], list(self._constants)
        for part in self._parts:
            if not isinstance(part, _Product):
                nodes.append(part)
            elif part.name in products:
                new, weights = products[part.name].drawn()
                nodes += new
                constants += weights
        return nodes, constants

    def _next(self, operation: str) -> str:
        self._count += 1
        return f"{PREFIX}{self.where}/{operation}_{self._count}"
