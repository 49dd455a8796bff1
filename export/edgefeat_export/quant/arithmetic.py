"""Arithmetic of the float network, in float64 and with the same bits on every CPU.

Sums are those of `exact`, curved functions those of `curves`. Everything else here is one single
operation after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any, Final

import numpy as np

from edgefeat_export.arrays import Floats
from edgefeat_export.graph.node import Node
from edgefeat_export.quant import curves, exact
from edgefeat_export.quant.windows import Windows

__all__ = ["arithmetic_of"]

Attributes = Mapping[str, Any]


def arithmetic_of(node: Node) -> Callable[..., Floats] | None:
    """Return what computes an operator from its inputs, float64, None for one that is left out.

    Returns:
        The function; None if the operator is not known here.
    """
    compute = _ARITHMETIC.get(node.op)
    if compute is None or (node.op == "AveragePool" and not _is_plain_pool(node.attrs)):
        return None
    return lambda *arrays: np.asarray(compute(node.attrs, *arrays), np.float64)


def _is_plain_pool(attrs: Attributes) -> bool:
    padded_by_itself = attrs.get("auto_pad", "NOTSET") not in ("NOTSET", b"NOTSET")
    uneven = bool(attrs.get("ceil_mode")) or set(attrs.get("dilations", ())) > {1}
    return len(attrs["kernel_shape"]) == 2 and not padded_by_itself and not uneven


def _average_pool(attrs: Attributes, x: Floats) -> Any:
    windows = Windows.of_pool(attrs)
    places = prod(windows.kernel)
    total = sum(windows.taps(exact.on_grid(x, exact.spare_bits(places))))
    if attrs.get("count_include_pad"):
        return total / places
    return total / sum(windows.taps(np.ones((1, 1, *x.shape[2:]))))


def _batch_normalization(
    attrs: Attributes, x: Floats, scale: Floats, shift: Floats, mean: Floats, variance: Floats
) -> Any:
    factor = scale / np.sqrt(variance + attrs.get("epsilon", 1e-5))
    channels = (-1,) + (1,) * (x.ndim - 2)
    return (x - mean.reshape(channels)) * factor.reshape(channels) + shift.reshape(channels)


def _clip(_: Attributes, x: Floats, low: Floats | None = None, high: Floats | None = None) -> Any:
    return np.clip(x, -np.inf if low is None else low, np.inf if high is None else high)


def _gemm(attrs: Attributes, a: Floats, b: Floats, c: Floats | None = None) -> Any:
    a = a.T if attrs.get("transA") else a
    b = b.T if attrs.get("transB") else b
    product = exact.matmul(a, b) * attrs.get("alpha", 1.0)
    return product if c is None else product + attrs.get("beta", 1.0) * c


def _mean(x: Floats, axes: tuple[int, ...], *, keep: bool) -> Any:
    count = prod(x.shape[axis] for axis in axes)
    total: Floats = exact.on_grid(x, exact.spare_bits(count)).sum(axes, keepdims=keep)
    return total / count


def _reduce_mean(attrs: Attributes, x: Floats, axes: Floats | None = None) -> Any:
    chosen = attrs.get("axes", range(x.ndim)) if axes is None else axes
    return _mean(x, tuple(int(axis) for axis in chosen), keep=bool(attrs.get("keepdims", 1)))


def _hard_sigmoid(attrs: Attributes, x: Floats) -> Any:
    return np.clip(x * attrs.get("alpha", 0.2) + attrs.get("beta", 0.5), 0, 1)


def _softmax(attrs: Attributes, x: Floats) -> Any:
    axis = attrs.get("axis", -1)
    powers = curves.exp(x - x.max(axis, keepdims=True))
    total = exact.on_grid(powers, exact.spare_bits(x.shape[axis])).sum(axis, keepdims=True)
    return powers / total


_ARITHMETIC: Final[Mapping[str, Callable[..., Any]]] = {
    "Add": lambda _, a, b: a + b,
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_normalization,
    "Clip": _clip,
    "Div": lambda _, a, b: a / b,
    "Erf": lambda _, x: curves.erf(x),
    "Exp": lambda _, x: curves.exp(x),
    "Gemm": _gemm,
    "GlobalAveragePool": lambda _, x: _mean(x, tuple(range(2, x.ndim)), keep=True),
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": lambda _, x: x * np.clip(x / 6 + 0.5, 0, 1),
    "MatMul": lambda _, a, b: exact.matmul(a, b),
    "Mul": lambda _, a, b: a * b,
    "ReduceMean": _reduce_mean,
    "Relu": lambda _, x: np.maximum(x, 0),
    "Sigmoid": lambda _, x: curves.sigmoid(x),
    "Softmax": _softmax,
    "Sqrt": lambda _, x: np.sqrt(x),
    "Sub": lambda _, a, b: a - b,
    "Tanh": lambda _, x: curves.tanh(x),
}
