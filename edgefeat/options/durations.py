"""Times that people write with a unit: 90, 90s, 10m, 1h, 1d."""

from __future__ import annotations

from edgefeat.errors import OptionError
from edgefeat.options.checks import number

__all__ = ["duration"]

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(name: str, value: object) -> float:
    """Return a time in seconds.

    Args:
        name: The option, for the message.
        value: A number of seconds, or a text of a number and a unit.

    Raises:
        OptionError: It is neither.
    """
    if not isinstance(value, str):
        return number(name, value)
    text = value.strip()
    count, unit = (text[:-1], text[-1:]) if text[-1:] in _SECONDS else (text, "s")
    try:
        return number(name, float(count) * _SECONDS[unit])
    except (ValueError, OptionError):
        raise OptionError(
            f"expected a time such as 60s or 10m, got {value!r}",
            option=name,
            remedy="s, m, h and d are units; a number alone is in seconds.",
        ) from None
