"""From pictures and a table to a file of predictions: the whole run, as the command does it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from edgefeat import atomic
from edgefeat.corpus.at_hand import AtHand, Picture
from edgefeat.corpus.reading import ReadingExtractor
from edgefeat.corpus.summary import CorpusStep, NotTaken, not_taken
from edgefeat.errors import EdgefeatError, OptionError, RowError
from edgefeat.listing.listing import Listing
from edgefeat.many.in_order import map_in_order
from edgefeat.options.corpus import OnDamaged
from edgefeat.predicting.pairing import Pairing
from edgefeat.predicting.writing import Writer
from edgefeat.prediction import Prediction
from edgefeat.rows.files import FileRow, TableFile, is_table
from edgefeat.rows.reader import RowReader
from edgefeat.rows.values import shown
from edgefeat.sets.names import encode_name
from edgefeat.sets.record import Failure

if TYPE_CHECKING:
    from edgefeat.predictor import Predictor

__all__ = ["Predicted", "predict_sources", "write_ledger"]

Told = Callable[[CorpusStep], object]
_ROWS_AT_ONCE = 1024


@dataclass(kw_only=True)
class Predicted:
    """What a run over pictures or rows left behind.

    Attributes:
        predictions: How many there are.
        labels: How many pictures or rows have each label.
        failed: What gave no prediction, and why, each as a line of the ledger.
        damaged: Pictures that were damaged, and answered all the same.
        notes: What was guessed, left out or not used, as sentences.
        not_taken: Files that are no pictures, by kind.
        unseen: Categories that the model never saw, by column.
        stopped: Whether it was asked to stop before the end.
    """

    predictions: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    failed: list[dict[str, Any]] = field(default_factory=list)
    damaged: int = 0
    notes: list[str] = field(default_factory=list)
    not_taken: tuple[NotTaken, ...] = ()
    unseen: Mapping[str, int] = field(default_factory=dict)
    stopped: bool = False


def predict_sources(
    sources: Sequence[str],
    predictor: Predictor,
    writer: Writer,
    *,
    rows: str | None = None,
    key: str | None = None,
    workers: int | None = None,
    on_step: Told = lambda _step: None,
    stop: Callable[[], bool] = lambda: False,
) -> Predicted:
    """Predict for pictures, for pictures with rows, or for rows of tables, and write what comes.

    Args:
        sources: Files, folders, patterns and archives of pictures; tables for a model that takes
            rows alone.
        predictor: Gives the answers.
        writer: Takes them, in order; committed here.
        rows: The table with a row for each picture.
        key: The column of this table that names pictures; of a table in `sources`, the column that
            names rows.
        workers: Pictures worked on at once; None takes one for each core, up to 4.
        on_step: Called after each picture or row.
        stop: Asked after each whether to leave out the rest.

    Raises:
        OptionError: Table and pictures do not go with the model.
        SourceError: A table cannot be read.
        SinkError: The output cannot be written.
    """
    run = _Run(predictor, writer, on_step, stop)
    if predictor.spec.picture is None:
        if rows is not None:
            raise OptionError(
                "does not apply: the model takes rows alone", option="rows",
                remedy="Name the table as a source.",
            )  # fmt: skip
        run.tables(sources, key)
    else:
        run.pictures(sources, rows, key, workers)
    run.done.unseen = predictor.unseen
    writer.commit()
    return run.done


def write_ledger(place: Path, failed: Sequence[Mapping[str, Any]]) -> None:
    """Write what failed, a JSON object a line; without failures there is no such file.

    Raises:
        SinkError: It cannot be written.
    """
    if failed:
        lines = "".join(json.dumps(line) + "\n" for line in failed)
        atomic.write_bytes(place, lines.encode())
    else:
        with suppress(FileNotFoundError):
            place.unlink()


class _Run:
    def __init__(
        self, predictor: Predictor, writer: Writer, tell: Told, stop: Callable[[], bool]
    ) -> None:
        self._predictor, self._writer = predictor, writer
        self._tell, self._stop = tell, stop
        self.done = Predicted()
        self._count = 0

    def pictures(
        self, sources: Sequence[str], rows: str | None, key: str | None, workers: int | None
    ) -> None:
        """Predict for every picture that the sources name."""
        pairing = self._pairing(rows, key)
        with Listing() as listing:
            listing.add(sources)
            at_hand = AtHand(listing, (), None)
            for where, error in listing.failures:
                self._fail(where, error, total=len(at_hand.names), counts=False)
            reading = ReadingExtractor(self._predictor.extractor, OnDamaged.KEEP)

            def work(name: str) -> tuple[Picture, Prediction | EdgefeatError]:
                picture, row = at_hand.picture(name), None
                try:
                    row = None if pairing is None else pairing.row_of(name)
                    pixels = reading.prepare(cast("Any", picture))
                    values = None if row is None else row.values
                    return picture, self._predictor.predict_prepared(pixels, values)
                except RowError as error:
                    return picture, error if row is None else error.at(row.number)
                except EdgefeatError as error:
                    return picture, error.with_traceback(None)

            count = workers or self._predictor.extractor.usual_workers
            with closing(map_in_order(work, at_hand.names, workers=count, ahead=4)) as outcomes:
                for picture, outcome in outcomes:
                    self._take(picture.name, outcome, len(at_hand.names), damage=picture.damage)
                    if self._stop():
                        self.done.stopped = True
                        break
            self.done.not_taken = not_taken(listing.tally)
            if at_hand.repeated:
                self.done.notes.append(f"{at_hand.repeated} named more than once, and done once.")
        if pairing is not None and pairing.unused and not self.done.stopped:
            self.done.notes.append(
                f"{pairing.unused} of {pairing.rows} rows of {rows} belong to none of the pictures."
            )

    def tables(self, sources: Sequence[str], key: str | None) -> None:
        """Predict for every row of some tables."""
        for source in sources:
            if not is_table(source):
                raise OptionError(
                    f"expected tables (.csv, .tsv, .parquet), for the model takes rows alone; got "
                    f"{source!r}",
                    option="sources",
                )
        for source in sources:
            table = self._opened(source, key)
            remaining = iter(table)
            while group := list(islice(remaining, _ROWS_AT_ONCE)):
                for row, outcome in zip(group, self._of_group(group), strict=True):
                    name = f"{source}#{row.number}" if row.key is None else row.key
                    self._take(name, outcome, 0)
                if self._stop():
                    self.done.stopped = True
                    return

    def _of_group(self, group: list[FileRow]) -> Iterator[Prediction | EdgefeatError]:
        usable = [row.values for row in group if row.fault is None]
        found = iter(self._predictor.iter_predictions(usable, on_error="skip"))
        for row in group:
            outcome = next(found) if row.fault is None else row.fault
            if isinstance(outcome, RowError):  # its place in the file, not among the usable ones
                outcome.where = None if outcome.column is None else f"column {outcome.column!r}"
                outcome.at(row.number)
            yield outcome

    def _pairing(self, rows: str | None, key: str | None) -> Pairing | None:
        if not self._predictor.spec.columns:
            for option, given in (("rows", rows), ("key", key)):
                if given is not None:
                    raise OptionError(
                        "does not apply: the model takes a picture alone", option=option
                    )
            return None
        names = ", ".join(column.name for column in self._predictor.spec.columns)
        if rows is None:
            raise OptionError(
                f"expected a table with a row for each picture: the model takes {names} beside it",
                option="rows",
                remedy="Name it with {option}.",
            )
        if key is None:
            raise OptionError(
                "expected the column of the table that names the pictures' files", option="key"
            )
        return Pairing(self._opened(rows, key), key)

    def _opened(self, path: str, key: str | None) -> TableFile:
        table = TableFile(path, RowReader(self._predictor.spec.columns).columns, key=key)
        self.done.notes += table.notes
        if table.ignored:
            self.done.notes.append(
                f"{path}: columns that the model does not take are left out: "
                f"{', '.join(table.ignored)}."
            )
        return table

    def _take(
        self,
        name: str,
        outcome: Prediction | EdgefeatError,
        total: int,
        *,
        damage: str | None = None,
    ) -> None:
        self._count += 1
        if isinstance(outcome, EdgefeatError):
            self._fail(name, outcome, total=total)
            return
        self._writer.write(name, outcome)
        self.done.predictions += 1
        self.done.damaged += damage is not None
        if outcome.label is not None:
            self.done.labels[outcome.label] += 1
        self._tell(
            CorpusStep(
                path=name, failure=None, done=self._count, total=max(total, self._count),
                damage=damage,
            )
        )  # fmt: skip

    def _fail(self, name: str, error: EdgefeatError, *, total: int, counts: bool = True) -> None:
        reason = str(error) if isinstance(error, RowError) else error.reason
        line: dict[str, Any] = {"path": encode_name(name), "reason": reason}
        if isinstance(error, RowError):
            value = None if error.value is None else shown(error.value)
            line |= {"row": error.row, "column": error.column, "value": value}
        self.done.failed.append(line)
        self._tell(
            CorpusStep(
                path=name,
                failure=Failure(path=name, reason=reason),
                done=self._count,
                total=max(total, self._count),
                counts=counts,
            )
        )
