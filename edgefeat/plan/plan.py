"""The plan of a corpus: what is fixed before the first part is done, and what each part is called.

A place holds

    plan.json                what this file describes; written last, so that it vouches for the rest
    _names/000000.parquet    the pictures of part 0, in order
    part-000000.parquet      the features of part 0, written whole

A part is a function of the plan and of its pictures alone. So it may be done anywhere, by anyone,
twice: the bytes are the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from edgefeat.errors import OptionError, SinkError, SourceError
from edgefeat.model import codec
from edgefeat.places.place import FilePlace
from edgefeat.record import Record
from edgefeat.sets.info import SetInfo

__all__ = ["PLAN", "CorpusPlan", "names_file", "part_file", "part_of", "read_plan"]

PLAN = "plan.json"
_VERSION = 1
_PART = re.compile(r"part-(\d{6,})\.parquet")


class CorpusPlan(Record):
    """What every part of a corpus has in common.

    Args:
        version: The version of this contract.
        info: The model, its outputs and how numbers are kept.
        options: The extractor's options that change a vector or refuse a picture, by keyword.
        on_damaged: What becomes of damaged pictures: `keep` or `fail`.
        part_size: Pictures a part.
        pictures: How many pictures there are.
        names_sha256: The hash of all names and where each picture is, in order.
        base: The folder from which relative names start, or null.
        image_column: The column of pictures in Parquet sources, or null.
        keep: Columns that are kept beside the features.
        sources: What the pictures were found in, without passwords.
        not_taken: How many files of the sources are no pictures, by kind.
        extra: Keys that this version does not know.
    """

    version: int = _VERSION
    info: SetInfo
    options: Mapping[str, Any]
    on_damaged: str
    part_size: int
    pictures: int
    names_sha256: str
    base: str | None
    image_column: str | None = None
    keep: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    not_taken: Mapping[str, int] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.version != _VERSION:
            raise OptionError(f"expected {_VERSION}, got {self.version}", option="version")
        if self.part_size < 1 or self.pictures < 1:
            raise OptionError("expected 1 or more pictures", option="pictures")

    @property
    def parts(self) -> int:
        """How many parts there are."""
        return -(-self.pictures // self.part_size)

    def size_of(self, part: int) -> int:
        """Return how many pictures a part has."""
        return min(self.part_size, self.pictures - part * self.part_size)

    def to_json(self) -> bytes:
        """Return the plan's file."""
        return json.dumps(codec.write(self), indent=1, ensure_ascii=False).encode() + b"\n"

    def check_same(self, there: CorpusPlan, place: str) -> None:
        """Raise if a place holds the plan of something else.

        Raises:
            SinkError: It does.
        """
        for what, mine, theirs in (
            ("model", self.info.fingerprint[:12], there.info.fingerprint[:12]),
            ("form of the numbers", self.info.store, there.info.store),
            ("options", dict(self.options), dict(there.options)),
            ("on_damaged", self.on_damaged, there.on_damaged),
            ("part size", self.part_size, there.part_size),
            ("number of pictures", self.pictures, there.pictures),
            ("list of pictures", self.names_sha256[:12], there.names_sha256[:12]),
            ("folder of relative names", self.base, there.base),
            ("column of pictures", self.image_column, there.image_column),
            ("kept columns", self.keep, there.keep),
        ):
            if mine != theirs:
                raise SinkError(
                    f"a plan with another {what} is here: {theirs}, not {mine}; nothing was "
                    "changed",
                    where=place,
                    remedy="Plan into another place, or go on with the plan that is here.",
                )


def read_plan(place: FilePlace) -> CorpusPlan:
    """Read the plan of a place.

    Raises:
        SourceError: There is none, or it cannot be read.
    """
    content = place.read(PLAN)
    if content is None:
        raise SourceError(
            f"no plan is here: there is no {PLAN}",
            where=place.name,
            remedy="Make one with `edgefeat plan SOURCES -o PLACE`.",
        )
    try:
        return codec.read(CorpusPlan, json.loads(content))
    except ValueError as error:
        raise SourceError(
            f"not a plan that this edgefeat reads: {error}",
            where=f"{place.name}/{PLAN}",
            remedy="Use the edgefeat that made it, or plan into another place.",
        ) from error


def names_file(part: int) -> str:
    """Return the name of the file that lists a part's pictures."""
    return f"_names/{part:06}.parquet"


def part_file(part: int) -> str:
    """Return the name of the file that holds a part's features."""
    return f"part-{part:06}.parquet"


def part_of(name: str) -> int | None:
    """Return the number of the part that a file holds; None if it holds none."""
    found = _PART.fullmatch(name)
    return None if found is None else int(found[1])
