"""Layer normalisation with and without its parameters, and what only looks like it."""

from __future__ import annotations

import pytest

from edgefeat_export.graph.passes.tidy_layer_norm import tidy_layer_norm
from edgefeat_export.graph.pipeline import settle
from graph_notation import assert_becomes, assert_stays

DECLARED = """
x: (n, 4, 5, 6)
gamma: weight(1, 4, 1, 1)
beta: weight(1, 4, 1, 1)
w: weight(3, 4, 1, 1)
"""
SPREAD = """
m = ReduceMean(x, axes=[1])
d = Sub(x, m)
q = Mul(d, d)
v = ReduceMean(q, axes=[1])
e = Add(v, 0.001)
s = Sqrt(e)
"""
BACK = "neg = Neg(m)\nscaled = Mul(x, f)\nback = Mul(neg, f)\n"


@pytest.mark.parametrize("with_gamma", [True, False])
@pytest.mark.parametrize("with_beta", [True, False])
def test_parameters_may_be_left_out(with_gamma: bool, with_beta: bool) -> None:
    factor = "i = Reciprocal(s)\nf = Mul(i, gamma)\n" if with_gamma else "f = Reciprocal(s)\n"
    shift = "b = Add(back, beta)\n" if with_beta else "b = Identity(back)\n"
    last = "y = Add(scaled, b)" if with_beta else "y = Add(scaled, back)"
    before = DECLARED + SPREAD + factor + BACK + shift * with_beta + last
    after = ["Div(d, s)", *["Mul({}, gamma)"] * with_gamma, *["Add({}, beta)"] * with_beta]
    lines = [f"t{i} = {call.format(f't{i - 1}')}" for i, call in enumerate(after)]
    lines[-1] = "y" + lines[-1][2:]
    assert_becomes(tidy_layer_norm, before, SPREAD + "\n".join(lines))


def test_the_parameters_end_in_the_layer_behind() -> None:
    before = (
        DECLARED
        + SPREAD
        + "i = Reciprocal(s)\nf = Mul(i, gamma)\n"
        + BACK
        + "b = Add(back, beta)\nr = Add(scaled, b)\ny = Conv(r, w)"
    )
    assert_becomes(settle, before, SPREAD + "r = Div(d, s)\ny = Conv(r, w2, bias)")


def test_another_mean_stays() -> None:
    other = BACK.replace("Neg(m)", "Neg(o)")
    source = SPREAD + "o = ReduceMean(x, axes=[2])\nf = Reciprocal(s)\n" + other
    assert_stays(tidy_layer_norm, "x: (n, 4, 5, 6)\n" + source + "y = Add(scaled, back)")
