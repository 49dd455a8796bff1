"""From tables to a set: every row of some files becomes features, for a model that takes rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from edgefeat.corpus.summary import CorpusStep, Ending, Summary
from edgefeat.errors import EdgefeatError, OptionError, RowError
from edgefeat.messages.warn import warn_caller
from edgefeat.options.many import ManyOptions, OnError
from edgefeat.rows.files import FileRow, TableFile, is_table
from edgefeat.rows.reader import RowReader
from edgefeat.sets.info import SetInfo
from edgefeat.sets.record import Failure, FeatureRecord

if TYPE_CHECKING:
    from edgefeat.arrays import Features
    from edgefeat.extractor import FeatureExtractor
    from edgefeat.sets.formats import OutputPlan
    from edgefeat.sets.sink import Sink

__all__ = ["extract_tables"]

_MANY = ManyOptions()
_ROWS_AT_ONCE = 1024


def extract_tables(
    sources: Sequence[str],
    output: OutputPlan,
    extractor: FeatureExtractor,
    *,
    key: str | None = None,
    many: ManyOptions = _MANY,
    on_step: Callable[[CorpusStep], object] = lambda _step: None,
    stop: Callable[[], bool] = lambda: False,
) -> Summary:
    """Write the features of all rows of some tables to a set.

    Args:
        sources: CSV and Parquet files.
        output: Where the features go.
        extractor: A model that takes rows alone.
        key: The column that names rows; None calls them `FILE#0`, `FILE#1`, ...
        many: How many rows at a time, and what a bad one does to the rest.
        on_step: Called after each row.
        stop: Asked after each row whether to leave out the rest.

    Raises:
        OptionError: A source is no table, or an option does not apply to tables.
        SourceError: A table cannot be read.
        SinkError: The output is there already, or cannot be written.
    """
    if output.options.sync:
        raise OptionError("applies to pictures alone", option="sync")
    tables = [_opened(source, extractor, key) for source in sources]
    info = SetInfo.of(extractor, output.options.store)
    with output.open(info, batch=many.batch or _ROWS_AT_ONCE) as sink:
        run = _Run(extractor, sink, many, on_step, stop)
        ending = run.over(tables)
        if ending is Ending.DONE:
            sink.commit()
        else:
            sink.keep()
        written = sink.summary()
    return Summary(
        output=output.output,
        info=info,
        rows=written.rows,
        resumed=written.resumed,
        failures=max(written.failures, len(run.failed)),
        failed=tuple(run.failed),
        damaged=0,
        not_taken=(),
        excluded=0,
        excluded_by_default=0,
        useless_excludes=(),
        repeated=run.repeated,
        changes=None,
        synced=False,
        ending=ending,
        loss=written.loss if written.rows else None,
        seconds=time.monotonic() - run.started_s,
    )


class _Run:
    def __init__(
        self,
        extractor: FeatureExtractor,
        sink: Sink,
        many: ManyOptions,
        tell: Callable[[CorpusStep], object],
        stop: Callable[[], bool],
    ) -> None:
        self.started_s = time.monotonic()
        self._extractor, self._sink, self._many = extractor, sink, many
        self._tell, self._stop = tell, stop
        self.failed: list[Failure] = []
        self.repeated = 0
        self._seen: set[str] = set()

    def over(self, tables: Sequence[TableFile]) -> Ending:
        """Take every row to the sink that it does not have."""
        names = dict.fromkeys(_name(table, row) for table in tables for row in table)
        todo = set(self._sink.pending(list(names)))
        done, index = len(names) - len(todo), 0
        for table in tables:
            for row, outcome in self._outcomes(table, todo):
                name, failure = _name(table, row), None
                if isinstance(outcome, EdgefeatError):
                    failure = Failure(path=name, reason=str(outcome))
                    self.failed.append(failure)
                    if self._many.on_error is OnError.STOP:
                        return Ending.FAILURE
                    self._sink.fail(failure)
                else:
                    record = FeatureRecord(
                        name=name,
                        index=index,
                        features=outcome,
                        fingerprint=self._extractor.fingerprint,
                    )
                    self._sink.write(record)
                    index += 1
                done += 1
                self._tell(CorpusStep(path=name, failure=failure, done=done, total=len(names)))
                if self._stop():
                    return Ending.ASKED
        return Ending.DONE

    def _outcomes(
        self, table: TableFile, todo: set[str]
    ) -> Iterator[tuple[FileRow, Features | EdgefeatError]]:
        """Yield the rows of a table that are still to be done, each name once."""
        remaining = iter(table)
        while group := list(islice(remaining, _ROWS_AT_ONCE)):
            wanted = []
            for row in group:
                if (name := _name(table, row)) in todo:
                    todo.discard(name)
                    wanted.append(row)
                else:  # there before, or named twice
                    self.repeated += name in self._seen
                self._seen.add(name)
            values = [row.values for row in wanted if row.fault is None]
            found = self._extractor.iter_features(values, on_error="skip", batch=self._many.batch)
            for row in wanted:
                outcome = next(found) if row.fault is None else row.fault
                if isinstance(outcome, RowError):  # its place in the file
                    column = outcome.column
                    outcome.where = None if column is None else f"column {column!r}"
                    outcome.at(row.number)
                yield row, outcome


def _name(table: TableFile, row: FileRow) -> str:
    return f"{table.path}#{row.number}" if row.key is None else row.key


def _opened(source: str, extractor: FeatureExtractor, key: str | None) -> TableFile:
    if not is_table(source):
        raise OptionError(
            f"expected tables (.csv, .tsv, .parquet), for the model takes rows alone; got "
            f"{source!r}",
            option="sources",
        )
    table = TableFile(source, RowReader(extractor.spec.columns).columns, key=key)
    for note in table.notes:
        warn_caller(note, UserWarning)
    if table.ignored:
        warn_caller(
            f"{source}: columns that the model does not take are left out: "
            f"{', '.join(table.ignored)}",
            UserWarning,
        )
    return table
