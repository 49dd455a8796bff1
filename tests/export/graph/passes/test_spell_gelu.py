"""The exact GELU from erf of the negative."""

from __future__ import annotations

import pytest

from edgefeat_export.graph.passes.spell_gelu import spell_gelu
from edgefeat_export.graph.pipeline import settle
from graph_notation import assert_becomes, assert_stays, read

AFTER = "a = Mul(x, 0.5)\nb = Div(x, 1.41421356)\nc = Erf(b)\nd = Add(c, 1.0)\ny = Mul(a, d)"


@pytest.mark.parametrize(
    "scaled", ["a = Neg(x)\nb = Mul(a, 0.70710678)", "b = Mul(x, -0.70710678)"]
)
@pytest.mark.parametrize("product", ["Mul(h, g)", "Mul(g, h)"])
def test_every_way_to_write_the_negative(scaled: str, product: str) -> None:
    before = f"x: (n, 4)\n{scaled}\ne = Erf(b)\ng = Sub(1.0, e)\nh = Mul(0.5, x)\ny = {product}"
    assert_becomes(spell_gelu, before, AFTER)
    assert_becomes(settle, before, AFTER)


@pytest.mark.parametrize(
    ("factor", "half"), [("0.5", "x"), ("-0.70710678", "o"), ("0.70710678", "x")]
)
def test_what_only_looks_like_gelu_stays(factor: str, half: str) -> None:
    source = f"""
        x: (n, 4)
        o = Exp(x)
        b = Mul(x, {factor})
        e = Erf(b)
        g = Sub(1.0, e)
        h = Mul({half}, 0.5)
        y = Mul(h, g)
        """
    assert_stays(spell_gelu, source)


def test_a_number_that_gives_the_result_more_axes_stays() -> None:
    example = read(
        """
        x: (n, 4)
        half: weight(1, 1, 1)
        b = Mul(x, -0.70710678)
        e = Erf(b)
        g = Sub(1.0, e)
        h = Mul(x, half)
        y = Mul(h, g)
        """
    )
    example.constants["half"][...] = 0.5
    assert_stays(spell_gelu, example)
