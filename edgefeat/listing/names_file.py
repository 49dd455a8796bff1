"""Names of pictures from a file or stdin: a line each, or ended by zero bytes (`find -print0`)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from edgefeat.errors import SourceError

__all__ = ["read_names"]

_AT_ONCE = 2**16
_LONGEST = 2**16  # bytes; no system has longer names
_BOM = b"\xef\xbb\xbf"


def read_names(source: str) -> Iterator[str]:
    """Yield the names in a file; empty ones are left out.

    Args:
        source: The file; `-` is stdin. If a zero byte is among its first 65536 bytes, names end
            with zero bytes, else with line ends.

    Raises:
        SourceError: It cannot be read, or is no list of names.
    """
    try:
        if source == "-":
            yield from _names(sys.stdin.buffer, "stdin")
        else:
            with Path(source).open("rb") as file:
                yield from _names(file, source)
    except FileNotFoundError as error:
        raise SourceError("no such file", where=source, remedy="Check the path.") from error
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror or error}", where=source) from error


def _names(file: IO[bytes], where: str) -> Iterator[str]:
    rest = file.read(_AT_ONCE).removeprefix(_BOM)
    end = b"\0" if b"\0" in rest else b"\n"
    while rest:
        part = file.read(_AT_ONCE)
        *whole, rest = (rest + part).split(end)
        if not part:
            whole, rest = [*whole, rest], b""
        for name in whole:
            plain = name.removesuffix(b"\r") if end == b"\n" else name
            if plain:
                yield os.fsdecode(plain)
        if len(rest) > _LONGEST:
            raise SourceError(
                f"a name of more than {_LONGEST} bytes",
                where=where,
                remedy="Give a list of names, each on a line of its own or ended by a zero byte.",
            )
