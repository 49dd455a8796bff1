"""The pictures of a run, by the names that the set has for them: opened, looked at, hashed."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterable
from posixpath import isabs, join, realpath
from typing import IO, Self

from edgefeat.corpus.spelling import Spelling
from edgefeat.errors import ImageError
from edgefeat.listing.listing import Listing
from edgefeat.sets.stamps import FileStamp, new_digest

__all__ = ["AtHand", "Picture"]

_AT_ONCE = 2**20


class Picture:
    """One picture that is being worked on.

    Attributes:
        name: What the set calls it.
        path: Where its file is.
        content: Bytes of the picture, if it is in an archive.
        stamp: What its file was, once it was read.
        damage: What the decoder said of it, once it was decoded.
        fault: Why it cannot be read from its archive.
    """

    __slots__ = ("content", "damage", "fault", "name", "path", "stamp")

    def __init__(self, name: str, path: str) -> None:
        self.name, self.path = name, path
        self.content: bytes | None = None
        self.stamp: FileStamp | None = None
        self.damage: str | None = None
        self.fault: ImageError | None = None

    def open(self) -> IO[bytes] | None:
        """Open the picture, or return None if it is no regular file that can be opened.

        Raises:
            ImageError: It cannot be read from its archive.
        """
        if self.fault is not None:
            raise self.fault
        if self.content is not None:
            return io.BytesIO(self.content)
        try:
            # Without blocking: opening a FIFO would wait for a writer for ever.
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ValueError):  # ValueError: a NUL in the path
            return None
        file = os.fdopen(descriptor, "rb")
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            file.close()
            return None
        return file


class AtHand:
    """Finds what names in a set stand for; it is the `Look` of a sink.

    Args:
        listing: The pictures that a run was given.
        names: What the pictures of the set are called.
        base: The folder from which relative names among them start.

    Attributes:
        names: What the set calls the pictures that were given, each once, in order.
        repeated: Pictures that were given more than once.
    """

    def __init__(self, listing: Listing, names: Iterable[str], base: str | None) -> None:
        self._listing, self._base = listing, base
        spelling = Spelling(names, base)
        self._paths: dict[str, str] = {}
        seen: dict[str, None] = {}
        for path in listing.pictures:
            name = spelling.of(path)
            if name != path:
                self._paths.setdefault(name, path)
            seen[name] = None
        self.names = list(seen)
        self.repeated = listing.repeated + len(listing.pictures) - len(seen)

    @classmethod
    def of(cls, paths: Iterable[str]) -> Self:
        """Return plain files, which no set has yet."""
        listing = Listing()
        listing.pictures = list(paths)
        return cls(listing, (), None)

    @property
    def in_archives(self) -> bool:
        """Whether some pictures are in archives, and so come as bytes."""
        return bool(self._listing.members)

    def picture(self, name: str) -> Picture:
        """Return a picture; one in an archive is read."""
        path = self._path(name)
        picture = Picture(name, path)
        found = self._listing.members.get(path)
        if found is not None:
            archive, member = found
            try:
                picture.content = archive.read(member)
            except ImageError as error:
                picture.fault = error
            picture.stamp = self.stamp(name)
        return picture

    def stamp(self, name: str) -> FileStamp | None:
        """Return a file's size and time of change, without its hash; None if it is gone."""
        path = self._path(name)
        found = self._listing.members.get(path)
        if found is not None:
            return FileStamp(size_bytes=found[1].size_bytes, mtime_ns=found[1].mtime_ns)
        try:
            return stamp_of(os.stat(path))  # noqa: PTH116 - thousands of them: no Path objects
        except (OSError, ValueError):
            return None

    def digest(self, name: str) -> str | None:
        """Return the hash of a file's bytes; None if it cannot be read."""
        try:
            file = self.picture(name).open()
        except ImageError:
            return None
        if file is None:
            return None
        digest = new_digest()
        with file:
            try:
                while part := file.read(_AT_ONCE):
                    digest.update(part)
            except OSError:
                return None
        return digest.hexdigest()

    def _path(self, name: str) -> str:
        path = self._paths.get(name, name)
        if path is name and self._base is not None and not isabs(name):
            return name if name in self._listing.members else self._from_base(name)
        return path

    def _from_base(self, name: str) -> str:
        """Return where a name of the set leads that was not among the pictures given."""
        return name if realpath(".") == self._base else join(self._base or "", name)


def stamp_of(found: os.stat_result) -> FileStamp:
    """Return what the system says of a file."""
    return FileStamp(size_bytes=found.st_size, mtime_ns=found.st_mtime_ns)
