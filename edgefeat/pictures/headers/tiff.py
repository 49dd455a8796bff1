"""Reads the first directory of a TIFF or BigTIFF: everything that decides how its pixels are read.

TIFF 6.0, its supplements, and the BigTIFF design of Aware Systems.
"""

from __future__ import annotations

import struct
from enum import IntEnum

from edgefeat.errors import ImageError
from edgefeat.pictures.formats import ImageFormat
from edgefeat.pictures.headers.base import ImageHeader, refused

__all__ = ["Compression", "Photometric", "TiffHeader", "read_tiff"]

_MOST_ENTRIES = 4096  # in a directory; TIFF 6.0 knows 74 tags
_MOST_VALUES = 2**20  # in one entry: a strip or tile each
_MOST_BANDS = 16
_SMALL = 2**22  # pixels of tiles that no picture fills, as some writers make them
_SIZES = {1: "B", 3: "H", 4: "I", 7: "B", 13: "I", 16: "Q", 18: "Q"}  # types of whole numbers


class Photometric(IntEnum):
    """How samples become colours."""

    WHITE_IS_ZERO = 0
    BLACK_IS_ZERO = 1
    RGB = 2
    PALETTE = 3
    MASK = 4
    INKS = 5
    YCBCR = 6
    CIELAB = 8


class Compression(IntEnum):
    """How strips and tiles are packed, as far as they are read."""

    NONE = 1
    CCITT_RLE = 2
    CCITT_G3 = 3
    CCITT_G4 = 4
    LZW = 5
    JPEG = 7
    DEFLATE = 8
    PACKBITS = 32773
    OLD_DEFLATE = 32946


_COLOURS = {
    Photometric.WHITE_IS_ZERO: 1,
    Photometric.BLACK_IS_ZERO: 1,
    Photometric.RGB: 3,
    Photometric.PALETTE: 1,
    Photometric.INKS: 4,
    Photometric.YCBCR: 3,
}
_UNREAD = {
    Photometric.MASK: "a transparency mask",
    Photometric.CIELAB: "CIE Lab colours",
    9: "ICC Lab colours",
    10: "ITU Lab colours",
    32803: "a camera's raw pixels",
    32844: "LogL values",
    32845: "LogLuv colours",
    34892: "a camera's raw pixels",
}
_UNREAD_COMPRESSIONS = {
    6: "old-style JPEG compression",
    34712: "JPEG 2000 compression",
    34925: "LZMA compression",
    50000: "Zstandard compression",
    50001: "WebP compression",
}
_NUMBERS = {2: "signed whole numbers", 3: "floating-point numbers", 5: "complex", 6: "complex"}


class TiffHeader(ImageHeader):
    """What the first directory says.

    Args:
        order: `<` or `>`, as `struct` has it.
        compression: How strips and tiles are packed.
        photometric: How samples become colours.
        bits: Number of bits in a sample.
        bands: Samples of a pixel, those that are no colour among them.
        extra: What each band after the colours is: 0 unknown, 1 alpha that colours were multiplied
            by, 2 alpha.
        planar: Whether each band is stored by itself.
        predictor: 2 if values are stored as differences along the row, else 1.
        fill_order: 2 if the bits of each byte are turned round, else 1.
        rows: Rows of a strip or tile.
        columns: Columns of a tile; None where there are strips.
        offsets: Where each strip or tile begins.
        lengths: Bytes of each.
        palette: The colour map: all reds, then all greens, then all blues.
        jpeg_tables: What JPEG strips share: their quantisation and Huffman tables.
        orientation_at: Where the orientation is written; None if it is not.
    """

    order: str
    compression: Compression
    photometric: Photometric
    bits: int
    bands: int
    extra: tuple[int, ...]
    planar: bool
    predictor: int
    fill_order: int
    rows: int
    columns: int | None
    offsets: tuple[int, ...]
    lengths: tuple[int, ...]
    palette: tuple[int, ...]
    jpeg_tables: bytes
    orientation_at: int | None

    @property
    def colours(self) -> int:
        """How many of the bands are colours."""
        return _COLOURS[self.photometric]


def read_tiff(data: bytes) -> TiffHeader:
    """Read the first directory, and refuse what no decoder here reads rightly.

    Raises:
        ImageError: The header is damaged, cut off, or of a kind that is not read.
    """
    tags = _Directory(data)
    _check_kind(tags)
    height, width = tags.one(257), tags.one(256)
    bands = tags.one(277, 1)
    bits = tags.all(258) or (1,)
    numbers = set(tags.all(339)) - {1, 4}
    if numbers:
        raise refused(f"a TIFF of {_NUMBERS.get(min(numbers), 'an unknown type of numbers')}")
    if not tags.has(262):
        raise ImageError("the TIFF header does not say how samples become colours")
    photometric = tags.one(262)
    if photometric in _UNREAD:
        raise refused(f"a TIFF of {_UNREAD[photometric]}")
    if len(set(bits)) != 1 or not 1 <= bits[0] <= 16:
        raise refused(f"a TIFF of {'+'.join(map(str, bits[:8]))} bits a sample")
    tiled = tags.has(324) or tags.has(322)
    rows = tags.one(323) if tiled else min(tags.one(278, height), height) or height
    columns = tags.one(322) if tiled else None
    if tags.one(317, 1) not in (1, 2):
        raise refused(f"a TIFF of predictor {tags.one(317)}")
    if bands > _MOST_BANDS:
        raise refused(f"a TIFF of {bands} bands")
    if columns is not None:
        _check_tiles(height, width, rows, columns)
    orientation = tags.one(274, 1)
    header = TiffHeader(
        format=ImageFormat.TIFF,
        height=height,
        width=width,
        orientation=orientation if 1 <= orientation <= 8 else 1,
        order=tags.order,
        compression=_compression(tags.one(259, 1)),
        photometric=_photometric(photometric),
        bits=bits[0],
        bands=bands,
        extra=_extra(tags, photometric, bands),
        planar=tags.one(284, 1) == 2 and bands > 1,
        predictor=tags.one(317, 1),
        fill_order=tags.one(266, 1),
        rows=rows,
        columns=columns,
        offsets=tags.all(324 if tiled else 273),
        lengths=tags.all(325 if tiled else 279),
        palette=tags.all(320),
        jpeg_tables=bytes(tags.all(347)),
        orientation_at=tags.place(274),
    )
    if not header.offsets:
        raise ImageError("the TIFF header is damaged: it does not say where the pixels are")
    return header


