"""Reads the header of PBM, PGM, PPM and PAM (the Netpbm manuals)."""

from __future__ import annotations

import re

from edgefeat.errors import ImageError
from edgefeat.pictures.formats import ImageFormat
from edgefeat.pictures.headers.base import ImageHeader, cut_off, refused

__all__ = ["NetpbmHeader", "read_netpbm"]

_MOST = 2**16  # bytes of a header, comments and all
_NUMBER = re.compile(rb"(?:\s|#[^\r\n]*[\r\n])*(\d{1,9})(?=[\s#])")
_LINE = re.compile(rb"([^\r\n]*)\r?\n")
_BANDS = {1: 1, 2: 1, 3: 3, 4: 1, 5: 1, 6: 3}
_PAM = 7


class NetpbmHeader(ImageHeader):
    """The header of a Netpbm picture.

    Args:
        kind: The digit of its signature: 1 to 3 in plain text, 4 to 6 in bytes, 7 PAM.
        bands: 1 grey, 2 grey and alpha, 3 colour, 4 colour and alpha.
        most: The value of full brightness, 1 to 65535.
        pixels_at: Where the pixels begin.
    """

    kind: int
    bands: int
    most: int
    pixels_at: int

    @property
    def is_text(self) -> bool:
        """Whether numbers are written in digits."""
        return self.kind <= 3

    @property
    def row_bytes(self) -> int:
        """Bytes of a row, where numbers are not text."""
        if self.kind == 4:
            return (self.width + 7) // 8
        return self.width * self.bands * (2 if self.most > 255 else 1)


def read_netpbm(data: bytes) -> NetpbmHeader:
    """Read what the header says."""
    head = data[:_MOST]
    kind = head[1] - ord("0")
    if kind == _PAM:
        width, height, bands, most, place = _pam(head)
    else:
        width, place = _number(head, 2)
        height, place = _number(head, place)
        bands, most = _BANDS[kind], 1
        if kind not in (1, 4):
            most, place = _number(head, place)
        if kind in (4, 5, 6) or head[place : place + 1] == b"#":
            place = _after_one_space(head, place)
    if not 1 <= most <= 65535:
        raise refused(f"a {ImageFormat.NETPBM} picture whose greatest value is {most}")
    header = NetpbmHeader(
        format=ImageFormat.NETPBM,
        height=height,
        width=width,
        kind=kind,
        bands=bands,
        most=most,
        pixels_at=place,
    )
    if not header.is_text and place + header.row_bytes * height > len(data):
        raise cut_off(place + header.row_bytes * height, len(data))
    return header


def _number(head: bytes, place: int) -> tuple[int, int]:
    match = _NUMBER.match(head, place)
    if match is None:
        raise ImageError(f"the {ImageFormat.NETPBM} header is damaged or cut off")
    return int(match[1]), match.end()


def _after_one_space(head: bytes, place: int) -> int:
    """Return the place after the one space that ends a header, or after a comment there."""
    if head[place : place + 1] != b"#":
        return place + 1
    match = _LINE.match(head, place)
    if match is None:
        raise ImageError(f"the {ImageFormat.NETPBM} header is damaged or cut off")
    return match.end()


def _pam(head: bytes) -> tuple[int, int, int, int, int]:
    found: dict[bytes, int] = {}
    place = 3
    while (match := _LINE.match(head, place)) is not None:
        place = match.end()
        name, _, value = match[1].strip().partition(b" ")
        if name == b"ENDHDR":
            break
        if name in (b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL"):
            if not re.fullmatch(rb"\d{1,9}", value.strip()):
                raise ImageError("the PAM header is damaged")
            found[name] = int(value)
    if match is None or len(found) != 4:
        raise ImageError("the PAM header is damaged or cut off")
    bands = found[b"DEPTH"]
    if bands not in (1, 2, 3, 4):
        raise refused(f"a PAM of {bands} bands")
    return found[b"WIDTH"], found[b"HEIGHT"], bands, found[b"MAXVAL"], place
