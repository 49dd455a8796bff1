"""Many rows through one graph: texts of like length together, every result in its own place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import RowError
from edgefeat.model.columns import UNSEEN_OUTPUT
from edgefeat.record import Record
from edgefeat.rows.given import as_table, check_columns, iter_rows
from edgefeat.rows.reader import Checked, Feed, RowReader
from edgefeat.rows.unseen import UnseenCounter

__all__ = ["Answered", "Outputs", "RowRunner", "one_by_one", "parts_of"]

Outputs = dict[str, NDArray[Any]]
Result = TypeVar("Result")
Run: TypeAlias = Callable[[Sequence[str], Feed], list[NDArray[Any]]]
ROWS_AT_ONCE = 1024
# A graph looks at N x longest cells of characters. One text of 10,000 among short ones would make
# each of them as dear, so texts go by powers of two, and never more cells than this at once.
_CELLS_AT_ONCE = 1 << 14


class Answered(Record):
    """Some rows with what the graph gave for them.

    Args:
        outputs: The outputs of the rows that ran, by name: `(n, ...)`; empty if none ran.
        places: The positions of these rows among these `count`.
        errors: What is wrong with the others, by position; some of them may have run.
        count: How many rows these are.
    """

    outputs: Outputs
    places: NDArray[np.int64]
    errors: Mapping[int, RowError]
    count: int

    def in_order(self, result: Callable[[int], Result]) -> Iterator[Result | RowError]:
        """Yield the result of every row, or the error in its place.

        Args:
            result: Returns the result of a row that ran: which one of `outputs` it is.
        """
        ran = {place: row for row, place in enumerate(self.places.tolist())}
        for place in range(self.count):
            error = self.errors.get(place)
            yield result(ran[place]) if error is None else error


class RowRunner:
    """Runs rows and gives each its outputs, or the error that stands for them.

    Args:
        reader: Turns rows into inputs.
        unseen: Counts categories that the model never saw; None where no column has any.
        run: Runs the graph: names of outputs and inputs to arrays with a row each.
        names: The outputs that are wanted.
        finite: The outputs among them that must be finite numbers.
    """

    def __init__(
        self,
        reader: RowReader,
        unseen: UnseenCounter | None,
        run: Run,
        *,
        names: Sequence[str],
        finite: Sequence[str],
    ) -> None:
        self._reader, self._unseen, self._run = reader, unseen, run
        self._names, self._finite = list(names), tuple(finite)
        counts = unseen is not None and bool(unseen.counts)
        self._asked = [*self._names, UNSEEN_OUTPUT] if counts else self._names

    def one(self, given: Any, beside: Feed | None = None) -> Outputs:
        """Return a row's outputs, each `(1, ...)`.

        Args:
            given: The row.
            beside: Further inputs of the graph, such as a picture, `(1, ...)` each.

        Raises:
            RowError: The row does not fit, or the model gives no numbers for it.
        """
        outputs, errors = self._outputs(self._reader.one(given) | (beside or {}))
        for error in errors.values():
            raise error
        return outputs

    def several(
        self, checked: Checked, beside: Feed | None = None
    ) -> tuple[Outputs, dict[int, RowError]]:
        """Return the outputs of rows that were looked at, and further errors.

        Args:
            checked: The rows.
            beside: Further inputs of the graph, one for each row that fits.

        Returns:
            The outputs of the rows that fit, `(n, ...)` each, and errors by position among all.
        """
        feed = checked.feed | (beside or {})
        count = len(checked.places)
        errors = dict(checked.errors)
        found: dict[str, Any] = {}
        for part in _alike(checked.lengths, count):
            whole = len(part) == count
            outputs, wrong = self._outputs(
                feed if whole else {name: array[part] for name, array in feed.items()}
            )
            errors |= {int(checked.places[part[row]]): error for row, error in wrong.items()}
            if whole:
                return outputs, errors
            for name, array in outputs.items():
                if name not in found:
                    found[name] = np.empty((count, *array.shape[1:]), array.dtype)
                found[name][part] = array
        return found, errors

    def parts(self, rows: Any, *, at_once: int | None = None) -> Iterator[Answered]:
        """Yield some rows at a time with their outputs and errors, in order.

        Args:
            rows: See `parts_of`.
            at_once: Rows in one inference; None takes what suits.
        """
        start = 0
        for checked, count in parts_of(rows, self._reader, at_once or ROWS_AT_ONCE):
            outputs, errors = self.several(checked)
            errors = {place: error.at(start + place) for place, error in errors.items()}
            yield Answered(outputs=outputs, places=checked.places, errors=errors, count=count)
            start += count

    def _outputs(self, feed: Feed) -> tuple[Outputs, dict[int, RowError]]:
        """Run the graph; name the rows that a rule refuses or that have no finite features."""
        outputs = dict(zip(self._asked, self._run(self._asked, feed), strict=True))
        errors: dict[int, RowError] = {}
        if self._unseen is not None and UNSEEN_OUTPUT in outputs:
            errors = self._unseen.refused(feed, outputs.pop(UNSEEN_OUTPUT))
        for name in self._finite:
            flat = outputs[name].reshape(len(outputs[name]), -1)
            if flat.dtype.kind == "i":
                for row in np.flatnonzero(flat[:, 0] < 0):
                    errors.setdefault(int(row), _no_label(name))
                continue
            sums = flat.sum(axis=1, dtype=np.float64)
            if not np.isfinite(sums).all():
                for row in np.flatnonzero(~np.isfinite(flat).all(axis=1)):
                    errors.setdefault(int(row), _not_finite(name))
        return outputs, errors


def parts_of(rows: Any, reader: RowReader, at_once: int) -> Iterator[tuple[Checked, int]]:
    """Yield rows looked at, some at a time, with how many there were.

    Args:
        rows: Rows one by one, from an iterable that may never end; or a table: a mapping of
            columns, a frame, a structured array.
        reader: Looks at them.
        at_once: How many at a time.

    Raises:
        RowError: They have no rows, or a table lacks a column.

    Warns:
        UserWarning: A frame has columns that the model does not know; they are left out.
    """
    table = as_table(rows, reader.columns)
    if table is None:
        remaining = iter_rows(rows)
        while group := list(islice(remaining, at_once)):
            yield reader.several(group), len(group)
        return
    unknown = check_columns(table, reader.columns)
    if unknown:
        _tell_left_out(unknown)
    for start in range(0, len(table), at_once):
        part = table.part(start, start + at_once)
        yield reader.table(part), len(part)


def one_by_one(rows: Any, reader: RowReader) -> Iterator[Any]:
    """Yield rows one by one, those of a table too; see `parts_of`."""
    table = as_table(rows, reader.columns)
    if table is None:
        yield from iter_rows(rows)
        return
    unknown = set(check_columns(table, reader.columns))
    if unknown:
        _tell_left_out(sorted(unknown))
    known = {name: values for name, values in table.columns.items() if name not in unknown}
    for row in range(len(table)):
        yield {name: values[row] for name, values in known.items()}


def _alike(lengths: NDArray[np.int64] | None, count: int) -> Iterable[NDArray[np.int64]]:
    """Return positions of rows to run together: their texts are of like length, and not too many.

    Args:
        lengths: Characters of each row's longest text; None without texts.
        count: How many rows there are.
    """
    everything = np.arange(count)
    if lengths is None:
        return [everything] if count else []
    groups: dict[int, list[int]] = {}
    for row, length in enumerate(lengths.tolist()):
        groups.setdefault(max(length, 16).bit_length(), []).append(row)
    found = []
    for bits, rows in sorted(groups.items()):
        size = max(1, _CELLS_AT_ONCE >> bits)
        found += [np.array(rows[at : at + size]) for at in range(0, len(rows), size)]
    return found


def _not_finite(output: str) -> RowError:
    return RowError(
        f"expected finite numbers, and the model's output {output!r} has NaN or infinity for this "
        "row",
        expected="finite numbers",
        remedy="An empty text, a whole number that the model does not know, or a missing value "
        "that it cannot take may give that: fill it in or leave the row out.",
    )


def _no_label(output: str) -> RowError:
    return RowError(
        f"the model gives no {output!r} for this row: a step of it makes NaN or infinity",
        expected="values that each step can take",
        remedy="A logarithm of a number below 0 may do that: correct the value or leave the row "
        "out.",
    )


def _tell_left_out(names: Sequence[str]) -> None:
    from edgefeat.messages.warn import warn_caller

    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    warn_caller(
        f"the table has columns that the model does not take, and they are left out: "
        f"{', '.join(names[:8])}{more}",
        UserWarning,
    )
