"""A count with its noun, in the singular where it is one."""

from __future__ import annotations

__all__ = ["counted"]


def counted(count: int, what: str) -> str:
    """Return a count with its noun, such as `1 picture` or `2 pictures`.

    Args:
        count: How many there are.
        what: The noun in the singular, one whose plural ends in a plain s.
    """
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
