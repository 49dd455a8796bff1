"""JSON lines as they come: each is whole once it is written, for pipes, devices and growing files.

A line is one write. A file can be continued later, after a kill too: a line that was cut is taken
away first. `json_line.py` has the form of a line, `whole_file.py` files that appear whole.
"""

from __future__ import annotations

import fcntl
import gzip
import os
import stat
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from edgefeat.atomic import explained
from edgefeat.errors import SinkError
from edgefeat.sets.contents import SetContents
from edgefeat.sets.encoding import Stored, StoreLoss
from edgefeat.sets.frames import COLUMNS, Frames
from edgefeat.sets.info import SetInfo
from edgefeat.sets.json_line import Line, encode_line, parse_line
from edgefeat.sets.matching import check_same
from edgefeat.sets.record import FeatureRecord
from edgefeat.sets.sink import SinkBase, SinkSummary

__all__ = ["JsonLinesStreamSink", "read_json_lines", "read_lines"]

_BLOCK_BYTES = 1 << 16
_TRIES = 100  # to open a file that others make and remove
_WHOLE = "What was written before is whole."


class JsonLinesStreamSink(SinkBase):
    """Writes each record's line at once.

    If no record comes, nothing is left behind, and what was there stays.

    Args:
        target: A file, pipe or device to write to, or the descriptor of an open one, such as 1 for
            stdout, which stays open.
        info: What the rows have in common.
        resume: Whether to go on with a file that is there, if it is of the same model.
        overwrite: Whether a file that is there is emptied, when the first record comes.
        packed: Whether float32 numbers are written in base64, half as long and faster.
        fsync_s: A line that comes so many seconds after the last time brings the file to its disk.

    Raises:
        SinkError: It cannot be opened, is there already, holds something else, or another process
            is writing to it.
    """

    def __init__(
        self,
        target: Path | int,
        info: SetInfo,
        *,
        resume: bool = False,
        overwrite: bool = False,
        packed: bool = False,
        fsync_s: float = 5.0,
    ) -> None:
        self._info, self._packed, self._fsync_s = info, packed, fsync_s
        self._synced_at = time.monotonic()
        self._path = target if isinstance(target, Path) else Path(f"descriptor {target}")
        self._resumed = self._written = 0
        self._loss: StoreLoss | None = None
        self._made = self._to_empty = False
        self._descriptor: int | None
        if isinstance(target, int):
            self._descriptor, self._owned, self._regular = target, False, False
            return
        self._owned = True
        with explained(target):
            self._file = Path(os.path.realpath(target))  # a link to a file to be made is followed
            self._descriptor, self._made = _opened(self._file)
            self._regular = stat.S_ISREG(os.fstat(self._descriptor).st_mode)
        try:
            if self._regular:
                self._begin(self._descriptor, resume=resume, overwrite=overwrite)
        except BaseException:
            os.close(self._descriptor)
            raise

    def write(self, record: FeatureRecord) -> None:
        """Write one line.

        Raises:
            SinkError: It cannot be written, or the record is of another model.
        """
        if self._descriptor is None:
            raise SinkError("the output was closed", where=self._path, remedy="Open it again.")
        with explained(self._path, kept=_WHOLE):
            try:
                line, loss = encode_line(record, self._info, packed=self._packed)
            except SinkError as error:
                error.within(self._path)
                raise
            if loss is not None:
                self._loss = loss.worst(self._loss)
            if self._to_empty:
                os.ftruncate(self._descriptor, 0)
                self._to_empty = False
            self._append(self._descriptor, line)
            self._sync_if_due(self._descriptor)
        self._written += 1

    def summary(self) -> SinkSummary:
        """Count the lines."""
        rows = self._resumed + self._written
        return SinkSummary(rows=rows, resumed=self._resumed, loss=self._loss)

    def close(self) -> None:
        """Bring the file to its disk and close it, if it was opened here; twice is fine."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None or not self._owned:
            return
        try:
            if self._regular:
                with explained(self._path, kept=_WHOLE):
                    if self._made and os.fstat(descriptor).st_size == 0:
                        self._file.unlink(missing_ok=True)  # still locked: nobody else uses it
                    os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _begin(self, descriptor: int, *, resume: bool, overwrite: bool) -> None:
        """Find the file's last whole line, or see that there may be none."""
        with explained(self._path):
            self._to_empty = overwrite and os.fstat(descriptor).st_size > 0
            if self._to_empty:
                return
            if not resume and os.fstat(descriptor).st_size > 0:
                raise FileExistsError
            last = _cut_to_whole_lines(descriptor)
        if last is None:
            return
        try:
            there = parse_line(last).info
        except (KeyError, TypeError, ValueError) as error:
            raise SinkError(
                "its last line is not one that edgefeat wrote",
                where=self._path,
                remedy="Name another file.",
            ) from error
        check_same(there, self._info, where=self._path)
        self._resumed = _count_lines(descriptor)

    def _sync_if_due(self, descriptor: int) -> None:
        now = time.monotonic()
        if self._regular and now - self._synced_at >= self._fsync_s:
            os.fsync(descriptor)
            self._synced_at = time.monotonic()

    def _append(self, descriptor: int, line: bytes) -> None:
        """Write all of a line, or leave the file as it was."""
        before = os.fstat(descriptor).st_size
        view = memoryview(line)
        try:
            while view:
                view = view[os.write(descriptor, view) :]
        except OSError:
            if self._regular:
                with suppress(OSError):
                    os.ftruncate(descriptor, before)
            raise


