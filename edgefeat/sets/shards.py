"""A folder of shards that survives a kill at any moment.

    OUT/manifest.json                    what belongs to the set; written last, after every shard
    OUT/shard-00000-HASH.npy             vectors (n, D), or maps (n, H, W, C)
    OUT/shard-00000-HASH.scales.npy      float32 (n,), where numbers are int8
    OUT/shard-00000.output-0-HASH.npy    in their place, where several outputs are kept: one file
                                         for each, in the manifest's order
    OUT/shard-00000-HASH.paths.json      what the rows are called
    OUT/shard-00000-HASH.files.json      size, time of change and hash of their files
    OUT/shard-00000-HASH.frames.json     when a stream's frames were taken
    OUT/shard-00001.tail.jsonl           rows since the last shard, one JSON line each
    OUT/spare.tail.jsonl                 the same of a sync that was cut short
    OUT/errors.jsonl                     the pictures that gave no features or are damaged, and why

A shard covers a fixed number of pictures, so that a run that was killed and resumed cuts where one
that never stopped does, and the two folders are equal byte for byte. A sync makes the set that a
new run over the folder would make; vectors of unchanged pictures are taken over, and shards that
stay the same are not touched. A stream's frames cannot be had again: they are in the tail at once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from edgefeat.errors import OptionError, SinkError
from edgefeat.options.output import Store
from edgefeat.sets.folder import SPARE_TAIL, SetFolder, tail_name
from edgefeat.sets.frames import frame_facts
from edgefeat.sets.info import SetInfo
from edgefeat.sets.json_lines import JsonLinesStreamSink, read_lines
from edgefeat.sets.manifest import LEDGER, FileRecord, Manifest, ShardRecord
from edgefeat.sets.record import Failure, FeatureRecord, damage_line
from edgefeat.sets.shard_files import Row, write_shard
from edgefeat.sets.sink import SinkBase, SinkSummary
from edgefeat.sets.stamps import Look
from edgefeat.sets.stock import Stock
from edgefeat.sets.tail import LooseRow, Tail, cut_tail
from edgefeat.sets.target import (
    FAILED,
    LOOSE,
    TODO,
    Changes,
    Target,
    changes_in_step,
    changes_kept,
)

__all__ = ["ShardSink", "default_shard_sources"]

_SHARD_BYTES = 16 * 2**20
_MAX_SOURCES = 1024


def default_shard_sources(info: SetInfo, batch: int) -> int:
    """Return how many pictures a shard covers: at most 1024 or 16 MiB, in whole batches."""
    fitting = min(_MAX_SOURCES, max(1, _SHARD_BYTES // (4 * info.dim)))
    return max(1, fitting // batch) * batch


class ShardSink(SinkBase):
    """Takes records and failures in order, and commits them a shard at a time.

    Args:
        folder: Made if it is missing; locked while open.
        info: What the rows have in common.
        resume: Whether to go on with a set that is there.
        overwrite: Whether a set that is there goes. Without either one, a set is refused.
        sync: Whether to make a set that is there equal to the pictures that `pending` is given.
        live: Whether records cannot be made again, and so are brought to the disk at once.
        batch: Pictures for each inference, which float models' last digits may depend on.
        shard_size: Pictures a shard covers; None takes the set's own or a default.
        commit_every_s: How long a picture's features may be in memory alone; None is no limit.

    Raises:
        OptionError: `shard_size` is not whole batches.
        SinkError: The folder holds something else, or a set of another fingerprint.
    """

    def __init__(
        self,
        folder: Path,
        info: SetInfo,
        *,
        resume: bool = False,
        overwrite: bool = False,
        sync: bool = False,
        live: bool = False,
        batch: int = 1,
        shard_size: int | None = None,
        commit_every_s: float | None = None,
    ) -> None:
        if shard_size is not None and shard_size % batch:
            raise OptionError(
                f"expected a multiple of the batch of {batch} pictures, got {shard_size}",
                option="shard_size",
            )
        self._folder = SetFolder(
            folder,
            info,
            resume=resume or sync,
            overwrite=overwrite,
            batch=batch,
            shard_sources=shard_size,
            default_sources=default_shard_sources(info, batch),
        )
        self._info, self._live, self._batch = info, live, batch
        self._commit_every_s, self._saved_at_s = commit_every_s, time.monotonic()
        try:
            self._begin(sync and not self._folder.is_new)
        except BaseException:
            self._folder.close()
            raise

    def _begin(self, sync: bool) -> None:
        self._sync = sync
        self._stock = Stock(self._folder, self._info)
        self._built: list[ShardRecord] = []
        self._lines = bytearray()  # lines of the ledger
        self._failed = self._damaged = 0
        self._rows: list[Row] = []
        self._failures: list[Failure] = []
        self._unsaved: list[LooseRow] = []
        self._changes: Changes | None = None
        self._relative_to = self._folder.manifest.relative_to
        self._target, self._at = Target.of_the_set(self._stock), 0
        whole = [one for one in self._stock.shards[: self._stock.set_shards] if one.fault is None]
        self._old_rows_left = sum(one.record.rows for one in whole)
        self._stream_tail: JsonLinesStreamSink | None = None
        if self._live:
            self._go_on_with_a_stream()
        else:
            cut_tail(self._tail_path, len(self._stock.loose))
            cut_tail(self._folder.path / SPARE_TAIL, len(self._stock.spare_loose))
        self._in_tail = sum(row.features is not None for row in self._stock.loose)
        self._resumed = self._folder.manifest.rows + self._in_tail + len(self._rows)

    def names_there(self) -> tuple[Iterator[str], str | None]:
        """Return what the set's pictures are called, and where relative names start from."""
        base = self._folder.manifest.relative_to
        names = self._stock.names()
        if base is None:
            return names, None
        return names, os.path.realpath(self._folder.path / base)

    def pending(self, paths: Sequence[str], look: Look | None = None) -> list[str]:
        """Return the pictures still to be done, each once, in order.

        Raises:
            SinkError: The set is unfinished and was made from other pictures, or nothing of it
                would be left.
        """
        names = list(dict.fromkeys(paths))
        if self._relative_to is None and not all(map(os.path.isabs, names)):
            here = os.path.realpath(self._folder.path)
            self._relative_to = os.path.relpath(os.path.realpath("."), here)
        if self._sync and look is not None:
            self._refuse_to_empty(names)
            self._target = Target.in_step(names, self._stock, look)
            self._changes = changes_in_step(names, self._target, self._stock)
            self._resumed = len(names) - len(self._target.todo())
            return self._target.todo()
        if not self._folder.is_new:
            self._refuse_strange_names(names)
            self._changes = changes_kept(names, self._stock, look)
        known = set(self._target.names)
        for name in names:
            if name not in known:
                self._target.add(name, TODO)
        return self._target.todo()

    def write(self, record: FeatureRecord) -> None:
        """Take one record."""
        try:
            features = self._info.flat(record)
            if self._live:
                self._open_stream_tail().write(record)
        except SinkError as error:
            if error.where is None:
                error.within(self._folder.path)
            raise
        self._pull_up_to(record.path)
        frame = frame_facts(record) if self._info.timed else None
        row = Row(
            path=record.path,
            features=features,
            frame=frame,
            stamp=record.stamp,
            damage=record.damage,
        )
        self._add_new(row)

    def fail(self, failure: Failure) -> None:
        """Take one failure; one that the ledger has already is not taken again."""
        self._pull_up_to(failure.path)
        if not self._sync and failure.path in self._stock.failures_by_name:
            return
        self._unsaved.append(LooseRow(path=failure.path, reason=failure.reason))
        self._add_failure(failure)
        self._save_in_time()

    def keep(self) -> None:
        """Bring what was taken so far to the disk, where the next run finds it."""
        rows, self._unsaved = self._unsaved, []
        self._saved_at_s = time.monotonic()
        if self._live or not rows:
            return
        follows = self._follows_the_set()
        if not follows:
            rows = [row for row in rows if row.features is not None]
        path = self._tail_path if follows else self._folder.path / SPARE_TAIL
        Tail(path, self._info).save(rows)
        self._in_tail += sum(row.features is not None for row in rows) if follows else 0

    def commit(self) -> None:
        """Write the last, partial shard and mark the set complete."""
        self._pull_all()
        if self._rows or self._failures:
            self._flush()
        lines = bytes(self._lines)
        manifest = replace(self._manifest_now(), spare=(), complete=True)
        if not self._ledger_grows():
            self._folder.replace_ledger(lines, manifest)
        else:
            ledger = self._folder.extend_ledger(lines)
            manifest = replace(manifest, ledger=ledger)
            if manifest != self._folder.manifest:
                self._folder.save(manifest)
        for name in (self._tail_path, self._folder.path / SPARE_TAIL):
            name.unlink(missing_ok=True)
        self._in_tail = 0
        self._folder.sweep()

    def summary(self) -> SinkSummary:
        """Count what stands in the folder."""
        manifest = self._folder.manifest
        loose = len(self._rows) if self._live else self._in_tail
        return SinkSummary(
            rows=manifest.rows + loose,
            resumed=self._resumed,
            failures=manifest.failures,
            damaged=manifest.damaged,
            loss=manifest.loss,
            changes=self._changes,
        )

    def close(self) -> None:
        """Drop what is not on the disk yet and unlock the folder; closing twice is fine."""
        if not self._live:
            self._rows.clear()
        self._failures.clear()
        self._unsaved.clear()
        if self._stream_tail is not None:
            self._stream_tail.close()
        self._folder.close()

    @property
    def _tail_path(self) -> Path:
        return self._folder.path / tail_name(len(self._folder.manifest.shards))

    def _pull_up_to(self, name: str) -> None:
        """Take over what the set has before a picture; all of it, if that has no place."""
        names, places = self._target.names, self._target.places
        end = self._at
        while end < len(names) and places[end] != TODO:
            end += 1
        self._pull(end)
        if end < len(names) and names[end] == name:
            self._at += 1
        else:
            self._pull_all()

    def _pull_all(self) -> None:
        self._pull(len(self._target.names))

    def _pull(self, end: int) -> None:
        """Take over what the set has; work that nobody did is left out."""
        for i in range(self._at, end):
            name, place = self._target.names[i], self._target.places[i]
            if place >= 0:
                stamp = self._target.stamps.get(name) or self._stock.stamp(place)
                damage = self._stock.damages.get(name)
                self._add(Row(path=name, place=place, stamp=stamp, damage=damage))
            elif place == FAILED:
                self._add_failure(self._stock.failures_by_name[name])
            elif place == LOOSE:
                self._add_loose(self._stock.loose_row(name))
        self._at = max(self._at, end)

    def _add_loose(self, row: LooseRow | None) -> None:
        if row is None:
            return
        if row.features is None:
            self._add_failure(Failure(path=row.path, reason=row.reason or ""))
        else:
            stamp = self._target.stamps.get(row.path) or row.stamp
            self._add(Row(path=row.path, features=row.features, stamp=stamp, damage=row.damage))

    def _add_new(self, row: Row) -> None:
        loose = LooseRow(path=row.path, features=row.features, stamp=row.stamp, damage=row.damage)
        self._unsaved.append(loose)
        self._add(row)
        self._save_in_time()

    def _add(self, row: Row) -> None:
        self._rows.append(row)
        self._old_rows_left -= self._stock.of_the_set(row.path) is not None
        self._flush_if_full()

    def _add_failure(self, failure: Failure) -> None:
        self._failures.append(failure)
        self._old_rows_left -= self._stock.of_the_set(failure.path) is not None
        self._flush_if_full()

    def _save_in_time(self) -> None:
        if self._commit_every_s is None or len(self._unsaved) % self._batch:
            return
        if time.monotonic() - self._saved_at_s >= self._commit_every_s:
            self.keep()

    def _flush_if_full(self) -> None:
        if len(self._rows) + len(self._failures) >= self._folder.manifest.shard_sources:
            self._flush()

    def _flush(self) -> None:
        shard = self._same_shard() or write_shard(
            self._folder,
            len(self._built),
            self._info,
            self._stock,
            self._rows,
            len(self._failures),
        )
        self._built.append(shard)
        self._lines += self._lines_to_come()
        self._failed += len(self._failures)
        self._damaged += sum(row.damage is not None for row in self._rows)
        self._rows.clear()
        self._failures.clear()
        self._unsaved.clear()
        self._publish(shard)
        self._saved_at_s = time.monotonic()

    def _lines_to_come(self) -> bytes:
        """Return the ledger's lines of what is in no shard yet: failures, then damaged pictures."""
        lines = [failure.to_json() for failure in self._failures]
        lines += [damage_line(row.path, row.damage) for row in self._rows if row.damage is not None]
        return "".join(lines).encode()

    def _same_shard(self) -> ShardRecord | None:
        """Return a shard that is there and holds exactly what the next one is to hold."""
        places = [-1 if row.place is None else row.place for row in self._rows]
        shard = self._stock.whole_shard(places)
        if shard is None or any(row.path in self._target.stamps for row in self._rows):
            return None
        return replace(shard, sources=len(self._rows) + len(self._failures))

    def _publish(self, shard: ShardRecord) -> None:
        """Let the manifest count a shard: as one of the set, or as a spare one."""
        there = self._folder.manifest
        tails = [self._tail_path, self._folder.path / SPARE_TAIL]
        if self._follows_the_set():
            now = self._manifest_now()
            if now.shards != there.shards or now.failures != there.failures:
                ledger = self._folder.extend_ledger(bytes(self._lines))
                self._folder.save(replace(now, ledger=ledger, complete=False))
            self._in_tail = 0
            self._close_stream_tail()
        elif shard not in there.shards and shard not in there.spare:
            self._folder.save(replace(there, spare=(*there.spare, shard)))
            del tails[0]
        else:
            return
        for tail in tails:
            tail.unlink(missing_ok=True)

    def _follows_the_set(self) -> bool:
        """Return whether all that the set has is in the shards built so far, or will be next."""
        return self._old_rows_left <= 0 and self._ledger_grows()

    def _ledger_grows(self) -> bool:
        """Return whether the ledger's lines are those that it will have first."""
        there = self._folder.manifest.ledger.size_bytes
        if self._stock.ledger_fault is not None:
            return False
        lines = bytes(self._lines) + self._lines_to_come()
        return FileRecord.of(LEDGER, lines[:there]) == self._folder.manifest.ledger

    def _manifest_now(self) -> Manifest:
        return replace(
            self._folder.manifest,
            shards=tuple(self._built),
            failures=self._failed,
            damaged=self._damaged,
            relative_to=self._relative_to,
        )

    def _refuse_to_empty(self, names: Sequence[str]) -> None:
        rows = self._folder.manifest.rows
        if rows and not names:
            raise SinkError(
                f"the sources name no picture, and all {rows} rows would go",
                where=self._folder.path,
                remedy="Nothing was changed. Check that the disk is there; to be rid of the set, "
                "remove its folder.",
            )

    def _refuse_strange_names(self, names: Sequence[str]) -> None:
        there = self._target.names
        known = set(there)
        if there and not self._folder.manifest.complete and known.isdisjoint(names):
            raise SinkError(
                f"unfinished, and not one of its {len(there)} pictures is among the sources given "
                f"now; it has, for example, {min(there)!r}",
                where=self._folder.path,
                remedy="Resume with the same sources.",
            )

    def _go_on_with_a_stream(self) -> None:
        """Go on with the shards, and with the rows that a killed stream left after the last."""
        for one in self._stock.shards:
            if one.fault is not None:
                raise one.fault
        if self._stock.ledger_fault is not None:
            raise self._stock.ledger_fault
        manifest = self._folder.manifest
        self._built, self._target, self._old_rows_left = list(manifest.shards), Target(), 0
        self._lines += self._folder.ledger()
        self._failed, self._damaged = manifest.failures, manifest.damaged
        path = self._tail_path
        if not path.exists():
            return
        self._open_stream_tail()  # which takes a cut line away
        for line in read_lines(path):
            features = np.concatenate([row.numbers[0] for row in line.rows])
            self._rows.append(Row(path=line.path, features=features, frame=line.frame))
        self._flush_if_full()

    def _open_stream_tail(self) -> JsonLinesStreamSink:
        if self._stream_tail is None:
            exact = replace(self._info, store=Store.F32)  # a shard is encoded from exact numbers
            self._stream_tail = JsonLinesStreamSink(
                self._tail_path, exact, resume=True, packed=True
            )
        return self._stream_tail

    def _close_stream_tail(self) -> None:
        if self._stream_tail is not None:
            self._stream_tail.close()
            self._stream_tail = None
