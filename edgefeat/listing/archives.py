"""Pictures inside zip and tar archives: read one at a time into memory, never written to disk.

An archive may lie about sizes, hold itself, or unpack to more than any disk has. So what is read of
it is bounded: each member, and all together.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Protocol, cast

from edgefeat.errors import ImageError, SourceError
from edgefeat.record import Record

__all__ = ["ARCHIVES", "LARGEST_MEMBER_BYTES", "Archive", "Member", "open_archive"]

ARCHIVES = frozenset({"ZIP", "TAR", "GZIP", "BZIP2", "XZ"})
"""The kinds of archives that are read, as `edgefeat.pictures.kind` calls them."""

LARGEST_MEMBER_BYTES = 64 * 2**20
_MOST_BYTES, _MOST_RATIO = 2**30, 200  # all together: both must be passed
_BROKEN = (
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)
_OPENERS = {"GZIP": gzip.open, "BZIP2": bz2.open, "XZ": lzma.open}
_LATEST_S = 2**40
_EARLIEST_ZIP_S = 315532800  # 1980-01-01: before it a ZIP knows no time


class Member(Record):
    """A file in an archive.

    Args:
        name: Path inside the archive.
        size_bytes: What the archive says of its size.
        mtime_ns: What the archive says of its time of change, in nanoseconds of Unix time.
        entry: What the archive's reader knows it by.
        fault: Why it cannot be read; None if it can.
    """

    name: str
    size_bytes: int
    mtime_ns: int
    entry: Any
    fault: str | None = None


class Archive(Protocol):
    """An open archive."""

    path: str

    def members(self) -> Iterator[Member]:
        """Yield the files in it, in its order.

        Raises:
            SourceError: It is damaged, or unpacks to too much.
        """

    def read(self, member: Member, most_bytes: int = LARGEST_MEMBER_BYTES) -> bytes:
        """Return a member's bytes, or its first ones.

        Members are read fastest in the archive's order.

        Raises:
            ImageError: It is damaged, encrypted or too large.
        """

    def close(self) -> None:
        """Close it; closing twice is fine."""


def open_archive(path: str, kind: str) -> Archive:
    """Open an archive.

    Args:
        path: The file.
        kind: One of `ARCHIVES`.

    Raises:
        SourceError: It is damaged or cannot be read.
    """
    try:
        return _Zip(path) if kind == "ZIP" else _Tar(path, kind)
    except _BROKEN as error:
        raise _damaged(path, error) from error


class _Zip:
    def __init__(self, path: str) -> None:
        self.path = path
        self._zip = zipfile.ZipFile(path)
        claimed = sum(one.file_size for one in self._zip.infolist())
        _check_total(claimed, Path(path).stat().st_size, path)

    def members(self) -> Iterator[Member]:
        for entry in self._zip.infolist():
            if entry.is_dir():
                continue
            fault = "encrypted" if entry.flag_bits & 1 else None
            yield Member(
                name=entry.filename,
                size_bytes=entry.file_size,
                mtime_ns=_zip_time_ns(entry),
                entry=entry,
                fault=fault,
            )

    def read(self, member: Member, most_bytes: int = LARGEST_MEMBER_BYTES) -> bytes:
        _check_member(member, most_bytes)
        try:
            with self._zip.open(member.entry) as file:
                return _read_most(file, member, most_bytes)
        except _BROKEN as error:
            raise _damaged_member(error) from error

    def close(self) -> None:
        self._zip.close()


class _Tar:
    """A tar archive, compressed or not."""

    def __init__(self, path: str, kind: str) -> None:
        self.path = path
        self._size_bytes = Path(path).stat().st_size
        opener: Any = _OPENERS.get(kind, open)
        self._file = _Bounded(opener(path, "rb"), self)
        try:
            self._tar = tarfile.open(fileobj=cast("Any", self._file), mode="r:")  # noqa: SIM115
        except BaseException:
            self._file.close()
            raise

    def members(self) -> Iterator[Member]:
        try:
            for entry in self._tar:
                if entry.isdir():
                    continue
                fault = None if entry.isreg() else "a link or device, no file"
                yield Member(
                    name=entry.name,
                    size_bytes=entry.size,
                    mtime_ns=int(max(-_LATEST_S, min(entry.mtime, _LATEST_S)) * 1e9),
                    entry=entry,
                    fault=fault,
                )
        except SourceError:
            raise
        except _BROKEN as error:
            raise _damaged(self.path, error) from error

    def read(self, member: Member, most_bytes: int = LARGEST_MEMBER_BYTES) -> bytes:
        _check_member(member, most_bytes)
        try:
            with cast("IO[bytes]", self._tar.extractfile(member.entry)) as file:
                return _read_most(file, member, most_bytes)
        except SourceError as error:
            raise ImageError(error.problem, remedy=error.remedy) from error
        except _BROKEN as error:
            raise _damaged_member(error) from error

    def close(self) -> None:
        self._tar.close()
        self._file.close()

    def check(self, read_bytes: int) -> None:
        """Refuse an archive that unpacks to too much."""
        _check_total(read_bytes, self._size_bytes, self.path)


class _Bounded:
    """A file that a tar archive is read from; it refuses what only a forged header asks for."""

    def __init__(self, file: IO[bytes], archive: _Tar) -> None:
        self._file, self._archive = file, archive
        self._furthest = 0

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= LARGEST_MEMBER_BYTES:
            raise ValueError(f"a header of {size} bytes")
        content = self._file.read(size)
        self._furthest = max(self._furthest, self._file.tell())
        self._archive.check(self._furthest)
        return content

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        # Skipping in a compressed file unpacks what is skipped: in steps that are checked.
        if whence == os.SEEK_SET:
            while position - self._file.tell() > LARGEST_MEMBER_BYTES:
                before = self._file.tell()
                if self._file.seek(before + LARGEST_MEMBER_BYTES) == before:
                    break
                self._archive.check(self._file.tell())
        return self._file.seek(position, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()


def _check_total(unpacked: int, packed: int, path: str) -> None:
    if unpacked > _MOST_BYTES and unpacked > _MOST_RATIO * packed:
        raise SourceError(
            f"unpacks from {packed} bytes to {unpacked} or more, which no archive of pictures does",
            where=path,
            remedy="Unpack it yourself, if you trust it.",
        )


def _check_member(member: Member, most_bytes: int) -> None:
    if member.fault is not None:
        raise ImageError(f"in the archive it is {member.fault}", remedy="Unpack it first.")
    if member.size_bytes > LARGEST_MEMBER_BYTES and most_bytes == LARGEST_MEMBER_BYTES:
        raise ImageError(
            f"{member.size_bytes} bytes; at most {LARGEST_MEMBER_BYTES} are read from an archive",
            remedy="Unpack it first.",
        )


def _read_most(file: IO[bytes], member: Member, most_bytes: int) -> bytes:
    content = file.read(min(most_bytes, member.size_bytes + 1))
    if len(content) > member.size_bytes:
        raise ValueError("longer than the archive says")
    if most_bytes > member.size_bytes > len(content):
        raise EOFError("cut short")
    return content


def _zip_time_ns(entry: zipfile.ZipInfo) -> int:
    """Return a time as if it were UTC: a ZIP knows no zone, and equal files must look equal."""
    with suppress(ValueError, OverflowError):
        return _utc_s(entry.date_time) * 10**9
    return _EARLIEST_ZIP_S * 10**9


def _utc_s(date_time: tuple[int, int, int, int, int, int]) -> int:
    import calendar

    return calendar.timegm(time.struct_time((*date_time, 0, 1, -1)))


def _damaged(path: str, error: BaseException) -> SourceError:
    if isinstance(error, OSError) and error.strerror:
        return SourceError(f"cannot be read: {error.strerror}", where=path)
    return SourceError(
        f"a damaged archive: {error or type(error).__name__}",
        where=path,
        remedy="Get the archive again, or unpack it yourself.",
    )


def _damaged_member(error: BaseException) -> ImageError:
    return ImageError(
        f"damaged in its archive: {error or type(error).__name__}",
        remedy="Get the archive again, or unpack it yourself.",
    )
