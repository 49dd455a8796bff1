"""Finds the pictures of a plan in what a user names; nothing is kept but counts.

A source is a folder, file or pattern; a plain tar archive (WebDataset's shards too); a Parquet file
with pictures in a column; or a URL of any of these but patterns. What is not taken is counted by
kind.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from edgefeat.errors import OptionError, SourceError
from edgefeat.listing.excludes import Excludes
from edgefeat.listing.listing import Listing
from edgefeat.listing.names_file import read_names
from edgefeat.listing.paths import plain_path
from edgefeat.listing.skipped import Tally
from edgefeat.pictures.formats import SUFFIXES
from edgefeat.pictures.kind import FIRST_BYTES, Group, Kind, kind_of
from edgefeat.places.address import is_url, shown
from edgefeat.plan.names import Planned
from edgefeat.sets.parquet import pyarrow_for

if TYPE_CHECKING:
    from edgefeat.options.corpus import CorpusOptions
    from edgefeat.options.plan import PlanOptions
    from edgefeat.places.remote import RemoteFiles

__all__ = ["Finder"]

_PACKED_TARS = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
_ROWS_AT_ONCE = 4096
_CLAIMING = SUFFIXES
Take = Callable[[Planned], object]


class Finder:
    """Hands each picture on as it is found.

    Args:
        take: Called with each picture, in an order that is the same in every run.
        options: Which files are left out.
        plan: Where pictures and their names are in a Parquet file.
        output: The place of the plan, if it is a folder: it is no source.

    Attributes:
        tally: What was not taken, by kind.
        excludes: What was left out on purpose.
        failures: Sources, and parts of them, that cannot be read, and why.
    """

    def __init__(
        self, take: Take, options: CorpusOptions, plan: PlanOptions, output: str | None
    ) -> None:
        self._take, self._options, self._plan, self._output = take, options, plan, output
        self.tally = Tally()
        self.excludes = Excludes(options.exclude, defaults=options.default_excludes)
        self.failures: list[tuple[str, SourceError]] = []
        self._remote: dict[str, RemoteFiles] = {}

    def find(self, sources: Sequence[str]) -> None:
        """Find the pictures of all sources, and of the list that the options name.

        Raises:
            OptionError: An option that the sources need is missing.
        """
        _check_apart(sources)
        for source in sources:
            self._guarded(source, patterns=True)
        if self._options.files_from is not None:
            for name in read_names(self._options.files_from):
                self._guarded(name, patterns=False)

    def _guarded(self, source: str, *, patterns: bool) -> None:
        try:
            self._find(source, patterns=patterns)
        except SourceError as error:
            self.failures.append((shown(source), error))

    def _find(self, source: str, *, patterns: bool) -> None:
        lower = source.lower()
        if lower.endswith(_PACKED_TARS):
            raise SourceError(
                "a compressed archive, whose pictures cannot be read one by one",
                where=shown(source),
                remedy="Unpack it, or make a plain .tar of it.",
            )
        if lower.endswith(".tar"):
            self._find_in_tar(source)
        elif lower.endswith(".parquet"):
            self._find_in_parquet(source)
        elif is_url(source):
            self._find_behind_url(source, listed=not patterns)
        elif patterns:
            self._find_in_files(source)
        else:
            self._take(Planned(path=plain_path(source)))

    def _find_in_files(self, source: str) -> None:
        with Listing(
            self.excludes, output=self._output, take=lambda name: self._take(Planned(path=name))
        ) as listing:
            listing.add([source])
            self.tally.add(listing.tally)
            for where, error in listing.failures:
                problem = error if isinstance(error, SourceError) else SourceError(error.problem)
                self.failures.append((where, problem))

    def _find_behind_url(self, url: str, *, listed: bool) -> None:
        files = self._files(url)
        if listed or not (url.endswith("/") or files.is_folder(url)):
            self._take(_behind_url(url))
            return
        found = False
        for one in self._below(files, url.rstrip("/"), ""):
            found = True
            self._take(_behind_url(one))
        if not found:
            raise self.tally.as_error(shown(url), "this place", "below it")

    def _below(self, files: RemoteFiles, url: str, inside: str) -> Iterator[str]:
        for one, is_folder in files.below(url):
            name = one.rpartition("/")[2]
            path = f"{inside}/{name}".lstrip("/")
            if self.excludes.leave_out(name, path):
                continue
            if is_folder:
                yield from self._below(files, one, path)
            elif Path(name).suffix.lower() in _CLAIMING:
                yield one
            else:
                self.tally.count(_by_suffix(name), shown(one))

    def _find_in_tar(self, source: str) -> None:
        found = False
        name = shown(source) if is_url(source) else plain_path(source)
        with self._opened(source) as file, _tar(file, name) as archive:
            for member in archive:
                if member.isdir() or self.excludes.leave_out_path(member.name.strip("/")):
                    continue
                if not member.isreg() or member.sparse is not None:
                    self.tally.count(_LINK, f"{name}/{member.name}")
                    continue
                kind = None
                if Path(member.name).suffix.lower() not in _CLAIMING:
                    kind = kind_of(_start_of(archive, member))
                if kind is not None and kind.group is not Group.PICTURE:
                    self.tally.count(kind, f"{name}/{member.name}")
                    continue
                found = True
                start = member.offset_data
                self._take(
                    Planned(
                        path=f"{name}/{member.name}",
                        address=source if is_url(source) else plain_path(source),
                        start=start,
                        stop=start + member.size,
                    )
                )
                archive.members = []  # type: ignore[attr-defined] # it would keep them all
        if not found:
            raise self.tally.as_error(name, "this archive", "in it")

    def _find_in_parquet(self, source: str) -> None:
        column = self._plan.image_column
        if column is None:
            raise OptionError(
                "a Parquet file is a source only with {option} NAME, the column of its pictures",
                option="image_column",
            )
        arrow, parquet = pyarrow_for(source)
        keys = [] if self._plan.key_column is None else [self._plan.key_column]
        address = source if is_url(source) else plain_path(source)
        with self._opened(source) as file:
            try:
                table = parquet.ParquetFile(file)
            except arrow.ArrowException as error:
                raise SourceError(f"not a Parquet file: {error}", where=shown(source)) from error
            wanted = [*keys, *self._plan.keep]
            missing = [one for one in (column, *wanted) if one not in table.schema_arrow.names]
            if missing:
                raise SourceError(
                    f"has no column {missing[0]!r}: there are "
                    f"{', '.join(table.schema_arrow.names)}",
                    where=shown(source),
                )
            for row, values in enumerate(_rows(table, wanted)):
                path = str(values[keys[0]]) if keys else f"{shown(address)}#{row}"
                kept = {name: values[name] for name in self._plan.keep}
                self._take(Planned(path=path, address=address, row=row, kept=kept or None))

    def _files(self, url: str) -> RemoteFiles:
        from edgefeat.places.remote import RemoteFiles

        scheme = url.partition("://")[0]
        if scheme not in self._remote:
            self._remote[scheme] = RemoteFiles(url)
        return self._remote[scheme]

    @contextmanager
    def _opened(self, source: str) -> Iterator[IO[bytes]]:
        if is_url(source):
            with self._files(source).open(source) as file:
                yield file
            return
        try:
            file = Path(source).open("rb")  # noqa: SIM115 - closed below
        except OSError as error:
            raise SourceError(
                f"cannot be read: {error.strerror or error}", where=source, remedy="Check the path."
            ) from error
        with file:
            yield file


_LINK = Kind(name="link or device in an archive", group=Group.OTHER, remedy="Unpack it first.")


def _behind_url(url: str) -> Planned:
    """Name a picture by its URL; the row's name never holds a password."""
    name = shown(url)
    return Planned(path=name, address=None if name == url else url)


def _by_suffix(name: str) -> Kind:
    suffix = Path(name).suffix.lower().lstrip(".")
    return Kind(name=suffix or "no ending", group=Group.OTHER, remedy="Name it in a list.")


def _rows(table: Any, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    if not columns:
        yield from ({} for _ in range(table.metadata.num_rows))
        return
    for batch in table.iter_batches(batch_size=_ROWS_AT_ONCE, columns=list(columns)):
        yield from batch.to_pylist()


def _start_of(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return b"" if file is None else file.read(FIRST_BYTES)


@contextmanager
def _tar(file: IO[bytes], where: str) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            yield archive
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise SourceError(
            f"a damaged archive: {error}", where=where, remedy="Get the archive again."
        ) from error


def _check_apart(sources: Sequence[str]) -> None:
    """Refuse sources of which one holds another: its pictures would be planned twice.

    Raises:
        SourceError: One does.
    """
    names = sorted(one.rstrip("/") if is_url(one) else plain_path(one) for one in sources)
    for first, second in pairwise(names):
        if second == first or second.startswith(f"{first}/"):
            raise SourceError(
                f"is in {shown(first)} already, another source: its pictures would be done twice",
                where=shown(second),
                remedy="Name one of them.",
            )
