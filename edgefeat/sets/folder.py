"""The folder of a set on disk: locked, its manifest read or begun, its files put in place."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgefeat.atomic import explained, write_bytes
from edgefeat.errors import SinkError
from edgefeat.sets.info import SetInfo
from edgefeat.sets.manifest import (
    LEDGER,
    MANIFEST,
    FileRecord,
    Manifest,
    ShardRecord,
    read_manifest,
)
from edgefeat.sets.matching import check_same
from edgefeat.sets.names import decode_name
from edgefeat.sets.record import Failure

__all__ = ["SetFolder", "tail_name"]

_HIDDEN = (f".{MANIFEST}.*.part", f".{LEDGER}.*.part", ".shard-*.part")


def tail_name(shards: int) -> str:
    """Return the name of the file that holds the rows after so many shards, until they are one."""
    return f"shard-{shards:05}.tail.jsonl"


class SetFolder:
    """Makes or reopens a folder of shards; holds its lock until closed.

    Args:
        path: Made if it is missing.
        info: What the rows have in common.
        resume: Whether to go on with a set that is there.
        overwrite: Whether a set that is there goes. Without either one, a set is refused.
        batch: Pictures per inference.
        shard_sources: Pictures a shard covers; None takes the set's own, or `default_sources`.
        default_sources: Pictures a shard of a new set covers.

    Attributes:
        path: The folder.
        manifest: What is committed so far.
        done: The pictures that the set or its ledger has.

    Raises:
        SinkError: The folder holds something else, or a set that does not belong together with
            `info`.
    """

    def __init__(
        self,
        path: Path,
        info: SetInfo,
        *,
        resume: bool,
        overwrite: bool,
        batch: int,
        shard_sources: int | None,
        default_sources: int,
    ) -> None:
        self.path, self._info = path, info
        self.done: set[str] = set()
        self._ledger_hash = hashlib.sha256()
        if path.is_file():
            raise SinkError(
                "a file, expected a folder",
                where=path,
                remedy="Name another folder, or a file with an ending such as .npz.",
            )
        with explained(path):
            path.mkdir(parents=True, exist_ok=True)
            self._lock: int | None = _lock(path)
        try:
            there = read_manifest(path) if (path / MANIFEST).exists() else None
            if there is None:
                self._refuse_strangers()
            elif not (resume or overwrite):
                state = "a finished" if there.complete else "an unfinished"
                raise SinkError(
                    f"holds {state} feature set of {there.rows} rows",
                    where=path,
                    remedy="Go on with it by {option}, overwrite it, or name another folder.",
                    option="resume=True",
                )
            if there is None or overwrite:
                # The rows after no shard at all would be taken for the new set's.
                (path / tail_name(0)).unlink(missing_ok=True)
                self.manifest = self._begin(shard_sources or default_sources, batch)
            else:
                self.manifest = self._reopen(there, batch, shard_sources)
            self._sweep()
        except BaseException:
            self.close()
            raise

    def put(self, name: str, content: bytes) -> FileRecord:
        """Put one file of a shard in place; it does not count before `add`."""
        write_bytes(self.path / name, content)
        return FileRecord.of(name, content)

    def add(self, shard: ShardRecord, names: Sequence[str], failures: Sequence[Failure]) -> None:
        """Count a shard whose files are in place, with its rows' names and its failures.

        Args:
            shard: The shard's files and rows.
            names: Names of its rows.
            failures: Pictures of the shard that gave no features.
        """
        ledger = self._extend_ledger(failures)
        self._save(
            replace(
                self.manifest,
                shards=(*self.manifest.shards, shard),
                ledger=ledger,
                failures=self.manifest.failures + len(failures),
                complete=False,
            )
        )
        self.done.update(names, (failure.path for failure in failures))

    def finish(self) -> None:
        """Mark the set complete."""
        if not self.manifest.complete:
            self._save(replace(self.manifest, complete=True))

    def close(self) -> None:
        """Unlock the folder; closing twice is fine."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _save(self, manifest: Manifest) -> None:
        manifest.save(self.path)
        self.manifest = manifest

    def _extend_ledger(self, failures: Sequence[Failure]) -> FileRecord:
        lines = "".join(failure.to_json() for failure in failures).encode()
        start = self.manifest.ledger.size_bytes
        path = self.path / LEDGER
        if lines:
            with explained(path), path.open("r+b") as file:
                file.seek(start)
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
            self._ledger_hash.update(lines)
        return FileRecord(
            name=LEDGER, size_bytes=start + len(lines), sha256=self._ledger_hash.hexdigest()
        )

    def _refuse_strangers(self) -> None:
        """Raise if the folder holds anything that a run which was killed at its start did not."""
        for entry in sorted(self.path.iterdir()):
            if entry.name != LEDGER and not any(map(entry.match, _HIDDEN)):
                raise SinkError(
                    f"holds {entry.name!r} and no feature set",
                    where=self.path,
                    remedy="Name an empty or a new folder.",
                )

    def _begin(self, shard_sources: int, batch: int) -> Manifest:
        info = self._info
        manifest = Manifest(
            model=info.model,
            fingerprint=info.fingerprint,
            outputs=info.outputs,
            store=info.store,
            timed=info.timed,
            batch=batch,
            shard_sources=shard_sources,
            ledger=FileRecord.of(LEDGER, b""),  # a manifest counts none of the bytes in it
        )
        self._save(manifest)
        self.put(LEDGER, b"")
        return manifest

    def _reopen(self, there: Manifest, batch: int, shard_sources: int | None) -> Manifest:
        self._check_same(there, batch, shard_sources)
        for shard in there.shards:
            for file in shard.files:
                content = file.read(self.path)
                if file == shard.paths:
                    self.done.update(map(decode_name, json.loads(content)))
        if not (self.path / LEDGER).exists() and not there.failures:  # killed in `_begin`
            self.put(LEDGER, b"")
        lines = there.ledger.read(self.path)
        self._ledger_hash = hashlib.sha256(lines)
        failed = (json.loads(line)["path"] for line in lines.splitlines())
        self.done.update(map(decode_name, failed))
        with explained(self.path / LEDGER):
            os.truncate(self.path / LEDGER, len(lines))
        return there

    def _check_same(self, there: Manifest, batch: int, shard_sources: int | None) -> None:
        check_same(there.info, self._info, where=self.path)
        pairs = (
            ("batch", there.batch, batch),
            ("shard_size", there.shard_sources, shard_sources or there.shard_sources),
        )
        for option, before, now in pairs:
            if before != now:
                raise SinkError(
                    f"the set was made with {before}, got {now}",
                    where=self.path,
                    remedy=f"Give {before}, as before.",
                    option=option,
                )

    def _sweep(self) -> None:
        """Remove what a killed run wrote and did not count, but for the rows after the shards."""
        known = {file.name for shard in self.manifest.shards for file in shard.files}
        known.add(tail_name(len(self.manifest.shards)))
        with explained(self.path):
            for pattern in ("shard-*", *_HIDDEN):
                for path in self.path.glob(pattern):
                    if path.name not in known:
                        path.unlink()


def _lock(folder: Path) -> int:
    """Take the folder's lock, which the kernel gives back however the process ends."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise SinkError(
            "another edgefeat is writing to this folder",
            where=folder,
            remedy="Wait for it, or name another.",
        ) from error
    return descriptor
