"""Lists the pictures that a user names, and counts by kind what is not taken."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from typing import Self

from edgefeat.errors import ImageError, SourceError
from edgefeat.listing.archives import ARCHIVES, Archive, Member, open_archive
from edgefeat.listing.excludes import Excludes
from edgefeat.listing.skipped import Tally
from edgefeat.pictures.formats import SUFFIXES
from edgefeat.pictures.kind import FIRST_BYTES, Group, Kind, kind_of

__all__ = ["Listing", "expand", "plain_path"]

FirstBytes = Callable[[], "bytes | Kind"]

# A file with one of these is tried whatever is inside: its name says that it is a picture. Of the
# others the first bytes decide, which costs an opening.
_CLAIMING = SUFFIXES - {".avif", ".heic", ".heif", ".j2k", ".jp2"}
_UNREADABLE = Kind(name="unreadable", group=Group.OTHER, remedy="Check its permissions.")
_SPECIAL = Kind(name="no regular file", group=Group.OTHER, remedy="Leave it.")
_FOLDER_LINK = Kind(
    name="link to a folder", group=Group.OTHER, remedy="Name the folder that it leads to."
)
_FOLDER = Kind(name="folder", group=Group.OTHER, remedy="Name it without a pattern.")
_IN_ARCHIVE = "Name the archive itself: its pictures are then read."


class Listing:
    """Pictures in the order in which they were named; a folder's are sorted.

    A context manager: leaving it closes the archives.

    Args:
        excludes: What to leave out below folders, in archives, and of what patterns match.
        archives: Whether an archive as a source stands for the pictures in it.
        output: A file or folder that is being written: it and what belongs to it are no sources.
        take: Called with each picture in the place of keeping it in `pictures`, for more pictures
            than memory holds. Those that are named twice are then not found, and archives stay
            closed.

    Attributes:
        pictures: Paths of files, and of files in archives: the archive's path and the member's.
        members: Pictures that are in an archive, each with the archive.
        tally: What was not taken, by kind.
        excludes: What was left out on purpose.
        failures: What names no picture or cannot be read, and why.
        missing: Sources that are not there.
        repeated: How often a picture was named that was in the list already.
    """

    def __init__(
        self,
        excludes: Excludes | None = None,
        *,
        archives: bool = True,
        output: str | None = None,
        take: Callable[[str], object] | None = None,
    ) -> None:
        self._reads_archives = archives and take is None
        self._hand_on, self._taken = take, 0
        self._output = None if output is None else os.path.split(os.path.realpath(output))
        self.excludes = excludes or Excludes()
        self.pictures: list[str] = []
        self.members: dict[str, tuple[Archive, Member]] = {}
        self.tally = Tally()
        self.failures: list[tuple[str, SourceError | ImageError]] = []
        self.missing: list[str] = []
        self.repeated = 0
        self._seen: set[str] = set()
        self._archives: list[Archive] = []

    def add(self, sources: Iterable[str], *, patterns: bool = True) -> None:
        """Add what some sources name.

        Args:
            sources: Files, folders, archives and patterns.
            patterns: Whether `*`, `?` and `[` in them have a meaning.
        """
        for source in sources:
            try:
                self._add(source, patterns=patterns)
            except SourceError as error:
                self.failures.append((source, error))

    def close(self) -> None:
        """Close the archives; closing twice is fine."""
        for archive in self._archives:
            archive.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _add(self, source: str, *, patterns: bool) -> None:
        if os.path.isdir(source):  # noqa: PTH112 - Path raises on names that are too long
            self._add_folder(source)
        elif patterns and glob.has_magic(source) and not os.path.lexists(source):
            self._add_matches(source)
        elif self._reads_archives and (kind := _archive_kind(source)) is not None:
            self._add_archive(source, kind)
        else:
            if patterns and not os.path.lexists(source):
                self.missing.append(source)
            self._take(source)

    def _add_folder(self, folder: str) -> None:
        skipped, before = Tally(), self._counts()
        self._take_pictures(self._files_below(folder, skipped), skipped)
        self._end_source(skipped, before, folder, "this folder", "below it")

    def _add_matches(self, pattern: str) -> None:
        skipped, before = Tally(), self._counts()
        root = _plain_start(pattern)
        found: list[str] = []
        seen: set[tuple[str, str]] = set()
        for path in sorted(glob.iglob(pattern, recursive=True)):  # noqa: PTH207 - may be absolute
            if self.excludes.leave_out_path(os.path.relpath(path, root or ".")):
                continue
            if os.path.isdir(path):  # noqa: PTH112
                if "**" not in pattern:
                    skipped.count(_FOLDER, path)
            elif self._is_new(path, seen):
                found.append(path)
        self._take_pictures(found, skipped)
        self._end_source(skipped, before, pattern, "this pattern", "that match")

    def _add_archive(self, path: str, kind: str) -> None:
        archive = open_archive(path, kind)
        self._archives.append(archive)
        skipped, before = Tally(), self._counts()
        found: dict[str, Member] = {}
        for member in archive.members():
            name = f"{path}/{member.name}"
            if self.excludes.leave_out_path(member.name.strip("/")):
                continue
            if name in found:
                problem = "in the archive this name stands more than once; the first one is taken"
                self.failures.append((name, ImageError(problem, remedy="Unpack it first.")))
            elif self._is_taken(name, skipped, lambda m=member: _start_of(archive, m)):  # type: ignore[misc]
                found[name] = member
        for name, member in found.items():
            taken = self._take(name)
            if taken is not None:
                self.members[taken] = archive, member
        self._end_source(skipped, before, path, "this archive", "in it")

    def _counts(self) -> tuple[int, int]:
        """Return how many pictures were named so far, and how many entries were left out."""
        left_out = self.excludes.by_default + self.excludes.by_user
        return self._taken + self.repeated, left_out

    def _end_source(
        self, skipped: Tally, before: tuple[int, int], source: str, what: str, place: str
    ) -> None:
        """Count what a source has and was not taken; one without a picture is an error."""
        self.tally.add(skipped)
        pictures, left_out = self._counts()
        if pictures > before[0]:
            return
        count = left_out - before[1]
        if count and not skipped.kinds():
            entries = "1 file or folder" if count == 1 else f"{count} files and folders"
            raise SourceError(
                f"no picture: {entries} {place}, all left out",
                where=source,
                remedy="What is left out by default can be taken with {option}.",
                option="default_excludes=False",
            )
        raise skipped.as_error(source, what, place)

    def _take_pictures(self, paths: Iterable[str], skipped: Tally) -> None:
        for path in paths:
            if self._is_taken(path, skipped, lambda p=path: _first_bytes(p)):  # type: ignore[misc]
                self._take(path)

    def _is_taken(self, path: str, skipped: Tally, first_bytes: FirstBytes) -> bool:
        if os.path.splitext(path)[1].lower() in _CLAIMING:  # noqa: PTH122 - thousands of them
            return True
        found = first_bytes()
        kind = found if isinstance(found, Kind) else kind_of(found)
        if kind.group is Group.PICTURE:
            return True
        if kind.name in ARCHIVES:
            kind = Kind(name=kind.name, group=kind.group, remedy=_IN_ARCHIVE)
        skipped.count(kind, path)
        return False

    def _take(self, path: str) -> str | None:
        name = plain_path(path)
        if self._hand_on is not None:
            self._taken += 1
            self._hand_on(name)
            return name
        if name in self._seen:
            self.repeated += 1
            return None
        self._seen.add(name)
        self._taken += 1
        self.pictures.append(name)
        return name

    def _is_new(self, path: str, seen: set[tuple[str, str]]) -> bool:
        """Return whether a pattern matches a file for the first time: `**` goes round in links."""
        folder, name = os.path.split(path)
        key = os.path.realpath(folder), name
        self.repeated += key in seen
        new = key not in seen
        seen.add(key)
        return new

    def _files_below(self, folder: str, skipped: Tally) -> Iterator[str]:
        """Yield the files of a folder and of those below it, in the order of their whole paths."""
        start = len(folder.rstrip("/")) + 1
        open_folders = [iter([f"{folder.rstrip('/')}/"])]
        while open_folders:
            path = next(open_folders[-1], None)
            if path is None:
                open_folders.pop()
            elif path.endswith("/"):
                open_folders.append(iter(self._entries(path, start, skipped)))
            else:
                yield path

    def _entries(self, folder: str, start: int, skipped: Tally) -> list[str]:
        """Return what is in a folder, sorted; folders end with a slash, and sort with it."""
        found = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if self._is_output(folder, entry.name) or self.excludes.leave_out(
                        entry.name, entry.path[start:]
                    ):
                        continue
                    if not _is_folder(entry):
                        found.append(entry.path)
                    elif entry.is_symlink():
                        skipped.count(_FOLDER_LINK, entry.path)
                    else:
                        found.append(f"{entry.path}/")
        except OSError as error:
            problem = f"a folder that cannot be read: {error.strerror}"
            where = folder.rstrip("/")
            self.failures.append((where, SourceError(problem, where=where)))
        return sorted(found)

    def _is_output(self, folder: str, name: str) -> bool:
        """Return whether a file or folder is the output, its sidecar, its ledger or its spool."""
        if self._output is None:
            return False
        place, ours = self._output
        plain = name.removeprefix(".")
        if plain != ours and not plain.startswith(f"{ours}."):
            return False
        return os.path.realpath(folder) == place


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def plain_path(path: str) -> str:
    """Return a path without `./` and doubled slashes, which say nothing."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    plain = "/".join(parts)
    return f"/{plain}" if path.startswith("/") else plain or "."


