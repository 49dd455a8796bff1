"""Rows become shards, in order, and the manifest counts them as soon as nothing is lost by it.

As long as rows of the set that is there are still to come, a new shard counts as a spare one: the
set stays as it was, and the vectors are kept for the next run. From then on each shard is one of
the set at once.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from edgefeat.sets.folder import SPARE_TAIL, SetFolder, tail_name
from edgefeat.sets.info import SetInfo
from edgefeat.sets.manifest import LEDGER, FileRecord, Manifest, ShardRecord
from edgefeat.sets.record import Failure, damage_line
from edgefeat.sets.shard_files import Row, write_shard
from edgefeat.sets.stock import Stock

__all__ = ["Building"]


class Building:
    """The shards of a set in the order that it is to have.

    Args:
        folder: Open and locked.
        info: What the rows have in common.
        stock: What the folder held at the beginning.

    Attributes:
        rows: Rows that are in no shard yet.
        failures: Pictures that are in no shard yet and gave no features.
        in_tail: How many of the rows are in the tail on the disk, where readers see them.
        relative_to: The folder from which relative names start, relative to the set's.
    """

    def __init__(self, folder: SetFolder, info: SetInfo, stock: Stock) -> None:
        self._folder, self._info, self._stock = folder, info, stock
        self.rows: list[Row] = []
        self.failures: list[Failure] = []
        self.in_tail = sum(row.features is not None for row in stock.loose)
        self.relative_to = folder.manifest.relative_to
        self._shards: list[ShardRecord] = []
        self._lines = bytearray()  # lines of the ledger
        self._failed = self._damaged = 0
        there = stock.shards[: stock.set_shards]
        self._old_rows_left = sum(one.record.rows for one in there if one.fault is None)

    def go_on_after_the_set(self) -> None:
        """Take all that the set has as it is; what comes now is added to it.

        Raises:
            SinkError: A part of it is damaged.
        """
        for one in self._stock.shards:
            if one.fault is not None:
                raise one.fault
        manifest = self._folder.manifest
        self._lines += self._folder.ledger()
        self._shards, self._old_rows_left = list(manifest.shards), 0
        self._failed, self._damaged = manifest.failures, manifest.damaged

    def add(self, row: Row) -> bool:
        """Take the next row; return whether it completed a shard."""
        self.rows.append(row)
        return self._count(row.path)

    def fail(self, failure: Failure) -> bool:
        """Take the next picture that gave no features; return whether it completed a shard."""
        self.failures.append(failure)
        return self._count(failure.path)

    def flush_if_full(self) -> bool:
        """Make a shard if there are rows and failures enough; return whether there were."""
        full = len(self.rows) + len(self.failures) >= self._folder.manifest.shard_sources
        if full:
            self.flush()
        return full

    def flush(self) -> None:
        """Make a shard of what is in none, if there is anything."""
        if not self.rows and not self.failures:
            return
        shard = self._same_shard() or write_shard(
            self._folder,
            len(self._shards),
            self._info,
            self._stock,
            self.rows,
            len(self.failures),
        )
        self._shards.append(shard)
        self._lines += self._lines_to_come()
        self._failed += len(self.failures)
        self._damaged += sum(row.damage is not None for row in self.rows)
        self.rows.clear()
        self.failures.clear()
        self._publish(shard)

    def finish(self) -> None:
        """Make the last shard, let the manifest count exactly what was built, and sweep."""
        self.flush()
        manifest = replace(self._manifest_now(), spare=(), complete=True)
        lines = bytes(self._lines)
        tails = self._tails()
        if self._ledger_grows():
            manifest = replace(manifest, ledger=self._folder.extend_ledger(lines))
            if manifest != self._folder.manifest:
                self._folder.save(manifest)
        else:
            self._folder.replace_ledger(lines, manifest)
        for tail in tails:
            tail.unlink(missing_ok=True)
        self.in_tail = 0
        self._folder.sweep()

    def follows_the_set(self) -> bool:
        """Return whether all that the set has is in the shards built so far, or in the next one."""
        return self._old_rows_left <= 0 and self._ledger_grows()

    def _count(self, name: str) -> bool:
        self._old_rows_left -= self._stock.of_the_set(name) is not None
        return self.flush_if_full()

    def _same_shard(self) -> ShardRecord | None:
        """Return a shard that is there and holds exactly what the next one is to hold."""
        shard = self._stock.whole_shard([-1 if r.place is None else r.place for r in self.rows])
        if shard is None or any(row.touched for row in self.rows):
            return None
        return replace(shard, sources=len(self.rows) + len(self.failures))

    def _publish(self, shard: ShardRecord) -> None:
        """Let the manifest count a shard: as one of the set, or as a spare one."""
        there, tails = self._folder.manifest, self._tails()
        if self.follows_the_set():
            now = self._manifest_now()
            if now.shards != there.shards or now.failures != there.failures:
                ledger = self._folder.extend_ledger(bytes(self._lines))
                self._folder.save(replace(now, ledger=ledger, complete=False))
            self.in_tail = 0
        elif shard not in there.shards and shard not in there.spare:
            self._folder.save(replace(there, spare=(*there.spare, shard)))
            del tails[0]
        else:
            return
        for tail in tails:
            tail.unlink(missing_ok=True)

    def _tails(self) -> list[Path]:
        names = (tail_name(len(self._folder.manifest.shards)), SPARE_TAIL)
        return [self._folder.path / name for name in names]

    def _manifest_now(self) -> Manifest:
        return replace(
            self._folder.manifest,
            shards=tuple(self._shards),
            failures=self._failed,
            damaged=self._damaged,
            relative_to=self.relative_to,
        )

    def _lines_to_come(self) -> bytes:
        """Return the ledger's lines of what is in no shard yet: failures, then damaged pictures."""
        lines = [failure.to_json() for failure in self.failures]
        lines += [damage_line(row.path, row.damage) for row in self.rows if row.damage is not None]
        return "".join(lines).encode()

    def _ledger_grows(self) -> bool:
        """Return whether the ledger's lines are those that it will have first."""
        if self._stock.ledger_fault is not None:
            return False
        there = self._folder.manifest.ledger
        lines = bytes(self._lines) + self._lines_to_come()
        return FileRecord.of(LEDGER, lines[: there.size_bytes]) == there
