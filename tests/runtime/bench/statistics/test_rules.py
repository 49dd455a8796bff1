"""Rules such as `p90>+10%`: which texts are one."""

import pytest

from edgefeat.bench.statistics.rules import parse_rule
from edgefeat.errors import OptionError


@pytest.mark.parametrize("text", ["p90>+10%", "p90 > 10 %", "cpu>5%", "p99.9>+0.5%"])
def test_rules_are_read(text: str) -> None:
    assert parse_rule(text).text == text


@pytest.mark.parametrize("text", ["p90<10%", "p90>10", "mean>10%", "p0>10%", "", "p100>1%"])
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(OptionError) as raised:
        parse_rule(text)
    assert str(raised.value) == (
        "fail_if: expected a rule like 'p90>+10%' (p50, p90, ... or cpu, then a growth), "
        f"got {text!r}."
    )