def expand(source: str, *, tally: Tally | None = None) -> list[str]:
    """Return the picture files that one file, folder or pattern names, in order.

    Sub-folders that cannot be read are passed over.

    Args:
        source: A file, folder or pattern.
        tally: Counts what is not taken, by kind.

    Raises:
        SourceError: It names nothing.
    """
    with Listing(archives=False) as listing:
        listing.add([source])
        if tally is not None:
            tally.add(listing.tally)
        for _, error in listing.failures:
            if not listing.pictures and isinstance(error, SourceError):
                raise error
        return listing.pictures


def _plain_start(pattern: str) -> str:
    """Return the folder before the first part of a pattern that has magic."""
    parts = pattern.split("/")
    plain = []
    for part in parts[:-1]:
        if glob.has_magic(part):
            break
        plain.append(part)
    return "/".join(plain) or ("/" if pattern.startswith("/") else "")


def _first_bytes(path: str) -> bytes | Kind:
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


def _start_of(archive: Archive, member: Member) -> bytes | Kind:
    try:
        return archive.read(member, FIRST_BYTES)
    except ImageError:
        return _UNREADABLE


def _archive_kind(path: str) -> str | None:
    if os.path.splitext(path)[1].lower() in _CLAIMING:  # noqa: PTH122 - thousands of them
        return None
    found = _first_bytes(path)
    kind = found if isinstance(found, Kind) else kind_of(found)
    return kind.name if kind.name in ARCHIVES else None
