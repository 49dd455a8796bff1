"""Operators that tf2onnx does not translate, or not to the last digits: erfc, log1p and expm1.

Each takes a node out of tf2onnx's graph and writes others in its place.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import onnx

__all__ = ["OWN_TRANSLATIONS"]

_BOOL: Final = onnx.TensorProto.BOOL


def _erfc(ctx: Any, node: Any, name: str, args: Any) -> None:
    """Translate erfc(x) as 1 - erf(x). The exact GELU of ConvNeXt is made of it."""
    shapes, dtypes = node.output_shapes, node.output_dtypes
    source, output = node.input[0], node.output[0]
    ctx.remove_node(name)
    erf = ctx.make_node("Erf", [source], shapes=shapes, dtypes=dtypes)
    one = ctx.make_const(name + "_one", np.ones((), np.float32))
    ctx.make_node(
        "Sub",
        [one.output[0], erf.output[0]],
        outputs=[output],
        name=name,
        shapes=shapes,
        dtypes=dtypes,
    )


def _log1p(ctx: Any, node: Any, name: str, args: Any) -> None:
    """Translate log(1 + x). The plain form loses what is small: 1 + x is rounded.

    With u = 1 + x as it is rounded, log(u) * x / (u - 1) takes the rounding back (Kahan); where u
    is 1 it is x, and where u is not finite it is log(u).
    """
    write = _writer(ctx, node, name)
    one, zero = np.float32(1), np.float32(0)
    x = node.input[0]
    ctx.remove_node(name)
    u = write("Add", x, one)
    lost = write("Sub", u, one)
    log = write("Log", u)
    none = write("Equal", lost, zero, dtype=_BOOL)
    exact = write("Mul", log, write("Div", x, write("Where", none, one, lost)))
    infinite = write("IsInf", u, dtype=_BOOL)
    write("Where", none, x, write("Where", infinite, log, exact), last=True)


def _expm1(ctx: Any, node: Any, name: str, args: Any) -> None:
    """Translate exp(x) - 1 as tanh(x / 2) * (exp(x) + 1), which loses nothing of a small x."""
    write = _writer(ctx, node, name)
    one, half = np.float32(1), np.float32(0.5)
    x = node.input[0]
    ctx.remove_node(name)
    exp = write("Exp", x)
    small = write("Mul", write("Tanh", write("Mul", x, half)), write("Add", exp, one))
    near = write("Less", write("Abs", x), one, dtype=_BOOL)
    write("Where", near, small, write("Sub", exp, one), last=True)


def _writer(ctx: Any, node: Any, name: str) -> Any:
    """Return what adds a node in the place of a TensorFlow operator, and gives its output."""
    shapes, dtypes, output = node.output_shapes, node.output_dtypes, node.output[0]
    count = itertools.count()

    def write(op: str, *inputs: Any, dtype: int | None = None, last: bool = False) -> str:
        given = [
            value
            if isinstance(value, str)
            else ctx.make_const(f"{name}_number{next(count)}", np.asarray(value)).output[0]
            for value in inputs
        ]
        made = ctx.make_node(
            op,
            given,
            outputs=[output] if last else None,
            name=name if last else f"{name}_step{next(count)}",
            shapes=shapes,
            dtypes=dtypes if dtype is None else [dtype],
        )
        result: str = made.output[0]
        return result

    return write


OWN_TRANSLATIONS: Final[Mapping[str, tuple[Callable[..., None], Sequence[str]]]] = {
    "Erfc": (_erfc, []),
    "Expm1": (_expm1, []),
    "Log1p": (_log1p, []),
}
"""Handlers by operator, as tf2onnx takes them."""
