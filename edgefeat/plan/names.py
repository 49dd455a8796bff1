"""The pictures of a plan: what each is called, where its bytes are, and its file of names."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from edgefeat.errors import SourceError
from edgefeat.places.place import FilePlace
from edgefeat.plan.plan import names_file
from edgefeat.record import Record
from edgefeat.sets.names import decode_name, encode_name
from edgefeat.sets.parquet import pyarrow_for

__all__ = ["NamesWriter", "Planned", "read_part_names"]


class Planned(Record):
    """One picture of a plan.

    Args:
        path: What its row is called.
        address: The file or URL that holds it; None where that is `path` itself.
        start: The first of its bytes in that file; None where the file is the picture.
        stop: The byte after its last one.
        row: Position in the Parquet file that holds it, from 0.
        kept: Values of the columns that are kept.
    """

    path: str
    address: str | None = None
    start: int | None = None
    stop: int | None = None
    row: int | None = None
    kept: Mapping[str, Any] | None = None

    def to_line(self) -> bytes:
        """Return what the hash of a plan's names is taken of."""
        kept = None if self.kept is None else dict(self.kept)
        place = [encode_name(self.address) if self.address else None, self.start, self.stop]
        return json.dumps([encode_name(self.path), *place, self.row, kept], default=str).encode()


class NamesWriter:
    """Cuts a stream of pictures into files of names; at most one part's are in memory.

    Args:
        place: Where the files go; None only counts and hashes.
        part_size: Pictures a part.
        keep: The columns that are kept.
        tell: Called with the number of pictures after each part.
    """

    def __init__(
        self,
        place: FilePlace | None,
        part_size: int,
        keep: Sequence[str],
        tell: Callable[[int], object] = lambda _count: None,
    ) -> None:
        self._place, self._part_size, self._keep, self._tell = place, part_size, keep, tell
        self._digest = hashlib.sha256()
        self._waiting: list[Planned] = []
        self._parts = 0
        self.pictures = 0

    def add(self, one: Planned) -> None:
        """Take the next picture."""
        self._digest.update(one.to_line() + b"\n")
        self.pictures += 1
        if self._place is not None:
            self._waiting.append(one)
        if self.pictures % self._part_size == 0:
            self._write()

    def finish(self) -> str:
        """Write the last part, and return the hash of all names."""
        if self._waiting:
            self._write()
        return self._digest.hexdigest()

    def _write(self) -> None:
        if self._place is not None:
            self._place.write(names_file(self._parts), _to_parquet(self._waiting, self._keep))
        self._parts += 1
        self._waiting.clear()
        self._tell(self.pictures)


def read_part_names(place: FilePlace, part: int, base: str | None) -> Iterator[Planned]:
    """Yield the pictures of a part, each with its whole address.

    Args:
        place: Where the plan is.
        part: The number of the part.
        base: The folder from which relative names start.

    Raises:
        SourceError: The file of names is not there, or is damaged.
    """
    arrow, parquet = pyarrow_for(place.name)
    content = place.read(names_file(part))
    where = f"{place.name}/{names_file(part)}"
    if content is None:
        raise SourceError("is not there", where=where, remedy="Plan again into another place.")
    try:
        table = parquet.read_table(io.BytesIO(content))
    except arrow.ArrowException as error:
        raise SourceError(f"is damaged: {error}", where=where) from error
    names = [name for name in table.column_names if name.startswith("keep_")]
    for row in table.to_pylist():
        path = decode_name(row["path"])
        address = path if row["address"] is None else decode_name(row["address"])
        kept = {name.removeprefix("keep_"): row[name] for name in names}
        yield Planned(
            path=path,
            address=_whole(address, base),
            start=row["start"],
            stop=row["stop"],
            row=row["row"],
            kept=kept or None,
        )


def _whole(address: str, base: str | None) -> str:
    from edgefeat.places.address import is_url

    if base is None or address.startswith("/") or is_url(address):
        return address
    return f"{base.rstrip('/')}/{address}"


def _to_parquet(rows: Sequence[Planned], keep: Sequence[str]) -> bytes:
    arrow, parquet = pyarrow_for()
    columns = {
        "path": arrow.array([encode_name(one.path) for one in rows], arrow.string()),
        "address": arrow.array(
            [None if one.address is None else encode_name(one.address) for one in rows],
            arrow.string(),
        ),
    }
    for name in ("start", "stop", "row"):
        columns[name] = arrow.array([getattr(one, name) for one in rows], arrow.int64())
    for name in keep:
        columns[f"keep_{name}"] = arrow.array([(one.kept or {}).get(name) for one in rows])
    target = io.BytesIO()
    parquet.write_table(arrow.table(columns), target, compression="zstd")
    return target.getvalue()
