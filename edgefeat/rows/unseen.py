"""Categories that the model never saw: counted, told once a column, or refused by rule."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import ModelError, RowError, UnseenWarning
from edgefeat.model.columns import CategoryInput, Unseen
from edgefeat.rows.reader import Feed
from edgefeat.rows.values import shown

__all__ = ["UnseenCounter"]

Counts = NDArray[np.int64]
_TAKEN_FOR = {
    Unseen.BIN: "they share one bin",
    Unseen.ZEROS: "they are all zeros",
    Unseen.HASH: "each has a place by its hash",
}


class UnseenCounter:
    """Reads the graph's counts of unseen categories.

    Args:
        categories: The model's category columns, in order.
        count: Runs the graph for some rows; returns its output `unseen`: `(N, categories)`. None
            where the graph has no such output.
        where: Path of the model, for messages.

    Attributes:
        counts: How many values of each column the model never saw, so far.

    Raises:
        ModelError: Unseen categories are to be refused, and the graph does not tell them.
    """

    def __init__(
        self,
        categories: Sequence[CategoryInput],
        count: Callable[[Feed], Counts] | None,
        *,
        where: str,
    ) -> None:
        self._categories, self._count = tuple(categories), count
        self.counts = {one.name: 0 for one in categories if count is not None}
        for one in categories:
            if one.unseen is Unseen.REFUSE and count is None:
                raise ModelError(
                    f"column {one.name!r} refuses unseen categories, and the graph has no output "
                    "'unseen' that tells them",
                    where=where,
                    remedy="Export it again.",
                )

    def refused(self, feed: Feed, unseen: Counts) -> dict[int, RowError]:
        """Count unseen categories, and return an error for each row that has one by no rule.

        Args:
            feed: The inputs of some rows.
            unseen: The graph's counts for them.

        Warns:
            UnseenWarning: A column has one for the first time.
        """
        errors: dict[int, RowError] = {}
        if not unseen.any():
            return errors
        for number, column in enumerate(self._categories):
            rows = np.flatnonzero(unseen[:, number])
            if not len(rows):
                continue
            first_time = not self.counts[column.name]
            self.counts[column.name] += int(unseen[rows, number].sum())
            if column.unseen is Unseen.REFUSE:
                for row in rows:
                    value = self._culprit(column, number, feed, int(row))
                    errors.setdefault(int(row), self._error(column, number, feed, int(row), value))
            elif first_time:
                self._warn(column, number, feed, int(rows[0]))
        return errors

    def _error(
        self, column: CategoryInput, number: int, feed: Feed, row: int, value: str
    ) -> RowError:
        expected = f"one of the {column.values} values that this model knows"
        return RowError(
            f"{shown(value)} is none of the {column.values} values that this model knows",
            column=column.name,
            value=value,
            expected=expected,
            remedy=self._hint(column, number, feed, row, value) or "Give a value that it knows.",
        )

    def _warn(self, column: CategoryInput, number: int, feed: Feed, row: int) -> None:
        from edgefeat.messages.warn import warn_caller

        value = self._culprit(column, number, feed, row)
        hint = self._hint(column, number, feed, row, value)
        warn_caller(
            UnseenWarning(
                f"{shown(value)} is none of the {column.values} values that this model knows; "
                f"{_TAKEN_FOR[column.unseen]}",
                where=f"column {column.name!r}",
                remedy=f"{hint} It is told once and counted."
                if hint
                else "It is told once and counted.",
            )
        )

    def _culprit(self, column: CategoryInput, number: int, feed: Feed, row: int) -> str:
        """Return the value that the model does not know, where a row has several."""
        values = feed[column.name][row]
        for value in values if len(values) > 1 else ():
            if self._is_unseen(column, number, feed, row, [value] * len(values)):
                return str(value)
        return str(values[0])

    def _hint(
        self, column: CategoryInput, number: int, feed: Feed, row: int, value: str
    ) -> str | None:
        """Return what is known instead, if another spelling of the value is."""
        for what, spell in _SPELLINGS.items():
            other = spell(value)
            if other == value:
                continue
            tried = [other] * column.size
            if not self._is_unseen(column, number, feed, row, tried):
                return f"It knows {shown(other)}, {what}: spell it as in training."
        return None

    def _is_unseen(
        self, column: CategoryInput, number: int, feed: Feed, row: int, values: list[str]
    ) -> bool:
        tried: dict[str, Any] = {name: array[row : row + 1] for name, array in feed.items()}
        tried[column.name] = np.array([values], np.object_)
        count = self._count
        return count is None or bool(count(tried)[0, number])


_SPELLINGS: dict[str, Callable[[str], str]] = {
    "without blanks around it": str.strip,
    "with composed letters (NFC)": lambda text: unicodedata.normalize("NFC", text),
    "with decomposed letters (NFD)": lambda text: unicodedata.normalize("NFD", text),
    "in small letters": str.lower,
    "in capitals": str.upper,
    "with a capital at the start": str.capitalize,
    "with a capital at the start of each word": str.title,
}
