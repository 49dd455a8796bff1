"""What a picture's file was when it was read: size, time of change, and a hash of its bytes.

A file counts as unchanged while its size and time of change are the same, as for rsync. If only the
time differs, the bytes decide.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, overload

__all__ = [
    "DIGEST_BYTES",
    "FileStamp",
    "Look",
    "Stamps",
    "new_digest",
    "read_stamps",
    "still_the_same",
    "write_stamps",
]

DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStamp:
    """A file at one moment.

    Args:
        size_bytes: How long it was.
        mtime_ns: When it was last changed, in nanoseconds of Unix time.
        blake2b: The hash of its bytes, 32 hexadecimal digits; empty where nobody read them.
    """

    size_bytes: int
    mtime_ns: int
    blake2b: str = ""


class Look(Protocol):
    """Looks at the files that a set's names stand for."""

    def stamp(self, name: str) -> FileStamp | None:
        """Return a file's size and time of change, without its hash; None if it is gone."""

    def digest(self, name: str) -> str | None:
        """Return the hash of a file's bytes; None if it cannot be read."""


def new_digest() -> hashlib.blake2b:
    """Return the hash of nothing, to be fed with a file's bytes."""
    return hashlib.blake2b(digest_size=DIGEST_BYTES)


def still_the_same(name: str, before: FileStamp | None, look: Look) -> FileStamp | None:
    """Return what a file's stamp is now, if its bytes are those of before; else None.

    Args:
        name: Name of the file in the set.
        before: What the file was when its features were made.
        look: Looks at the files.
    """
    now = look.stamp(name)
    if now is None or before is None or now.size_bytes != before.size_bytes:
        return None
    if now.mtime_ns == before.mtime_ns:
        return before
    if look.digest(name) != before.blake2b:
        return None
    return replace(before, mtime_ns=now.mtime_ns)


def write_stamps(stamps: Sequence[FileStamp | None]) -> bytes:
    """Return stamps, some of which may be missing, as a JSON object of lists."""
    columns = {
        "size_bytes": [None if one is None else one.size_bytes for one in stamps],
        "mtime_ns": [None if one is None else one.mtime_ns for one in stamps],
        "blake2b": [None if one is None else one.blake2b for one in stamps],
    }
    return (json.dumps(columns) + "\n").encode()


class Stamps(Sequence["FileStamp | None"]):
    """Many stamps in 32 bytes each: a set may have millions.

    Args:
        columns: What `write_stamps` wrote, as lists.

    Raises:
        KeyError, TypeError, ValueError: It is something else.
    """

    def __init__(self, columns: Mapping[str, Sequence[Any]]) -> None:
        lengths = {len(columns[name]) for name in ("size_bytes", "mtime_ns", "blake2b")}
        if len(lengths) != 1:
            raise ValueError(f"columns of different lengths: {sorted(lengths)}")
        self._sizes = array("q", [-1 if one is None else one for one in columns["size_bytes"]])
        self._mtimes = array("q", [0 if one is None else one for one in columns["mtime_ns"]])
        nothing = "00" * DIGEST_BYTES
        digests = [bytes.fromhex(one or nothing) for one in columns["blake2b"]]
        if any(len(one) != DIGEST_BYTES for one in digests):
            raise ValueError(f"blake2b: expected {DIGEST_BYTES} bytes each")
        self._digests = b"".join(digests)

    @classmethod
    def missing(cls, count: int) -> Stamps:
        """Return stamps that nobody took."""
        return cls(dict.fromkeys(("size_bytes", "mtime_ns", "blake2b"), [None] * count))

    def __len__(self) -> int:
        return len(self._sizes)

    @overload
    def __getitem__(self, row: int) -> FileStamp | None: ...

    @overload
    def __getitem__(self, row: slice) -> Sequence[FileStamp | None]: ...

    def __getitem__(self, row: int | slice) -> FileStamp | Sequence[FileStamp | None] | None:
        if isinstance(row, slice):
            return [self[i] for i in range(*row.indices(len(self)))]
        size = self._sizes[row]
        if size < 0:
            return None
        digest = self._digests[row * DIGEST_BYTES : (row + 1) * DIGEST_BYTES]
        return FileStamp(size_bytes=size, mtime_ns=self._mtimes[row], blake2b=digest.hex())


def read_stamps(content: bytes) -> Stamps:
    """Return what `write_stamps` wrote.

    Raises:
        KeyError, TypeError, ValueError: It is something else.
    """
    return Stamps(json.loads(content))
