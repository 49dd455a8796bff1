"""Option values are checked where they enter, and the message names the option."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgefeat.errors import OptionError
from edgefeat.options import checks


@pytest.mark.parametrize("value", [1, 7, np.int64(7)])
def test_whole_numbers_pass_as_ints(value: Any) -> None:
    found = checks.whole_number("threads", value)
    assert found == value
    assert type(found) is int


@pytest.mark.parametrize("value", [0, -1, 2.5, "2", None, True, np.float32(2)])
def test_other_values_are_refused_by_the_options_name(value: Any) -> None:
    with pytest.raises(OptionError) as refused:
        checks.whole_number("threads", value)
    assert str(refused.value) == (f"threads: expected a whole number of 1 or more, got {value!r}.")
    assert refused.value.option == "threads"


def test_bounds_may_have_two_ends() -> None:
    assert checks.whole_number("quality", 0, least=0, most=100) == 0
    with pytest.raises(OptionError, match="quality: expected a whole number from 0 to 100, got 10"):
        checks.whole_number("quality", 101, least=0, most=100)


@pytest.mark.parametrize("value", [1, 0.5, np.float32(0.5)])
def test_numbers_pass_as_floats(value: Any) -> None:
    found = checks.number("timeout_s", value)
    assert found == value
    assert type(found) is float


@pytest.mark.parametrize("value", [0, -1.0, float("nan"), float("inf"), "1", None, True])
def test_what_is_no_number_above_the_bound_is_refused(value: Any) -> None:
    with pytest.raises(OptionError) as refused:
        checks.number("timeout_s", value)
    assert str(refused.value) == f"timeout_s: expected a number above 0, got {value!r}."


def test_a_choice_is_one_of_the_names() -> None:
    assert checks.choice("colour", "rgb", "bgr", "rgb") == "rgb"
    with pytest.raises(OptionError) as refused:
        checks.choice("colour", "RGB", "bgr", "rgb")
    assert str(refused.value) == "colour: expected 'bgr' or 'rgb', got 'RGB'."
