"""What a file says of its columns: the records of spec 2.0, from what the layers told."""

from __future__ import annotations

from edgefeat.model.columns import (
    MAX_CHARS,
    CategoryInput,
    IntegerInput,
    MissingNumber,
    MissingToken,
    NumberInput,
    NumberType,
    TextInput,
    Unseen,
)
from edgefeat_export.columns.column import ColumnKind, KerasColumn

__all__ = ["describe"]

Described = NumberInput | IntegerInput | CategoryInput | TextInput


def describe(
    column: KerasColumn,
    *,
    takes_nan: bool,
    max_chars: int = MAX_CHARS,
    parts: tuple[str, ...] | None = None,
) -> Described:
    """Return what a file says of a column.

    Args:
        column: The column, after every layer was written.
        takes_nan: Whether the network was seen to give features where a number is NaN.
        max_chars: How many characters a text may have.
        parts: The names of its values, where it has several and they are named.
    """
    name, size, hashes = column.name, column.size, tuple(column.hashes) or None
    if column.kind is ColumnKind.NUMBER:
        return NumberInput(
            name=name,
            size=size,
            columns=parts,
            hashes=hashes,
            dtype=NumberType(column.dtype),
            missing=MissingNumber.NAN if takes_nan else MissingNumber.REFUSE,
        )
    if column.kind is ColumnKind.TEXT:
        return TextInput(name=name, size=size, columns=parts, hashes=hashes, max_chars=max_chars)
    masks = list(dict.fromkeys(column.masks))
    token = masks[0] if len(masks) == 1 else None
    missing = MissingToken.REFUSE if token is None else MissingToken.TOKEN
    if column.kind is ColumnKind.INTEGER:
        whole = None if token is None else int(token)
        return IntegerInput(
            name=name,
            size=size,
            columns=parts,
            hashes=hashes,
            missing=missing,
            missing_token=whole,
        )
    return CategoryInput(
        name=name,
        size=size,
        columns=parts,
        hashes=hashes,
        unseen=_unseen(column),
        missing=missing,
        missing_token=None if token is None else str(token),
        values=len(column.words),
    )


def _unseen(column: KerasColumn) -> Unseen:
    if column.refuses_unseen:
        return Unseen.REFUSE
    return Unseen.HASH if column.hashes else Unseen.BIN
