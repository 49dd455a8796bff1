"""Files that appear whole or not at all: written beside their place, then renamed into it.

Whoever is killed while writing leaves what stood there before, and perhaps a hidden `.NAME.*.part`
beside it, which the next `Spool` for the same name removes. It tells a dead writer's file from a
living one's by a lock, which the kernel gives back however a process ends. Standard library only.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from edgefeat.errors import EdgefeatError, SinkError

__all__ = ["Spool", "check_place", "explained", "write_bytes", "write_text"]

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)  # FAT and some networks
_LONGEST_NAME = 200  # bytes; names may have 255, and a hidden name is longer than its file's
_NUMBERS = count()


class Spool:
    """A file that is being written beside its place.

    Args:
        path: Where `publish` puts it.
        alone: Whether to refuse a path that another `Spool` is being written for, and to remove
            what killed writers left behind. It reads the whole folder.

    Attributes:
        file: Open for writing and reading; the process's umask decides who may read it later.

    Raises:
        BlockingIOError: Another one is being written for the same path.
        OSError: The folder is missing or cannot be written to; see `explained`.
    """

    def __init__(self, path: Path, *, alone: bool = True) -> None:
        self._path = path
        if path.is_dir():  # a rename would fail only at the end of the work
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        short = path.name if len(os.fsencode(path.name)) <= _LONGEST_NAME else path.name[:40]
        self._start = f".{short}."
        if alone:
            self._sweep()
        self._part, self.file = self._begin()

    @property
    def part(self) -> Path:
        """The hidden file, for those who must read it by name before it is published."""
        return self._part

    def sync(self) -> None:
        """Bring what was written so far to the disk."""
        self.file.flush()
        os.fsync(self.file.fileno())

    def publish(self, *, replace: bool = True, durable: bool = True) -> None:
        """Put the finished file in its place, in one step.

        Args:
            replace: Whether a file that stands there by now may go.
            durable: Whether the file must be on the disk, and not only in memory, before this
                returns. It costs a device's flash memory a write.

        Raises:
            FileExistsError: Something stands there, and `replace` is false.
            OSError: The disk is full or broken. What stood there before is unchanged.
        """
        self.file.flush()
        if durable:
            self.sync()
        if replace:
            self._part.replace(self._path)
        else:
            _move(self._part, self._path)
        self.file.close()
        if durable:
            _sync_folder(self._path.parent)

    def discard(self) -> None:
        """Give up what was not published; calling it twice, or after `publish`, is fine."""
        if not self.file.closed:
            with suppress(OSError):
                self._part.unlink()
            with suppress(OSError):  # the disk may be full, but this file is given up anyway
                self.file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.discard()

    def _begin(self) -> tuple[Path, IO[bytes]]:
        """Open a new file under a hidden name, and lock it for as long as it is open."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        while True:
            name = f"{self._start}{os.getpid()}-{next(_NUMBERS)}.part"
            part = self._path.with_name(name)
            try:
                descriptor = os.open(part, flags, 0o666)  # less what the umask takes away
            except FileExistsError:  # left by a killed process that had our number
                continue
            file = os.fdopen(descriptor, "w+b")
            with suppress(OSError):  # a file system without locks: what is left there stays
                _lock(descriptor)
            with suppress(FileNotFoundError):
                if os.path.samestat(part.stat(), os.fstat(descriptor)):
                    return part, file
            file.close()  # another writer swept it away before it was locked

    def _sweep(self) -> None:
        """Remove what dead writers of this path left."""
        for part in self._path.parent.iterdir():
            middle = part.name.removeprefix(self._start).removesuffix(".part")
            ours = part.name == f"{self._start}{middle}.part"
            if ours and middle.replace("-", "").isdecimal():
                _remove_if_dead(part)


def write_bytes(
    path: Path,
    content: bytes,
    *,
    durable: bool = True,
    error: type[EdgefeatError] = SinkError,
) -> None:
    """Write a file whole.

    Args:
        path: Replaced in one step.
        content: All of the file.
        durable: Whether the file is on the disk when this returns; see `Spool.publish`.
        error: The class of the error that is raised.

    Raises:
        EdgefeatError: It cannot be written; what stood there before is unchanged.
    """
    with explained(path, error=error), Spool(path, alone=False) as spool:
        spool.file.write(content)
        spool.publish(durable=durable)


def write_text(
    path: Path, text: str, *, durable: bool = True, error: type[EdgefeatError] = SinkError
) -> None:
    """Write a text file whole, in UTF-8; see `write_bytes`."""
    write_bytes(path, text.encode(), durable=durable, error=error)


def check_place(path: Path, *, error: type[EdgefeatError] = SinkError) -> None:
    """Say before long work what would keep its result from being written.

    Raises:
        EdgefeatError: The path is a folder, or its folder is missing or cannot be written to.
    """
    with explained(path, error=error):
        path.parent.stat()
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not path.parent.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@contextmanager
def explained(
    path: Path, *, error: type[EdgefeatError] = SinkError, kept: str = ""
) -> Iterator[None]:
    """Turn what the operating system says about a file into what the user can do.

    Args:
        path: What is being written.
        error: The class of the error that is raised.
        kept: A sentence about what is safe, for a disk that fills up in the middle.

    Raises:
        EdgefeatError: In the place of an OSError. A BrokenPipeError passes: it is no fault of ours.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as fault:
        problem, remedy = _explain(fault, path.parent)
        if kept and fault.errno in _NO_ROOM:
            remedy = f"{kept} {remedy}"
        raise error(problem, where=path, remedy=remedy) from fault


def _sync_folder(folder: Path) -> None:
    """Bring a folder's list of names to its disk, so that a rename survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _explain(fault: OSError, folder: Path) -> tuple[str, str]:
    """Return problem and remedy of a file that was to be written in a folder."""
    if isinstance(fault, FileNotFoundError):
        return f"the folder {folder} does not exist", "Create it, or choose another place."
    if isinstance(fault, NotADirectoryError):
        return f"{folder} is a file, expected a folder", "Choose another place."
    if isinstance(fault, IsADirectoryError):
        return "a folder, expected a file", "Name a file inside it."
    if isinstance(fault, BlockingIOError):
        return "another program is writing it", "Wait for it to end, or choose another name."
    if isinstance(fault, FileExistsError):
        return "something of this name exists", "Choose another name."
    if isinstance(fault, PermissionError):
        remedy = f"Choose another place, or change the permissions of {folder}."
    elif fault.errno in _NO_ROOM:
        remedy = "Free some space, or choose a place on another disk."
    elif fault.errno == errno.EROFS:
        remedy = "Choose a place on another disk."
    elif fault.errno == errno.ENAMETOOLONG:
        remedy = "Choose a shorter name."
    else:
        remedy = "Choose another place."
    return f"cannot be written: {fault.strerror or fault}", remedy


def _move(part: Path, path: Path) -> None:
    """Rename a file, unless something has the new name."""
    try:
        path.hardlink_to(part)
    except OSError as fault:
        if fault.errno not in _NO_LINKS:
            raise
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from fault
        part.replace(path)
    else:
        part.unlink()


def _remove_if_dead(part: Path) -> None:
    """Remove a spool's file, unless the process that writes it is alive.

    Raises:
        BlockingIOError: It is.
    """
    try:
        descriptor = os.open(part, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:  # gone in between, or not ours to open
        return
    try:
        _lock(descriptor)
        part.unlink()
    except BlockingIOError:
        raise
    except OSError:  # a file system without locks, or gone in between
        return
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Lock an open file for this process.

    Raises:
        BlockingIOError: Another one has locked it.
        OSError: The file system has no locks.
    """
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
