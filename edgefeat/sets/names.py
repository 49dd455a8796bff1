"""How names are written: UTF-8 in every format, also where a file's name is not.

Names of files are bytes. Those that are not UTF-8 are written as `bytes:` and the name with each
odd byte as %XX, as in addresses of the web: `caf\\xe9.jpg` becomes `bytes:caf%E9.jpg`. So is a name
that begins with `bytes:` itself, or holds a zero byte: reading gives back exactly what was written.
"""

from __future__ import annotations

import os
import string
from urllib.parse import quote_from_bytes, unquote_to_bytes

from edgefeat.errors import SinkError

__all__ = ["decode_name", "encode_name"]

_PREFIX = "bytes:"
_PLAIN = "".join(set(string.printable) - set("%" + string.whitespace)) + " "


def encode_name(name: str) -> str:
    """Return a name as text that every program can read.

    Args:
        name: Name that Python gave; bytes that are not UTF-8 are surrogates in it.

    Raises:
        SinkError: It holds surrogates that stand for no byte.
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        pass
    else:
        if not name.startswith(_PREFIX) and "\0" not in name:
            return name
    try:
        raw = name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise SinkError(
            f"the name {name!r} is neither text nor bytes",
            remedy="Name it by what os.fsdecode gives.",
        ) from error
    return _PREFIX + quote_from_bytes(raw, safe=_PLAIN)


def decode_name(text: str) -> str:
    """Return the name that `encode_name` wrote."""
    if not text.startswith(_PREFIX):
        return text
    return os.fsdecode(unquote_to_bytes(text.removeprefix(_PREFIX)))
