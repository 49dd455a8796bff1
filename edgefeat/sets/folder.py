"""The folder of a set on disk: locked, its manifest read or begun, its files put in place."""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from edgefeat.atomic import explained, write_bytes
from edgefeat.errors import SinkError
from edgefeat.sets.info import SetInfo
from edgefeat.sets.manifest import LEDGER, MANIFEST, FileRecord, Manifest, read_manifest
from edgefeat.sets.matching import check_same

__all__ = ["SPARE_TAIL", "SetFolder", "tail_name"]

SPARE_TAIL = "spare.tail.jsonl"
"""The rows of a sync that was cut short, which are in no shard yet."""

_NEXT_LEDGER = "errors.next.jsonl"
_HIDDEN = (f".{MANIFEST}.*.part", f".{LEDGER}.*.part", ".shard-*.part", f".{_NEXT_LEDGER}.*.part")
_NAMED_BY = 8  # hexadecimal digits of a file's hash that stand in its name


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
        batch: Pictures for each inference.
        shard_sources: Pictures a shard covers; None takes the set's own, or `default_sources`.
        default_sources: Pictures a shard of a new set covers.
        later: Whether a new set is begun only by `begin`. Until then nothing is written, and a set
            that is to go is still there.

    Attributes:
        path: The folder.
        manifest: What is committed so far.
        is_new: Whether the set was begun here.

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
        later: bool = False,
    ) -> None:
        self.path, self._info = path, info
        if path.is_file():
            raise SinkError(
                "a file, expected a folder",
                where=path,
                remedy="Name another folder, or a file with an ending such as .npz.",
            )
        with explained(path):
            self._made = not path.exists()
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
            self.is_new = there is None or overwrite
            self._begun = not self.is_new
            if there is None or overwrite:
                self.manifest = self._nothing_yet(shard_sources or default_sources, batch)
            else:
                self._check_same(there, batch, shard_sources)
                self.manifest = there
                self._finish_ledger()
                self.sweep()
            if not later:
                self.begin()
        except BaseException:
            self.close()
            raise

    @property
    def begun(self) -> bool:
        """Whether the folder holds this set, be it without a row."""
        return self._begun

    def begin(self) -> None:
        """Put a new set in the place of what is there; twice is fine."""
        if self._begun:
            return
        # The rows after no shard at all would be taken for the new set's.
        for name in (tail_name(0), SPARE_TAIL):
            (self.path / name).unlink(missing_ok=True)
        self.manifest.save(self.path)
        write_bytes(self.path / LEDGER, b"")
        self._begun = True
        self.sweep()

    def put(self, stem: str, ending: str, content: bytes) -> FileRecord:
        """Put one file of a shard in place; it does not count before the manifest does.

        Args:
            stem: Begin of the file's name.
            ending: End of the file's name, with its dot.
            content: All of the file.
        """
        digest = hashlib.sha256(content).hexdigest()
        record = FileRecord(
            name=f"{stem}-{digest[:_NAMED_BY]}{ending}", size_bytes=len(content), sha256=digest
        )
        path = self.path / record.name
        if not (path.exists() and record.is_whole(self.path)):
            write_bytes(path, content)
        return record

    def save(self, manifest: Manifest) -> None:
        """Let the manifest count what is in place now."""
        manifest.save(self.path)
        self.manifest = manifest

    def ledger(self) -> bytes:
        """Return the lines of the ledger.

        Raises:
            SinkError: They are not what the manifest says.
        """
        return self.manifest.ledger.read(self.path)

    def extend_ledger(self, lines: bytes) -> FileRecord:
        """Add lines to the ledger, which count as soon as the manifest has the record.

        Args:
            lines: All lines, of which the first stand there already.
        """
        start = self.manifest.ledger.size_bytes
        path = self.path / LEDGER
        if len(lines) > start:
            with explained(path), path.open("r+b") as file:
                file.truncate(start)
                file.seek(start)
                file.write(lines[start:])
                file.flush()
                os.fsync(file.fileno())
        return FileRecord.of(LEDGER, lines)

    def replace_ledger(self, lines: bytes, manifest: Manifest) -> None:
        """Save a manifest that counts other lines than the ledger has, and then those lines.

        A kill in between leaves them beside the ledger, from where the next run takes them.
        """
        write_bytes(self.path / _NEXT_LEDGER, lines)
        self.save(replace(manifest, ledger=FileRecord.of(LEDGER, lines)))
        self._finish_ledger()

    def sweep(self) -> None:
        """Remove what a killed run wrote and did not count, but for rows that are in no shard."""
        shards = (*self.manifest.shards, *self.manifest.spare)
        known = {file.name for shard in shards for file in shard.files}
        known |= {tail_name(len(self.manifest.shards)), SPARE_TAIL}
        with explained(self.path):
            for pattern in ("shard-*", _NEXT_LEDGER, *_HIDDEN):
                for path in self.path.glob(pattern):
                    if path.name not in known:
                        path.unlink()

    def close(self) -> None:
        """Unlock the folder, which goes if nothing was begun in it; closing twice is fine."""
        if self._lock is not None:
            if self._made and not self._begun:
                with suppress(OSError):  # somebody has put something there
                    self.path.rmdir()
            os.close(self._lock)
            self._lock = None

    def _refuse_strangers(self) -> None:
        """Raise if the folder holds anything that a run which was killed at its start did not."""
        for entry in sorted(self.path.iterdir()):
            if entry.name != LEDGER and not any(map(entry.match, _HIDDEN)):
                raise SinkError(
                    f"holds {entry.name!r} and no feature set",
                    where=self.path,
                    remedy="Name an empty or a new folder.",
                )

    def _nothing_yet(self, shard_sources: int, batch: int) -> Manifest:
        info = self._info
        return Manifest(
            model=info.model,
            fingerprint=info.fingerprint,
            outputs=info.outputs,
            store=info.store,
            timed=info.timed,
            pixels=info.pixels,
            batch=batch,
            shard_sources=shard_sources,
            ledger=FileRecord.of(LEDGER, b""),  # a manifest counts none of the bytes in it
        )

    def _finish_ledger(self) -> None:
        """Do what a killed run had still to do with the ledger."""
        ledger, following = self.path / LEDGER, self.path / _NEXT_LEDGER
        if following.exists() and self.manifest.ledger.is_content(following.read_bytes()):
            with explained(ledger):
                following.replace(ledger)
        if not ledger.exists() and not self.manifest.ledger.size_bytes:  # killed in `begin`
            write_bytes(ledger, b"")

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
