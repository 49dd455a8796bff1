"""Checks of option values: each returns the value as it is used, or names the option.

Standard library only; every start of a program loads this file.
"""

from __future__ import annotations

from enum import StrEnum
from operator import index
from typing import TypeVar

from edgefeat.errors import OptionError

__all__ = ["choice", "even_size", "member", "number", "switch", "whole_number"]

Member = TypeVar("Member", bound=StrEnum)


def whole_number(option: str, value: object, *, least: int = 1, most: int | None = None) -> int:
    """Return a whole number within bounds, as `int`; NumPy's whole numbers are accepted.

    Args:
        option: The keyword that the user gave, for the message.
        value: What the user gave.
        least: The smallest value that is allowed.
        most: The largest value that is allowed; None is no limit.

    Raises:
        OptionError: Not a whole number, or out of bounds.
    """
    try:
        if isinstance(value, bool):  # an int to Python, but never meant as one
            raise TypeError
        number = index(value)  # type: ignore[arg-type] # what has no __index__ raises TypeError
    except TypeError:
        number = None
    if number is None or number < least or (most is not None and number > most):
        bounds = f"of {least} or more" if most is None else f"from {least} to {most}"
        raise OptionError(f"expected a whole number {bounds}, got {value!r}", option=option)
    return number


def number(option: str, value: object, *, above: float = 0.0) -> float:
    """Return a finite number above a bound, as `float`.

    Args:
        option: The keyword that the user gave, for the message.
        value: What the user gave.
        above: The number must be larger than this.

    Raises:
        OptionError: Not a number, not finite, or not above the bound.
    """
    try:
        if isinstance(value, bool | str | bytes):
            raise TypeError
        number = float(value)  # type: ignore[arg-type] # what is no number raises TypeError
    except (TypeError, ValueError):
        number = float("nan")
    if not above < number < float("inf"):  # false for "not a number" too
        raise OptionError(f"expected a number above {above:g}, got {value!r}", option=option)
    return number


def even_size(option: str, value: object) -> tuple[int, int]:
    """Return a height and width in pixels, both even and 2 or more, as a tuple of `int`.

    Args:
        option: The keyword that the user gave, for the message.
        value: What the user gave.

    Raises:
        OptionError: It is none.
    """
    if isinstance(value, tuple | list) and len(value) == 2:
        height, width = (whole_number(option, side, least=2) for side in value)
        if not (height % 2 or width % 2):
            return height, width
        value = f"{width}x{height}"
    raise OptionError(f"expected an even width and height, got {value}", option=option)


def choice(option: str, value: object, *choices: str) -> str:
    """Return one of the choices.

    Args:
        option: The keyword that the user gave, for the message.
        value: What the user gave.
        choices: What is allowed.

    Raises:
        OptionError: It is none of them.
    """
    if not isinstance(value, str) or value not in choices:
        expected = " or ".join(repr(str(one)) for one in choices)
        raise OptionError(f"expected {expected}, got {value!r}", option=option)
    return value


def member(option: str, value: object, kind: type[Member]) -> Member:
    """Return the member of a closed choice that a text names.

    Args:
        option: The keyword that the user gave, for the message.
        value: What the user gave: a member, or its text.
        kind: The enumeration.

    Raises:
        OptionError: It names none of them.
    """
    return kind(choice(option, value, *(one.value for one in kind)))


def switch(option: str, value: object) -> bool:
    """Return a value that must be True or False.

    Args:
        option: The keyword that the user gave, for the message.
        value: What the user gave.

    Raises:
        OptionError: It is something else.
    """
    if not isinstance(value, bool):
        raise OptionError(f"expected True or False, got {value!r}", option=option)
    return value
