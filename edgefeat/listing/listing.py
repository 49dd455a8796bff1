"""Lists the pictures that a user names, and counts by kind what is not taken."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import Self

from edgefeat.errors import ImageError, SourceError
from edgefeat.listing.archives import Archive, Member, open_archive
from edgefeat.listing.excludes import Excludes
from edgefeat.listing.folders import Walk
from edgefeat.listing.paths import plain_path, plain_start
from edgefeat.listing.skipped import Tally
from edgefeat.listing.telling import archive_kind, first_bytes, first_bytes_in, no_picture
from edgefeat.pictures.kind import Group, Kind

__all__ = ["Listing", "expand"]

_FOLDER = Kind(name="folder", group=Group.OTHER, remedy="Name it without a pattern.")


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
        self._output = output
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
        elif self._reads_archives and (kind := archive_kind(source)) is not None:
            self._add_archive(source, kind)
        else:
            if patterns and not os.path.lexists(source):
                self.missing.append(source)
            self._take(source)

    def _add_folder(self, folder: str) -> None:
        skipped, before = Tally(), self._counts()
        walk = Walk(self.excludes, output=self._output)
        self._take_pictures(walk.files(folder, skipped), skipped)
        self.failures += [(str(error.where), error) for error in walk.failures]
        self._end_source(skipped, before, folder, "this folder", "below it")

    def _add_matches(self, pattern: str) -> None:
        skipped, before = Tally(), self._counts()
        root = plain_start(pattern)
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
            elif self._is_taken(name, skipped, partial(first_bytes_in, archive, member)):
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
            if self._is_taken(path, skipped, partial(first_bytes, path)):
                self._take(path)

    def _is_taken(self, path: str, skipped: Tally, beginning: Callable[[], bytes | Kind]) -> bool:
        kind = no_picture(path, beginning)
        if kind is not None:
            skipped.count(kind, path)
        return kind is None

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