def _check_tiles(height: int, width: int, rows: int, columns: int) -> None:
    """Refuse tiles that need far more memory than the picture."""
    possible = rows > 0 and columns > 0
    if possible:
        padded = -(-height // rows) * rows * -(-width // columns) * columns
        possible = padded <= max(_SMALL, 4 * height * width)
    if not possible:
        raise ImageError("the TIFF header is damaged: its tiles have an impossible size")


def _check_kind(tags: _Directory) -> None:
    if tags.has(50706):
        raise refused("a camera's raw picture (DNG)", remedy="Develop it, and save it as JPEG.")
    if tags.one(254, 0) & 1 and tags.has(330):
        raise refused(
            "a TIFF whose first picture is a preview, as in a camera's raw pictures",
            remedy="Develop it, and save it as JPEG.",
        )


def _compression(value: int) -> Compression:
    try:
        return Compression(value)
    except ValueError:
        name = _UNREAD_COMPRESSIONS.get(value, f"compression {value}")
        raise refused(f"a TIFF with {name}") from None


def _photometric(value: int) -> Photometric:
    try:
        return Photometric(value)
    except ValueError:
        raise refused(f"a TIFF of photometric interpretation {value}") from None


def _extra(tags: _Directory, photometric: int, bands: int) -> tuple[int, ...]:
    """Return what the bands after the colours are.

    Raises:
        ImageError: It is not said, and not usual. Red, green, blue and a fourth band without a word
            is alpha, as for libtiff and Pillow.
    """
    more = bands - _COLOURS[_photometric(photometric)]
    if photometric == Photometric.INKS and tags.one(332, 1) != 1:
        raise refused("a TIFF of other inks than cyan, magenta, yellow and black")
    if more < 0:
        raise refused(f"a TIFF of {bands} bands and photometric interpretation {photometric}")
    said = tags.all(338)
    if more and not said:
        if photometric == Photometric.RGB and more == 1:
            return (2,)
        raise refused(f"a TIFF of {bands} bands that does not say what they are")
    return (*said, *([0] * more))[:more]


class _Directory:
    """The first directory's entries that hold whole numbers."""

    def __init__(self, data: bytes) -> None:
        self.order = "<" if data[:2] == b"II" else ">"
        (version,) = struct.unpack_from(self.order + "H", data, 2)
        self._data, self._big = data, version == 43
        self._places: dict[int, tuple[str, int, int]] = {}
        (start,) = struct.unpack_from(self.order + self._word, data, 8 if self._big else 4)
        (count,) = struct.unpack_from(self.order + ("Q" if self._big else "H"), data, start)
        if count > _MOST_ENTRIES:
            raise ImageError("the TIFF header is damaged")
        step, first = (20, start + 8) if self._big else (12, start + 2)
        for entry in range(first, first + step * count, step):
            tag, kind, length = struct.unpack_from(f"{self.order}HH{self._word}", data, entry)
            if kind in _SIZES and 1 <= length <= _MOST_VALUES and tag not in self._places:
                self._places[tag] = self._place(kind, length, entry + (12 if self._big else 8))

    @property
    def _word(self) -> str:
        return "Q" if self._big else "I"

    def _place(self, kind: int, length: int, inline: int) -> tuple[str, int, int]:
        form = _SIZES[kind]
        if struct.calcsize("=" + form) * length > (8 if self._big else 4):
            (inline,) = struct.unpack_from(self.order + self._word, self._data, inline)
        return form, length, inline

    def has(self, tag: int) -> bool:
        return tag in self._places

    def place(self, tag: int) -> int | None:
        return self._places[tag][2] if tag in self._places else None

    def all(self, tag: int) -> tuple[int, ...]:
        """Return an entry's values, none if there is no such entry."""
        if tag not in self._places:
            return ()
        form, length, place = self._places[tag]
        return struct.unpack_from(f"{self.order}{length}{form}", self._data, place)

    def one(self, tag: int, default: int | None = None) -> int:
        """Return an entry's first value.

        Raises:
            KeyError: There is no such entry, and no default.
        """
        if tag not in self._places and default is not None:
            return default
        form, _, place = self._places[tag]
        (value,) = struct.unpack_from(self.order + form, self._data, place)
        return int(value)
