"""Columns of words become numbers: OneHotEncoder and OrdinalEncoder, by a table in the graph.

    word ─ LabelEncoder ─► row, 0 if unknown ─ GatherND ─► that row of the table

The table has a row for what is unknown, then one for each category: so dropped and infrequent
categories need no rules of their own.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.model.columns import Unseen
from edgefeat_export.attaching.refusing import class_of, refusal
from edgefeat_export.attaching.tail import ML, Matrix, TailGraph

__all__ = ["MISSING", "Encoded", "WordColumn", "encode"]

MISSING = "\x00missing"
"""The word that stands for a missing one in the graph: no category of anybody's."""


@dataclass(slots=True)
class WordColumn:
    """A column of words, on its way to an encoder.

    Attributes:
        name: The column.
        tensor: What the graph calls it: strings `(N, 1)`.
        filled: The word that an imputer puts in the place of a missing one; None without one.
    """

    name: str
    tensor: str
    filled: str | None = None


@dataclass(slots=True, kw_only=True)
class Encoded:
    """What an encoder knows of a column of words.

    Attributes:
        values: How many words it knows.
        unseen: What becomes of others.
        missing: The word that stands for a missing one; None where that is refused.
        known: The words that it knows.
        row: What the graph calls the word's row in the table, 0 for others: int64 `(N, 1)`.
    """

    values: int
    unseen: Unseen
    missing: str | None
    known: tuple[str, ...] = field(repr=False)
    row: str


def encode(
    tail: TailGraph, encoder: Any, words: list[WordColumn]
) -> tuple[Matrix, dict[str, Encoded]]:
    """Add an encoder of columns of words.

    Args:
        tail: The graph.
        encoder: A fitted OneHotEncoder or OrdinalEncoder.
        words: The columns, in the order in which it was fitted.

    Returns:
        What it gives, and what it knows of each column.

    Raises:
        ConversionError: It has an option or a category that cannot be in the file.
    """
    parts, found = [], {}
    for at, column in enumerate(words):
        categories = [_word(tail, one) for one in encoder.categories_[at]]
        table = _table(encoder, at)
        keys = tuple(dict.fromkeys(categories))
        if len(keys) != len(categories):
            raise refusal("two categories are the same word", where=tail.where)
        row = tail.add(
            "LabelEncoder",
            [column.tensor],
            domain=ML,
            attributes={
                "keys_strings": list(keys),
                "values_int64s": list(range(1, len(keys) + 1)),
                "default_int64": 0,
            },
        )
        missing = column.filled
        if missing is None and (MISSING in keys or _handles_unknown(encoder)):
            missing = MISSING  # one of the categories, or unknown as any other word
        found[column.name] = Encoded(
            values=len(keys) - (MISSING in keys),
            unseen=_unseen(encoder, table[0]),
            missing=missing,
            known=keys,
            row=row,
        )
        asked = table if _handles_unknown(encoder) else table[1:]
        tail.makes_nan |= bool(np.isnan(asked).any())
        picked = tail.add("GatherND", [tail.constant(table), row])
        parts.append(Matrix(picked, table.shape[1]))
    return tail.side_by_side(parts), found


def _word(tail: TailGraph, category: Any) -> str:
    if category is None or (isinstance(category, float) and np.isnan(category)):
        return MISSING
    if isinstance(category, str):
        return str(category)
    raise refusal(
        f"the category {category!r} is a {type(category).__name__}; words are known, and no mix",
        where=tail.where,
        remedy="Make the column text before fitting, as by .astype(str).",
    )


def _handles_unknown(encoder: Any) -> bool:
    return bool(encoder.handle_unknown != "error")


def _unseen(encoder: Any, unknown: NDArray[np.float64]) -> Unseen:
    """Return what becomes of an unknown word, by the row that it gets."""
    if not _handles_unknown(encoder):
        return Unseen.REFUSE
    return Unseen.BIN if class_of(encoder) == "OrdinalEncoder" or unknown.any() else Unseen.ZEROS


def _table(encoder: Any, at: int) -> NDArray[np.float64]:
    """Return the rows for the unknown and for each category, from the encoder itself."""
    columns = encoder.categories_
    asked = [_no_category(columns[at])] if _handles_unknown(encoder) else []
    asked += list(columns[at])
    probe = np.empty((len(asked), len(columns)), dtype=object)
    for other, categories in enumerate(columns):
        probe[:, other] = [categories[0]] * len(asked)
    probe[:, at] = asked
    is_ordinal = class_of(encoder) == "OrdinalEncoder"
    widths = [1] * len(columns) if is_ordinal else list(encoder._n_features_outs)
    first = sum(widths[:at])
    rows = _transformed(encoder, probe)[:, first : first + widths[at]]
    if _handles_unknown(encoder):
        return rows
    return np.concatenate([np.full((1, widths[at]), np.nan), rows])  # the device refuses them


def _no_category(categories: NDArray[Any]) -> str:
    word = "\x00unseen"
    while word in list(categories):
        word += "\x00"
    return word


def _transformed(encoder: Any, probe: NDArray[Any]) -> NDArray[np.float64]:
    names = getattr(encoder, "feature_names_in_", None)
    rows: Any = probe
    if names is not None:
        import pandas as pd  # an encoder that was fitted on a frame wants one

        rows = pd.DataFrame(probe, columns=list(names))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an unknown word is asked on purpose
        given = encoder.transform(rows)
    return np.asarray(given.toarray() if hasattr(given, "toarray") else given, np.float64)
