"""Writes matrix products as the integer kernels take them: Gemm on rows, MatMul for the rest.

Dense layers on tokens or pixels are MatMul with a constant matrix, and attention is Einsum. ONNX
Runtime has integer kernels for Gemm, with a bias, and for MatMul of two tensors, but none for
Einsum.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

import numpy as np
import onnx

from edgefeat_export.graph.graph import Graph, Node
from edgefeat_export.graph.writing import write

__all__ = ["with_products"]


def with_products(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the float model with its products as Gemm and MatMul; itself if it has them so."""
    graph = Graph(model)
    changed = [_as_matmul(graph, node) for node in graph.find("Einsum")]
    rows: dict[str, str] = {}
    changed += [_on_rows(graph, node, rows) for node in graph.find("MatMul")]
    return write(graph) if any(changed) else model


class _Letters(NamedTuple):
    """The letters of an Einsum by what becomes of them.

    Attributes:
        both: Letters that both operands have and that stay.
        first: Letters that the first operand alone has.
        second: Letters that the second operand alone has.
        summed: Letters that both have and that are summed.
    """

    both: str
    first: str
    second: str
    summed: str


def _as_matmul(graph: Graph, node: Node) -> bool:
    """Write an Einsum of two operands as Transpose, MatMul and Transpose.

    Before::

        y = Einsum(a, b, equation="btnh,bsnh->bnts")

    After::

        y = MatMul(Transpose(a, [0, 2, 1, 3]), Transpose(b, [0, 2, 3, 1]))
    """
    equation = node.attrs["equation"]
    text = equation.decode() if isinstance(equation, bytes) else str(equation)
    terms, _, out = text.replace(" ", "").partition("->")
    operands = terms.split(",")
    if len(operands) != 2 or not out:
        return False
    letters = _letters(operands[0], operands[1], out)
    if letters is None:
        return False
    if graph.value(node.inputs[1]) is not None:
        return _by_constant(graph, node, operands, out, letters)
    if graph.value(node.inputs[0]) is not None:
        return False
    if not (len(letters.first) == len(letters.second) == len(letters.summed) == 1):
        return False
    a = _transposed(
        graph, node.inputs[0], operands[0], letters.both + letters.first + letters.summed
    )
    b = _transposed(
        graph, node.inputs[1], operands[1], letters.both + letters.summed + letters.second
    )
    product = graph.add("MatMul", [a, b]).out
    graph.replace(
        node,
        _transposed(graph, product, letters.both + letters.first + letters.second, out),
    )
    return True


def _letters(a: str, b: str, out: str) -> _Letters | None:
    """Return the letters in the order of the output; None for what is no matrix product."""
    plain = a + b + out
    if not plain.isalpha() or any(len({*term}) < len(term) for term in (a, b, out)):
        return None
    if {*out} - {*a, *b} or ({*a} ^ {*b}) - {*out}:
        return None
    return _Letters(
        both="".join(one for one in out if one in a and one in b),
        first="".join(one for one in out if one in a and one not in b),
        second="".join(one for one in out if one in b and one not in a),
        summed="".join(one for one in a if one in b and one not in out),
    )


def _by_constant(
    graph: Graph, node: Node, operands: list[str], out: str, letters: _Letters
) -> bool:
    """Write the product with a constant as MatMul with a matrix, reshaped behind it."""
    shape = graph.shape(node.inputs[0])
    weight = graph.constants.get(node.inputs[1])
    if weight is None or shape is None or letters.both or not letters.first or not letters.summed:
        return False
    sides = dict(zip(operands[0], shape, strict=True))
    sides |= dict(zip(operands[1], weight.shape, strict=True))
    kept = letters.first + letters.second
    if any(sides[one] is None for one in kept[1:] + letters.summed) or sides[kept[0]] is not None:
        return False
    order = [operands[1].index(one) for one in letters.summed + letters.second]
    rows = prod(sides[one] or 1 for one in letters.summed)
    matrix = np.ascontiguousarray(weight.transpose(order).reshape(rows, -1))
    x = _transposed(graph, node.inputs[0], operands[0], letters.first + letters.summed)
    if len(letters.summed) > 1:
        x = _reshaped(graph, x, [-1, *(sides[one] or -1 for one in letters.first[1:]), rows])
    product = graph.add("MatMul", [x, graph.constant(matrix)]).out
    if len(letters.second) != 1:
        product = _reshaped(graph, product, [-1, *(sides[one] or -1 for one in kept[1:])])
    graph.replace(node, _transposed(graph, product, kept, out))
    return True


def _on_rows(graph: Graph, node: Node, rows: dict[str, str]) -> bool:
    """Write the product of a map or of tokens with a constant matrix as Gemm.

    Before::

        x: (n, 5, 6)
        w: weight(6, 3)
        y = MatMul(x, w) + b

    After::

        y = Reshape(Gemm(Reshape(x, [-1, 6]), transposed_w, b, transB=1), [-1, 5, 3])

    `rows` remembers what was reshaped, for products that read the same tensor.
    """
    shape, weight = graph.shape(node.inputs[0]), graph.constants.get(node.inputs[1])
    if shape is None or weight is None or weight.ndim != 2 or weight.dtype != np.float32:
        return False
    if len(shape) < 3 or None in shape[1:] or node.inputs[0] in graph.constants:
        return False
    last, operands = node, []
    bias = _bias(graph, node, weight.shape[1])
    if bias is not None:
        last, constant = bias
        operands = [graph.constant(constant)]
    if node.inputs[0] not in rows:
        rows[node.inputs[0]] = _reshaped(
            graph, _before_reshape(graph, node.inputs[0]), [-1, weight.shape[0]]
        )
    matrix = graph.constant(np.ascontiguousarray(weight.T))
    product = graph.add("Gemm", [rows[node.inputs[0]], matrix, *operands], transB=1).out
    user = graph.sole_user(last.out)
    if user is not None and user.op == "Reshape" and user.inputs[1] in graph.constants:
        graph.replace(user, graph.add("Reshape", [product, user.inputs[1]]).out)
        return True
    after: list[int] = [-1, *(side or -1 for side in shape[1:-1]), weight.shape[1]]
    graph.replace(last, _reshaped(graph, product, after))
    return True


def _before_reshape(graph: Graph, tensor: str) -> str:
    """Return what a Reshape reads that makes a tensor; the tensor itself if none does."""
    maker = graph.producer(tensor)
    return maker.inputs[0] if maker is not None and maker.op == "Reshape" else tensor


def _bias(graph: Graph, node: Node, outputs: int) -> tuple[Node, np.ndarray] | None:
    """Return the Add of a constant vector right behind a product, and the vector."""
    user = graph.sole_user(node.out)
    if user is None or user.op != "Add":
        return None
    (other,) = [name for name in user.inputs if name != node.out] or [""]
    constant = graph.constants.get(other)
    if constant is None or constant.size != outputs or constant.shape[-1:] != (outputs,):
        return None
    return user, constant.reshape(-1).astype(np.float32)


def _transposed(graph: Graph, tensor: str, before: str, after: str) -> str:
    if before == after:
        return tensor
    return graph.add("Transpose", [tensor], perm=[before.index(one) for one in after]).out


def _reshaped(graph: Graph, tensor: str, shape: list[int]) -> str:
    return graph.add("Reshape", [tensor, graph.constant(np.array(shape, np.int64))]).out
