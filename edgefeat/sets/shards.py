"""A folder of shards that survives a kill at any moment.

    OUT/manifest.json                    what belongs to the set; written last, after every shard
    OUT/shard-00000-HASH.npy             vectors (n, D), or maps (n, H, W, C)
    OUT/shard-00000-HASH.scales.npy      float32 (n,), where numbers are bytes
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
stay the same are not touched.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from edgefeat.errors import SinkError
from edgefeat.sets.building import Building
from edgefeat.sets.folder import SPARE_TAIL, tail_name
from edgefeat.sets.frames import frame_facts
from edgefeat.sets.info import SetInfo
from edgefeat.sets.opening import open_set_folder
from edgefeat.sets.record import Failure, FeatureRecord
from edgefeat.sets.shard_files import Row
from edgefeat.sets.sink import SinkBase, SinkSummary
from edgefeat.sets.stamps import Look
from edgefeat.sets.stock import Stock
from edgefeat.sets.tail import LooseRow, Tail, cut_tail
from edgefeat.sets.target import (
    FAILED,
    LOOSE,
    TODO,
    Changes,
    TargetOrder,
    changes_in_step,
    changes_kept,
)

__all__ = ["ShardSink"]

_FOLDERS_TO_TRY = 1000


def _any_folder_is_there(names: Iterator[str], base: str) -> bool:
    """Return whether one of the first folders that relative names are in is below a folder."""
    folders = (os.path.split(name)[0] for name in names if not name.startswith("/"))
    first = dict.fromkeys(islice(folders, _FOLDERS_TO_TRY))
    return any((Path(base) / folder).is_dir() for folder in first)


class ShardSink(SinkBase):
    """Takes pictures' records and failures in order, and commits them a shard at a time.

    Args:
        folder: Made if it is missing; locked while open.
        info: What the rows have in common.
        resume: Whether to go on with a set that is there.
        overwrite: Whether a set that is there goes. Without either one, a set is refused.
        sync: Whether to make a set that is there equal to the pictures that `pending` is given.
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
        batch: int = 1,
        shard_size: int | None = None,
        commit_every_s: float | None = None,
    ) -> None:
        self._info, self._batch = info, batch
        self._commit_every_s, self._saved_at_s = commit_every_s, time.monotonic()
        self._unsaved: list[LooseRow] = []
        self._changes: Changes | None = None
        self._folder = open_set_folder(
            folder,
            info,
            resume=resume or sync,
            overwrite=overwrite,
            batch=batch,
            shard_size=shard_size,
        )
        try:
            self._sync = sync and not self._folder.is_new
            self._stock = Stock(self._folder, info)
            self._building = Building(self._folder, info, self._stock)
            self._target, self._at = TargetOrder.of_the_set(self._stock), 0
            cut_tail(self._tail_path, len(self._stock.loose))
            cut_tail(self._folder.path / SPARE_TAIL, len(self._stock.spare_loose))
        except BaseException:
            self._folder.close()
            raise
        self._resumed = self._folder.manifest.rows + self._building.in_tail

    def names_there(self) -> tuple[Iterator[str], str | None]:
        """Return what the set's pictures are called, and where relative names start from."""
        relative = self._folder.manifest.relative_to
        if relative is None:
            return self._stock.names(), None
        base = os.path.realpath(self._folder.path / relative)
        if not _any_folder_is_there(self._stock.names(), base):  # the set was moved without them
            self._building.relative_to = None
            return self._stock.names(), None
        return self._stock.names(), base

    def pending(self, paths: Sequence[str], look: Look | None = None) -> list[str]:
        """Return the pictures still to be done, each once, in order.

        Raises:
            SinkError: The set is unfinished and was made from other pictures, or nothing of it
                would be left.
        """
        names = list(dict.fromkeys(paths))
        self._note_where_names_start(names)
        if self._sync and look is not None:
            self._refuse_to_empty(names)
            self._target = TargetOrder.in_step(names, self._stock, look)
            self._changes = changes_in_step(names, self._target, self._stock)
            todo = self._target.todo()
            self._resumed = len(names) - len(todo)
            return todo
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
        except SinkError as error:
            raise error.within(self._folder.path) from None
        self._pull_up_to(record.path)
        row = LooseRow(
            path=record.path,
            features=features,
            stamp=record.stamp,
            damage=record.damage,
            frame=frame_facts(record) if self._info.timed else None,
        )
        self._unsaved.append(row)
        self._add_loose(row)
        self._save_in_time()

    def fail(self, failure: Failure) -> None:
        """Take one failure; one that the ledger has already is not taken again."""
        self._pull_up_to(failure.path)
        if not self._sync and failure.path in self._stock.failures_by_name:
            return
        row = LooseRow(path=failure.path, reason=failure.reason)
        self._unsaved.append(row)
        self._add_loose(row)
        self._save_in_time()

    def keep(self) -> None:
        """Bring what was taken so far to the disk, where the next run finds it."""
        rows, self._unsaved = self._unsaved, []
        self._saved_at_s = time.monotonic()
        if not rows:
            return
        with_features = [row for row in rows if row.features is not None]
        if self._building.follows_the_set():
            Tail(self._tail_path, self._info).save(rows)
            self._building.in_tail += len(with_features)
        else:
            Tail(self._folder.path / SPARE_TAIL, self._info).save(with_features)

    def commit(self) -> None:
        """Write the last, partial shard and mark the set complete."""
        self._pull(len(self._target.names))
        self._building.finish()
        self._unsaved.clear()

    def summary(self) -> SinkSummary:
        """Count what stands in the folder."""
        manifest = self._folder.manifest
        return SinkSummary(
            rows=manifest.rows + self._building.in_tail,
            resumed=self._resumed,
            failures=manifest.failures,
            damaged=manifest.damaged,
            loss=manifest.loss,
            changes=self._changes,
        )

    def close(self) -> None:
        """Drop what is not on the disk yet and unlock the folder; closing twice is fine."""
        self._unsaved.clear()
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
            self._pull(len(names))

    def _pull(self, end: int) -> None:
        """Take over what the set has; work that nobody did is left out."""
        for i in range(self._at, end):
            name, place = self._target.names[i], self._target.places[i]
            if place >= 0:
                touched = self._target.stamps.get(name)
                row = Row(
                    path=name,
                    place=place,
                    stamp=touched or self._stock.stamp(place),
                    damage=self._stock.damages.get(name),
                    touched=touched is not None,
                )
                self._after(self._building.add(row))
            elif place == FAILED:
                self._after(self._building.fail(self._stock.failures_by_name[name]))
            elif place == LOOSE and (loose := self._stock.loose_row(name)) is not None:
                self._add_loose(loose)
        self._at = max(self._at, end)

    def _add_loose(self, row: LooseRow) -> None:
        if row.features is None:
            failure = Failure(path=row.path, reason=row.reason or "")
            self._after(self._building.fail(failure))
            return
        stamp = self._target.stamps.get(row.path) or row.stamp
        new = Row(
            path=row.path, features=row.features, stamp=stamp, frame=row.frame, damage=row.damage
        )
        self._after(self._building.add(new))

    def _after(self, flushed: bool) -> None:
        if flushed:
            self._unsaved.clear()
            self._saved_at_s = time.monotonic()

    def _save_in_time(self) -> None:
        if self._commit_every_s is None or len(self._unsaved) % self._batch:
            return
        if time.monotonic() - self._saved_at_s >= self._commit_every_s:
            self.keep()

    def _note_where_names_start(self, names: Sequence[str]) -> None:
        if self._building.relative_to is None and not all(map(os.path.isabs, names)):
            here = os.path.realpath(self._folder.path)
            self._building.relative_to = os.path.relpath(os.path.realpath("."), here)

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
        if there and not self._folder.manifest.complete and set(there).isdisjoint(names):
            raise SinkError(
                f"unfinished, and not one of its {len(there)} pictures is among the sources given "
                f"now; it has, for example, {min(there)!r}",
                where=self._folder.path,
                remedy="Resume with the same sources.",
            )
