"""Brings the bytes of planned pictures: local files, parts of archives, rows of tables, URLs.

What is behind a network is read by several threads at once, a bounded number ahead of the network.
A picture that is not there is that picture's error. A store that does not answer is no picture's
error: it ends the part, which is then done again as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any, Self

from edgefeat.corpus.at_hand import Picture
from edgefeat.errors import ImageError, SourceError
from edgefeat.listing.archives import LARGEST_MEMBER_BYTES
from edgefeat.many.in_order import map_in_order
from edgefeat.places.address import is_url, shown
from edgefeat.plan.names import Planned
from edgefeat.sets.parquet import pyarrow_for

__all__ = ["Fetcher"]

_GONE = "Plan again into another place, or put it back."


class Fetcher:
    """Turns planned pictures into pictures that can be decoded. A context manager.

    Args:
        column: The column of pictures in Parquet sources.
        reads: How many are read at once from behind a network.
    """

    def __init__(self, column: str | None, reads: int) -> None:
        self._column, self._reads = column, reads
        self._remote: dict[str, Any] = {}
        self._table: tuple[str, Any] = ("", None)
        self._group: tuple[int, int, Any] = (0, 0, None)
        self._files = ExitStack()

    def pictures(self, planned: Iterable[Planned]) -> Iterator[Picture]:
        """Yield the pictures in order; what cannot be read holds its fault.

        Raises:
            SourceError: A store does not answer, or a table cannot be read.
        """
        jobs = map(self._job, planned)
        with closing(map_in_order(_done, jobs, workers=self._reads, ahead=2)) as pictures:
            yield from pictures

    def close(self) -> None:
        """Close what is open; closing twice is fine."""
        self._files.close()
        self._table = ("", None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _job(self, one: Planned) -> Any:
        """Return what brings a picture; rows of tables are brought here, in their order."""
        address = one.address or one.path
        picture = Picture(one.path, address)
        if one.row is not None:
            picture.content = self._cell(address, one.row)
            if picture.content is None:
                picture.fault = ImageError("an empty cell, no picture")
            return lambda: picture
        if is_url(address):
            return partial(_fetch, picture, self._store(address), address, one)
        if one.start is not None:
            return partial(_cut, picture, address, one)
        return lambda: picture

    def _store(self, url: str) -> Any:
        from edgefeat.places.remote import RemoteFiles

        scheme = url.partition("://")[0]
        if scheme not in self._remote:
            self._remote[scheme] = RemoteFiles(url)
        return self._remote[scheme]

    def _cell(self, address: str, row: int) -> bytes | None:
        """Return a cell of the column of pictures; one group of rows is kept at a time."""
        if self._table[0] != address:
            self._open_table(address)
        first, end, column = self._group
        if not first <= row < end:
            first, end, column = self._group = self._read_group(row)
        value = column[row - first].as_py()
        if value is None or isinstance(value, bytes):
            return value
        if isinstance(value, dict):  # as datasets of Hugging Face have it
            inner = value.get("bytes")
            return inner if isinstance(inner, bytes) else None
        raise SourceError(
            f"column {self._column!r}: expected bytes, got {type(value).__name__}",
            where=shown(address),
        )

    def _open_table(self, address: str) -> None:
        arrow, parquet = pyarrow_for(address)
        self._files.close()
        try:
            file = (
                self._store(address).open(address) if is_url(address) else Path(address).open("rb")  # noqa: SIM115 - closed with the others
            )
            self._files.enter_context(file)
            self._table = address, parquet.ParquetFile(file)
        except (OSError, arrow.ArrowException) as error:
            raise SourceError(
                f"cannot be read: {error}", where=shown(address), remedy=_GONE
            ) from error
        self._group = (0, 0, None)

    def _read_group(self, row: int) -> tuple[int, int, Any]:
        table, first = self._table[1], 0
        for number in range(table.metadata.num_row_groups):
            end = first + table.metadata.row_group(number).num_rows
            if row < end:
                read = table.read_row_group(number, columns=[self._column])
                return first, end, read.column(0)
            first = end
        raise SourceError(f"has no row {row}", where=shown(self._table[0]), remedy=_GONE)


def _done(job: Any) -> Picture:
    picture: Picture = job()
    return picture


def _fetch(picture: Picture, store: Any, url: str, one: Planned) -> Picture:
    if one.start is not None and one.stop is not None and _too_large(picture, one):
        return picture
    stop = LARGEST_MEMBER_BYTES + 1 if one.stop is None else one.stop
    content = store.read(url, one.start or 0, stop)
    return _checked(picture, content, one)


def _cut(picture: Picture, path: str, one: Planned) -> Picture:
    if one.start is None or one.stop is None or _too_large(picture, one):
        return picture
    try:
        with Path(path).open("rb") as file:
            file.seek(one.start)
            content = file.read(one.stop - one.start)
    except OSError as error:
        raise SourceError(
            f"cannot be read: {error.strerror or error}", where=path, remedy=_GONE
        ) from error
    return _checked(picture, content, one)


def _checked(picture: Picture, content: bytes | None, one: Planned) -> Picture:
    if content is None:
        picture.fault = ImageError("no such file", remedy="Check the path.")
    elif len(content) > LARGEST_MEMBER_BYTES:
        picture.fault = _large()
    elif one.start is not None and one.stop is not None and len(content) < one.stop - one.start:
        picture.fault = ImageError("the archive ends before it", remedy="Get the archive again.")
    picture.content = b"" if content is None else content
    return picture


def _too_large(picture: Picture, one: Planned) -> bool:
    if (one.stop or 0) - (one.start or 0) <= LARGEST_MEMBER_BYTES:
        return False
    picture.fault = _large()
    return True


def _large() -> ImageError:
    return ImageError(f"more than {LARGEST_MEMBER_BYTES} bytes", remedy="Give it as a local file.")
