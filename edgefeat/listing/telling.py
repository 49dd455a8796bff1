"""Whether a file is a picture or an archive: its name claims it, or its first bytes tell."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from edgefeat.errors import ImageError
from edgefeat.listing.archives import ARCHIVES, Archive, Member
from edgefeat.pictures.formats import SUFFIXES
from edgefeat.pictures.kind import FIRST_BYTES, Group, Kind, kind_of

__all__ = ["archive_kind", "first_bytes", "first_bytes_in", "no_picture"]

# A file with one of these is tried whatever is inside: its name says that it is a picture. Of the
# others the first bytes decide, which costs an opening.
_CLAIMING = SUFFIXES - {".avif", ".heic", ".heif", ".j2k", ".jp2"}
_UNREADABLE = Kind(name="unreadable", group=Group.OTHER, remedy="Check its permissions.")
_SPECIAL = Kind(name="no regular file", group=Group.OTHER, remedy="Leave it.")
_IN_ARCHIVE = "Name the archive itself: its pictures are then read."


def no_picture(path: str, beginning: Callable[[], bytes | Kind]) -> Kind | None:
    """Return what a file is if it is no picture, and None if it is one.

    Args:
        path: The path of the file, or its name in an archive.
        beginning: Gives its first bytes, or what it is if it has none; asked where the name does
            not tell.
    """
    if _claims(path):
        return None
    kind = _kind(beginning())
    if kind.group is Group.PICTURE:
        return None
    if kind.name in ARCHIVES:
        return Kind(name=kind.name, group=kind.group, remedy=_IN_ARCHIVE)
    return kind


def archive_kind(path: str) -> str | None:
    """Return the kind of archive that a file is, one of `ARCHIVES`; None if it is none."""
    if _claims(path):
        return None
    kind = _kind(first_bytes(path))
    return kind.name if kind.name in ARCHIVES else None


def first_bytes(path: str) -> bytes | Kind:
    """Return a file's beginning, or what it is if it has none that can be read."""
    try:
        # Without blocking: opening a FIFO would wait for a writer for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return _UNREADABLE
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return _SPECIAL
        return os.read(descriptor, FIRST_BYTES)
    except OSError:
        return _UNREADABLE
    finally:
        os.close(descriptor)


def first_bytes_in(archive: Archive, member: Member) -> bytes | Kind:
    """Return the beginning of a file in an archive, or what it is if it cannot be read."""
    try:
        return archive.read(member, FIRST_BYTES)
    except ImageError:
        return _UNREADABLE


def _claims(path: str) -> bool:
    return os.path.splitext(path)[1].lower() in _CLAIMING  # noqa: PTH122 - thousands of them


def _kind(found: bytes | Kind) -> Kind:
    return found if isinstance(found, Kind) else kind_of(found)
