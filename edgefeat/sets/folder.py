"""The folder of a set on disk: locked, its manifest read or begun, its files put in place."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgefeat.errors import SinkError
from edgefeat.sets.atomic import explained, replace_file
from edgefeat.sets.base import Failure, SetInfo
from edgefeat.sets.manifest import (
    LEDGER,
    MANIFEST,
    FileRecord,
    Manifest,
    ShardRecord,
    read_manifest,
)

__all__ = ["SetFolder"]


class SetFolder:
    """Makes or reopens a folder of shards; holds its lock until closed.

    Args:
        path: Made if it is missing.
        info: What the rows have in common.
        resume: Whether to go on with a set that is there; without it, one is refused.
        batch: Pictures per inference.
        shard_sources: Pictures a shard covers, for a new set.
        check_sources: Whether a set that is there must have the same `shard_sources`.

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
        batch: int,
        shard_sources: int,
        check_sources: bool,
    ) -> None:
        self.path, self._info = path, info
        self.done: set[str] = set()
        self._ledger_hash = hashlib.sha256()
        if path.is_file():
            raise SinkError(
                f"{path}: a file, expected a folder. Name another folder, or a file with an ending "
                "such as .npz."
            )
        with explained(path):
            path.mkdir(parents=True, exist_ok=True)
            self._lock: int | None = _lock(path)
        try:
            if (path / MANIFEST).exists():
                sources = shard_sources if check_sources else None
                self.manifest = self._reopen(resume, batch, sources)
            else:
                self.manifest = self._begin(shard_sources, batch)
        except BaseException:
            self.close()
            raise

    def put(self, name: str, content: bytes) -> FileRecord:
        """Put one file of a shard in place; it does not count before `add`."""
        with explained(self.path / name):
            replace_file(self.path / name, content)
        return FileRecord.of(name, content)

    def add(self, shard: ShardRecord, names: Sequence[str], failures: Sequence[Failure]) -> None:
        """Count a shard whose files are in place, with its rows' names and its failures."""
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
        with explained(self.path / MANIFEST):
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

    def _begin(self, shard_sources: int, batch: int) -> Manifest:
        strangers = [
            entry.name
            for entry in self.path.iterdir()
            if entry.name not in (LEDGER, f".{LEDGER}.part", f".{MANIFEST}.part")
        ]
        if strangers:
            raise SinkError(
                f"{self.path}: holds {min(strangers)!r} and no feature set. "
                "Name an empty or a new folder."
            )
        ledger = self.put(LEDGER, b"")
        info = self._info
        manifest = Manifest(
            model=info.model,
            fingerprint=info.fingerprint,
            dim=info.dim,
            store=info.store,
            batch=batch,
            shard_sources=shard_sources,
            ledger=ledger,
        )
        self._save(manifest)
        return manifest

    def _reopen(self, resume: bool, batch: int, shard_sources: int | None) -> Manifest:
        folder, manifest = self.path, read_manifest(self.path)
        if not resume:
            state = "a finished" if manifest.complete else "an unfinished"
            raise SinkError(
                f"{folder}: holds {state} feature set of {manifest.rows} rows. Go on with it by "
                "--resume, or name another folder."
            )
        self._check_same(manifest, batch, shard_sources)
        for shard in manifest.shards:
            for file in shard.files:
                content = file.read(folder)
                if file == shard.paths:
                    self.done.update(json.loads(content))
        lines = manifest.ledger.read(folder)
        self._ledger_hash = hashlib.sha256(lines)
        self.done.update(json.loads(line)["path"] for line in lines.splitlines())
        with explained(folder / LEDGER):
            os.truncate(folder / LEDGER, len(lines))
        self._sweep(manifest)
        return manifest

    def _check_same(self, manifest: Manifest, batch: int, shard_sources: int | None) -> None:
        info = self._info
        if manifest.fingerprint != info.fingerprint:
            raise SinkError(
                f"{self.path}: fingerprint: the set has {manifest.fingerprint[:12]} (model "
                f"{manifest.model}), these features have {info.fingerprint[:12]} (model "
                f"{info.model}). Vectors of different models or preprocessing cannot be compared: "
                "use the set's model and options, or name another folder."
            )
        pairs: list[tuple[str, Any, Any]] = [
            ("store", manifest.store, info.store),
            ("batch", manifest.batch, batch),
            ("shard-size", manifest.shard_sources, shard_sources or manifest.shard_sources),
        ]
        for option, there, now in pairs:
            if there != now:
                raise SinkError(
                    f"{self.path}: --{option}: the set was made with {there}, got {now}. "
                    f"Resume with --{option} {there}."
                )

    def _sweep(self, manifest: Manifest) -> None:
        """Remove what a killed run wrote and did not count."""
        known = {file.name for shard in manifest.shards for file in shard.files}
        with explained(self.path):
            for pattern in ("shard-*", ".shard-*.part", f".{MANIFEST}.part"):
                for path in self.path.glob(pattern):
                    if path.name not in known:
                        path.unlink()


def _lock(folder: Path) -> int:
    """Take the folder's lock, which the kernel gives back however the process ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise SinkError(
            f"{folder}: another edgefeat is writing to this folder. Wait for it, or name another."
        ) from error
    return descriptor
