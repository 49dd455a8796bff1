"""What must hold of a graph of columns before its file may exist, on rows made by rule.

Finite values first: a network whose every weight is NaN agrees with anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgefeat.measures import agreement
from edgefeat.model.spec import Parity
from edgefeat_export.columns.column import KerasColumn
from edgefeat_export.columns.reference import GraphRun, TableReference
from edgefeat_export.columns.ruled_rows import Arrays, Awkward, awkward_rows, ordinary_rows
from edgefeat_export.errors import VerificationError
from edgefeat_export.proof import parity

__all__ = ["Verified", "finite_rows", "measure", "rows_text", "verify"]

_ORDINARY: Final = 160
_ALONE: Final = 8
_MOST_DIFFERENCE: Final = 1e-5
_SMALLEST: Final = 1e-12
Features = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was found on rows made by rule.

    Attributes:
        rows: The ordinary ones for which Keras gives features: one array a column.
        takes_nan: The columns of numbers in which NaN gives features.
        without_features: Rows, such as one with an empty text, for which Keras itself gives no
            numbers, as a text for people.
    """

    rows: Arrays
    takes_nan: frozenset[str]
    without_features: tuple[str, ...]


def verify(
    run: GraphRun, reference: TableReference, columns: Sequence[KerasColumn], *, file: str
) -> Verified:
    """Compare a graph with Keras on rows made by rule, ordinary and awkward ones.

    Args:
        run: The graph, without a reduction behind it: there a large number may overflow.
        reference: What it was made from.
        columns: The graph's columns, after every layer was written.
        file: What messages call it.

    Raises:
        VerificationError: Keras gives numbers that are not finite for most ordinary rows, the
            graph differs on an awkward row, or a row's features depend on the rows beside it.
    """
    guessed = ordinary_rows(columns, _ORDINARY)
    finite = finite_rows(reference, guessed)
    ordinary = [array[finite] for array in guessed]
    if finite.sum() * 2 < len(finite):
        ordinary = guessed  # something is wrong with the network, and the measurement says what
    measure(run, reference, ordinary, columns, file=file)
    lost = [rows_text(guessed, columns, int(row)) for row in np.flatnonzero(~finite)]
    cases, rows = awkward_rows(columns)
    pairs = _both(run, reference, rows) if cases else []
    lacking = _compare_awkward(cases, pairs, file)
    _require_alone(run, reference, ordinary, file)
    refused = {case.column for case in lacking if case.missing}
    return Verified(
        rows=ordinary,
        takes_nan=frozenset(case.column for case in cases if case.missing) - refused,
        without_features=(
            *(f"{case.column}={case.value!r}" for case in lacking if not case.missing),
            *lost,
        ),
    )


def finite_rows(reference: TableReference, rows: Arrays) -> NDArray[np.bool_]:
    """Return for which rows Keras gives numbers: a logarithm of -1, say, is none.

    Args:
        reference: Keras's features.
        rows: One array a column.

    Returns:
        bool (N,).
    """
    each = [np.isfinite(one).all(axis=1) for one in reference.features(rows)]
    together: NDArray[np.bool_] = np.logical_and.reduce(each)
    return together


def measure(
    run: GraphRun,
    reference: TableReference,
    rows: Arrays,
    columns: Sequence[KerasColumn],
    *,
    file: str,
) -> dict[str, Parity]:
    """Return how near the graph comes to Keras on rows, for each output.

    Args:
        run: The graph.
        reference: What it was made from.
        rows: One array a column.
        columns: The graph's columns.
        file: What messages call it.

    Raises:
        VerificationError: Features that are not finite, or dead.
    """
    found: dict[str, Parity] = {}
    names = [output.name for output in reference.headless.outputs]
    for name, (wanted, ours) in zip(names, _both(run, reference, rows), strict=True):
        where = f"{file}: output {name!r}"
        _require_finite(wanted, rows, columns, where)
        live = parity.require_alive(where, name, wanted, reference.name, what="rows")
        if not np.isfinite(ours).all():
            raise VerificationError(
                "it holds numbers that are not finite, where those of Keras are",
                where=where,
                remedy="Report this: it is a fault of the exporter.",
                reasons=[{"output": name, "gate": "finite", "needed": 1.0, "got": 0.0}],
            )
        found[name] = parity.figures(ours, wanted, live, rows=len(wanted))
    return found