def read_json_lines(path: Path) -> SetContents:
    """Read a set of JSON lines.

    Raises:
        SinkError: A line is not one of ours, or they do not belong together.
    """
    lines = list(read_lines(path))
    if not lines:
        raise SinkError("no lines, and so no features", remedy="Extract again.")
    info = lines[0].info
    frames = None
    if info.timed:
        facts = [line.frame or {} for line in lines]
        frames = Frames.of_columns({name: [row[name] for row in facts] for name in COLUMNS})
    return SetContents(
        info=info,
        paths=[line.path for line in lines],
        frames=frames,
        columns=[
            [Stored.joined([line.rows[i] for line in lines])] for i in range(len(info.outputs))
        ],
    )


def read_lines(path: Path) -> Iterator[Line]:
    """Yield the lines of a set.

    A last line that is cut, as a writer that is at work or was killed leaves it, is left out with a
    warning.

    Raises:
        SinkError: A line is not one of ours, or does not belong to those before.
    """
    first: SetInfo | None = None
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        for number, text in enumerate(file, start=1):
            try:
                line = parse_line(text)
            except (KeyError, TypeError, ValueError) as error:
                if not text.endswith(b"\n"):
                    _warn_of_cut_line(path, number)
                    return
                raise SinkError(
                    f"line {number}: not a line that edgefeat wrote: {_said(error)}",
                    remedy="`edgefeat extract --schema` describes them.",
                ) from error
            first = first or line.info
            _check_neighbour(first, line.info, number)
            yield line


def _said(error: Exception) -> str:
    return f"it has no {error}" if isinstance(error, KeyError) else str(error)


def _check_neighbour(first: SetInfo, this: SetInfo, number: int) -> None:
    if this.fingerprint != first.fingerprint:
        raise SinkError(
            f"line {number}: fingerprint: the lines before have {first.fingerprint[:12]}, this "
            f"one {this.fingerprint[:12]}",
            remedy="Vectors of different models or preprocessing cannot be compared: keep them "
            "in two files.",
        )
    if this != first:
        raise SinkError(
            f"line {number}: other outputs, numbers or facts than in the lines before",
            remedy="Keep them in two files.",
        )


def _warn_of_cut_line(path: Path, number: int) -> None:
    warnings.warn(
        f"{path}: line {number} is cut and was left out: its writer is at work, or was killed.",
        stacklevel=2,
    )


def _opened(path: Path) -> tuple[int, bool]:
    """Open a file to add to, which is then locked, or a pipe or device to write to.

    Returns:
        The descriptor, and whether the file was made here.

    Raises:
        BlockingIOError: Another process has locked the file.
    """
    if path.exists() and not path.is_file():
        return os.open(path, os.O_WRONLY | os.O_CLOEXEC), False
    flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
    for _ in range(_TRIES):
        made = not path.exists()
        # Another process may have come in between.
        with suppress(FileExistsError if made else FileNotFoundError):
            descriptor = os.open(path, flags | (os.O_CREAT | os.O_EXCL if made else 0), 0o666)
            if _is_locked(descriptor, path):
                return descriptor, made
    raise BlockingIOError


def _is_locked(descriptor: int, path: Path) -> bool:
    """Lock a file; false, with the file closed, if by then it has gone from its place."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with suppress(FileNotFoundError):
            if os.path.samestat(path.stat(), os.fstat(descriptor)):
                return True
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return False


def _cut_to_whole_lines(descriptor: int) -> bytes | None:
    """Take away what stands after the last line end; return the last whole line."""
    size = os.fstat(descriptor).st_size
    end = _after_line_end(descriptor, size)
    if end < size:
        os.ftruncate(descriptor, end)
    if end == 0:
        return None
    start = _after_line_end(descriptor, end - 1)
    return os.pread(descriptor, end - start, start)


def _after_line_end(descriptor: int, end: int) -> int:
    """Return where the line begins that reaches up to `end`."""
    while end:
        start = max(0, end - _BLOCK_BYTES)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _count_lines(descriptor: int) -> int:
    count = at = 0
    while block := os.pread(descriptor, _BLOCK_BYTES, at):
        count, at = count + block.count(b"\n"), at + len(block)
    return count
