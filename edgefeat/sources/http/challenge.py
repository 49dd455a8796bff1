"""Reads what a camera asks for when it refuses: the `WWW-Authenticate` headers of RFC 9110.

Cameras differ in spelling, order and quotes, and put several challenges into one header or into
several. What cannot be read is left out; no text raises an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

__all__ = ["Challenge", "challenges"]

_TOKEN = r"[^\s,=\"]+"  # noqa: S105 - no password
_FIELD = re.compile(rf"({_TOKEN})\s*=\s*(.*)", re.DOTALL)
_SCHEME_AND_FIELD = re.compile(rf"({_TOKEN})\s+({_TOKEN}\s*=(?!=).*)", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to log in that a camera offers.

    Attributes:
        scheme: Name of the way in lower case, such as `digest`.
        fields: What the camera says of it, by names in lower case.
    """

    scheme: str
    fields: Mapping[str, str]


def challenges(headers: list[str]) -> list[Challenge]:
    """Return the challenges of all `WWW-Authenticate` headers, in order."""
    found: list[Challenge] = []
    fields: dict[str, str] = {}
    for header in headers:
        fields = {}  # what stands before the first scheme belongs to none
        for item in _items(header):
            if named := _SCHEME_AND_FIELD.fullmatch(item):
                fields = {}
                found.append(Challenge(named[1].lower(), fields))
                item = named[2]
            if field := _FIELD.fullmatch(item):
                fields.setdefault(field[1].lower(), _unquoted(field[2]))
            elif item:
                fields = {}
                found.append(Challenge(item.split()[0].lower(), fields))
    return found


def _items(header: str) -> Iterator[str]:
    """Split at the commas outside quotes; a quote without its end reaches to the end."""
    start, quoted, escaped = 0, False, False
    for at, letter in enumerate(header):
        if escaped:
            escaped = False
        elif quoted and letter == "\\":
            escaped = True
        elif letter == '"':
            quoted = not quoted
        elif letter == "," and not quoted:
            yield header[start:at].strip()
            start = at + 1
    yield header[start:].strip()


def _unquoted(text: str) -> str:
    text = text.strip()
    if not text.startswith('"'):
        return text.strip("'")
    inner = text[1:-1] if len(text) > 1 and text.endswith('"') else text[1:]
    return _ESCAPED.sub(r"\1", inner)