def rows_text(rows: Arrays, columns: Sequence[KerasColumn], row: int) -> str:
    """Return a row for people: `age=41.0, city='Rome'`.

    Args:
        rows: One array a column.
        columns: The columns.
        row: The row's position.
    """
    parts = []
    for column, array in zip(columns, rows, strict=True):
        values = array[row].tolist()
        parts.append(f"{column.name}={values[0] if len(values) == 1 else values!r}")
    text = ", ".join(parts)
    return text if len(text) <= 200 else f"{text[:200]}..."


def _both(
    run: GraphRun, reference: TableReference, rows: Arrays
) -> list[tuple[Features, Features]]:
    names = [output.name for output in reference.headless.outputs]
    return list(zip(reference.features(rows), run.features(rows, names), strict=True))


def _require_finite(
    wanted: Features, rows: Arrays, columns: Sequence[KerasColumn], where: str
) -> None:
    bad = np.flatnonzero(~np.isfinite(wanted).all(axis=1))
    if len(bad):
        raise VerificationError(
            f"Keras itself gives numbers that are not finite for {len(bad)} of {len(wanted)}"
            f" ordinary rows, such as {rows_text(rows, columns, int(bad[0]))}",
            where=where,
            remedy="Check the weights: one row whose loss is NaN, such as an empty text under a"
            " mask, makes them all NaN.",
            reasons=[{"gate": "finite", "needed": len(wanted), "got": len(wanted) - len(bad)}],
        )


def _compare_awkward(
    cases: Sequence[Awkward], pairs: Sequence[tuple[Features, Features]], file: str
) -> list[Awkward]:
    """Hold awkward rows to Keras, NaN by NaN; return those for which Keras gives no numbers."""
    lacking = []
    for row, case in enumerate(cases):
        finite = all(bool(np.isfinite(wanted[row]).all()) for wanted, _ in pairs)
        agree = all(_agree(wanted[row], ours[row]) for wanted, ours in pairs)
        # Numbers that overflow, and NaN: their maximum with 0 is NaN in Keras, and 0 elsewhere.
        forgiven = case.missing or (case.number and not finite)
        if not finite or (case.missing and not agree):
            lacking.append(case)
        if not agree and not forgiven:
            raise VerificationError(
                f"with {case.column}={case.value!r} its features differ from Keras's",
                where=file,
                remedy="Report this: it is a fault of the exporter.",
                reasons=[{"gate": "awkward", "column": case.column, "value": repr(case.value)}],
            )
    return lacking


def _agree(wanted: Features, ours: Features) -> bool:
    finite = np.isfinite(wanted)
    if not np.array_equal(wanted[~finite], ours[~finite], equal_nan=True):
        return False
    size = float(np.linalg.norm(wanted[finite].astype(np.float64)))
    off = float(np.linalg.norm((wanted[finite] - ours[finite]).astype(np.float64)))
    return off <= _MOST_DIFFERENCE * max(size, _SMALLEST)


def _require_alone(run: GraphRun, reference: TableReference, rows: Arrays, file: str) -> None:
    """Refuse a network in which a row's features depend on the rows beside it."""
    names = [output.name for output in reference.headless.outputs]
    few = [array[:_ALONE] for array in rows]
    together = run.features(few, names)
    for row in range(len(few[0])):
        alone = run.features([array[row : row + 1] for array in few], names)
        for name, one, all_rows in zip(names, alone, together, strict=True):
            off = agreement.relative_l2(all_rows[row : row + 1], one)[0]
            if not off <= _MOST_DIFFERENCE:
                raise VerificationError(
                    "a row's features depend on the rows beside it: a text is padded to the"
                    " longest of its batch, and the padding is counted",
                    where=f"{file}: output {name!r}",
                    remedy="Set output_sequence_length of the TextVectorization, or mask_zero=True"
                    " of the Embedding, and train again.",
                    reasons=[{"output": name, "gate": "alone", "got": float(off)}],
                )
