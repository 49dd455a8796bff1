"""What `edgefeat info` says of a model's columns: one line each."""

from __future__ import annotations

from collections.abc import Sequence

from edgefeat.model.columns import (
    CategoryInput,
    IntegerInput,
    MissingNumber,
    MissingToken,
    NumberInput,
    TextInput,
    Unseen,
)

__all__ = ["described", "listed", "size"]

_SHOWN = 6  # names of classes and columns in a line
_UNSEEN = {
    Unseen.BIN: "an unseen one shares a bin",
    Unseen.ZEROS: "an unseen one is all zeros",
    Unseen.HASH: "an unseen one has a place by its hash",
    Unseen.REFUSE: "an unseen one is refused",
}


def described(column: NumberInput | IntegerInput | CategoryInput | TextInput) -> str:
    """Return a column's line: its name, kind, and what becomes of values that are missing."""
    several = []
    if column.size > 1:
        named = f" ({listed(column.columns)})" if column.columns else ""
        several = [f"{column.size} values{named}"]
    return f"{column.name}: {', '.join([column.KIND, *several, *_rules(column)])}"


def listed(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f", and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def size(count: int) -> str:
    """Return a file's size: kB below a tenth of a megabyte, else MB."""
    return f"{count / 1e3:.1f} kB" if count < 1e5 else f"{count / 1e6:.1f} MB"


def _rules(column: NumberInput | IntegerInput | CategoryInput | TextInput) -> list[str]:
    """Return what a column takes, and what becomes of what it does not."""
    if isinstance(column, TextInput):
        return [f"at most {column.max_chars} characters", "never missing"]
    if isinstance(column, NumberInput):
        rules = ["may be missing" if column.missing is MissingNumber.NAN else "never missing"]
    elif column.missing is MissingToken.TOKEN:
        rules = [f"a missing one is {column.missing_token!r}"]
    else:
        rules = ["never missing"]
    if isinstance(column, CategoryInput):
        if column.unseen is Unseen.HASH and not column.values:
            return ["each has a place by its hash", *rules]
        return [f"{column.values} known", _UNSEEN[column.unseen], *rules]
    if column.range is not None:
        rules.append(f"seen {column.range[0]:g} to {column.range[1]:g}")
    return rules
