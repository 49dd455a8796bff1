"""Says from a file's first bytes what it is: a picture, one that is not read here, or none at all.

Names and folders lie about what is inside a file, its signature does not. What is not read has its
own name here, and what the user can do about it.
"""

from __future__ import annotations

from enum import StrEnum

from edgefeat.pictures.formats import ALWAYS_READ, FORMATS, ImageFormat
from edgefeat.record import Record

__all__ = ["FIRST_BYTES", "Group", "Kind", "kind_of"]

FIRST_BYTES = 512
"""How many bytes from a file's beginning `kind_of` looks at."""

_CONVERT = "Convert it to JPEG or PNG."
_DEVELOP = "Develop it, and save it as JPEG or TIFF."
_STREAM = "For its frames use `edgefeat.stream`, or `edgefeat stream FILE`."
_UNPACK = "Unpack it first."
_CHECK = "Check the file, or convert it to JPEG or PNG."


class Group(StrEnum):
    """What can be done with a file."""

    PICTURE = "picture"
    """It is read."""
    UNREAD = "unread picture"
    """A picture that this installation does not read."""
    VIDEO = "video"
    PAGE = "web page"
    ARCHIVE = "archive"
    OTHER = "other"
    """Known, but no picture: a document, a pointer, a program's own file."""
    UNKNOWN = "unknown"
    EMPTY = "empty"


class Kind(Record):
    """What a file is.

    Args:
        name: Short name of the format: "JPEG", "HEIC", "MP4", "ZIP"; "empty" and "unknown" where
            there is none.
        group: What can be done with it.
        format: How it is decoded; None for all that is never decoded.
        remedy: What the user can do to get its features, as whole sentences; None if it is read.
    """

    name: str
    group: Group
    format: ImageFormat | None = None
    remedy: str | None = None

    @property
    def key(self) -> str:
        """The name as counts and files have it: "heic", "jpeg-2000"."""
        return self.name.lower().replace(" ", "-").replace("/", "-")

    @property
    def problem(self) -> str:
        """What it is, in words that follow a file's name in a message."""
        if self.group is Group.EMPTY:
            return "the file is empty"
        if self.group is Group.UNKNOWN:
            return f"not a picture of a known format ({FORMATS})"
        if self.group in (Group.PICTURE, Group.UNREAD):
            return f"a picture in {self.name}, which is not read here"
        return f"{self.name}: {_NO_PICTURE[self.group]}"


_NO_PICTURE = {
    Group.VIDEO: "a video, no picture",
    Group.PAGE: "a web page, no picture",
    Group.ARCHIVE: "an archive, no picture",
    Group.OTHER: "no picture",
}


def kind_of(first_bytes: bytes) -> Kind:
    """Return what a file is.

    Args:
        first_bytes: The file's beginning, `FIRST_BYTES` of it where the file is as long; more does
            no harm.
    """
    head = bytes(first_bytes[:FIRST_BYTES])
    if not head:
        return Kind(name="empty", group=Group.EMPTY, remedy="Get the file again.")
    if (known := _format_of(head)) is not None:
        return _read(known)
    for look in (_by_start, _media, _text, _archive):
        if (kind := look(head)) is not None:
            return kind
    return Kind(name="unknown", group=Group.UNKNOWN, remedy=_CHECK)


def _read(known: ImageFormat) -> Kind:
    if known not in ALWAYS_READ:
        from edgefeat.pictures import codecs  # not at every start

        if not codecs.is_read(known):
            remedy = codecs.how_to_read(known)
            return Kind(name=str(known), group=Group.UNREAD, format=known, remedy=remedy)
    if known not in _KINDS_READ:
        _KINDS_READ[known] = Kind(name=str(known), group=Group.PICTURE, format=known)
    return _KINDS_READ[known]


_KINDS_READ: dict[ImageFormat, Kind] = {}


def _format_of(head: bytes) -> ImageFormat | None:
    for start, known in _PICTURES:
        if head.startswith(start):
            return None if known is ImageFormat.TIFF and _is_raw(head) else known
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return ImageFormat.WEBP
    if head[:2] == b"BM" and (len(head) < 18 or head[14:18] in _BMP_HEADERS):
        return ImageFormat.BMP
    if head[:1] == b"P" and head[1:2] in b"1234567" and head[2:3].isspace():
        return ImageFormat.NETPBM
    if head[4:8] == b"ftyp":
        brands = _brands(head)
        if brands & _AVIF_BRANDS:
            return ImageFormat.AVIF
        if brands & _HEIF_BRANDS:
            return ImageFormat.HEIC
    return None


_PICTURES = (
    (b"\xff\xd8\xff", ImageFormat.JPEG),
    (b"\x89PNG\r\n\x1a\n", ImageFormat.PNG),
    (b"GIF87a", ImageFormat.GIF),
    (b"GIF89a", ImageFormat.GIF),
    (b"II*\0", ImageFormat.TIFF),
    (b"MM\0*", ImageFormat.TIFF),
    (b"II+\0", ImageFormat.TIFF),  # BigTIFF
    (b"MM\0+", ImageFormat.TIFF),
    (b"\0\0\0\x0cjP  \r\n\x87\n", ImageFormat.JPEG2000),
    (b"\xff\x4f\xff\x51", ImageFormat.JPEG2000),
)
_BMP_HEADERS = frozenset(size.to_bytes(4, "little") for size in (12, 16, 40, 52, 56, 64, 108, 124))
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIF_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"mif2"}
)


def _brands(head: bytes) -> frozenset[bytes]:
    """Return the brands of an ISO media file: its own first, then those it is compatible with."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return frozenset({head[8:12]} | {head[at : at + 4] for at in range(16, end - 3, 4)})


def _is_raw(head: bytes) -> bool:
    return head[8:10] == b"CR"


# What a file starts with: name, group, remedy.
_STARTS: tuple[tuple[bytes, str, Group, str], ...] = (
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL", Group.UNREAD, _CONVERT),
    (b"\xff\x0a", "JPEG XL", Group.UNREAD, _CONVERT),
    (b"II\xbc\x01", "JPEG XR", Group.UNREAD, _CONVERT),
    (b"8BPS", "Photoshop", Group.UNREAD, _CONVERT),
    (b"DDS ", "DDS", Group.UNREAD, _CONVERT),
    (b"\x76\x2f\x31\x01", "OpenEXR", Group.UNREAD, _CONVERT),
    (b"#?RADIANCE", "Radiance HDR", Group.UNREAD, _CONVERT),
    (b"#?RGBE", "Radiance HDR", Group.UNREAD, _CONVERT),
    (b"\x59\xa6\x6a\x95", "Sun raster", Group.UNREAD, _CONVERT),
    (b"PF\n", "PFM", Group.UNREAD, _CONVERT),
    (b"Pf\n", "PFM", Group.UNREAD, _CONVERT),
    (b"\x01\xda", "SGI", Group.UNREAD, _CONVERT),
    (b"/* XPM */", "XPM", Group.UNREAD, _CONVERT),
    (b"BLP", "BLP", Group.UNREAD, _CONVERT),
    (b"gimp xcf", "GIMP", Group.UNREAD, _CONVERT),
    (b"qoif", "QOI", Group.UNREAD, _CONVERT),
    (b"icns", "Apple icon", Group.UNREAD, _CONVERT),
    (b"BPG\xfb", "BPG", Group.UNREAD, _CONVERT),
    (b"SIMPLE  =", "FITS", Group.UNREAD, _CONVERT),
    (b"\x8aMNG\r\n\x1a\n", "MNG", Group.UNREAD, _CONVERT),
    (b"\x8bJNG\r\n\x1a\n", "JNG", Group.UNREAD, _CONVERT),
    (b"\xd7\xcd\xc6\x9a", "WMF", Group.UNREAD, _CONVERT),
    (b"FUJIFILMCCD-RAW", "Fujifilm raw", Group.UNREAD, _DEVELOP),
    (b"IIRO", "Olympus raw", Group.UNREAD, _DEVELOP),
    (b"IIRS", "Olympus raw", Group.UNREAD, _DEVELOP),
    (b"IIU\0", "Panasonic raw", Group.UNREAD, _DEVELOP),
    (b"FOVb", "Sigma raw", Group.UNREAD, _DEVELOP),
    (b"\x1aE\xdf\xa3", "Matroska", Group.VIDEO, _STREAM),
    (b"FLV\1", "FLV", Group.VIDEO, _STREAM),
    (b"\0\0\1\xba", "MPEG", Group.VIDEO, _STREAM),
    (b"\0\0\1\xb3", "MPEG", Group.VIDEO, _STREAM),
    (b"0&\xb2u\x8ef\xcf\x11", "WMV", Group.VIDEO, _STREAM),
    (b"OggS", "Ogg", Group.VIDEO, _STREAM),
    (b"%PDF-", "PDF", Group.OTHER, "Save its pages or its pictures as JPEG or PNG."),
    (b"%!PS", "PostScript", Group.OTHER, "Save its pages as JPEG or PNG."),
    (b"\xc5\xd0\xd3\xc6", "PostScript", Group.OTHER, "Save its pages as JPEG or PNG."),
    (
        b"\xd0\xcf\x11\xe0",
        "Office document",
        Group.OTHER,
        "Save its pages or its pictures as JPEG or PNG.",
    ),
    (b"AT&TFORM", "DjVu", Group.OTHER, "Save its pages as JPEG or PNG."),
    (b"\0\5\x16\7", "AppleDouble", Group.OTHER, "It is what macOS keeps beside a file: leave it."),
    (
        b"version https://git-lfs",
        "Git LFS pointer",
        Group.OTHER,
        "Run `git lfs pull`, which fetches the file itself.",
    ),
)


_ICONS = {b"\1\0": "icon", b"\2\0": "cursor"}


def _by_start(head: bytes) -> Kind | None:
    for start, name, group, remedy in _STARTS:
        if head.startswith(start):
            return Kind(name=name, group=group, remedy=remedy)
    if head[:4] in (b"II*\0", b"MM\0*") and _is_raw(head):
        return Kind(name="Canon raw", group=Group.UNREAD, remedy=_DEVELOP)
    if head[:2] == b"\0\0" and head[2:4] in _ICONS and any(head[4:6]) and head[9:10] == b"\0":
        return Kind(name=_ICONS[head[2:4]], group=Group.UNREAD, remedy=_CONVERT)
    if head[128:132] == b"DICM":
        return Kind(name="DICOM", group=Group.UNREAD, remedy=_CONVERT)
    if (
        head[:1] == b"\n"
        and head[1:2] in (b"\0", b"\2", b"\3", b"\4", b"\5")
        and head[2:3] == b"\1"
    ):
        return Kind(name="PCX", group=Group.UNREAD, remedy=_CONVERT)
    if _may_be_tga(head):
        return Kind(name="TGA", group=Group.UNREAD, remedy=_CONVERT)
    return None


def _may_be_tga(head: bytes) -> bool:
    """Return whether each field of a TGA's header makes sense: it has no signature."""
    if len(head) < 18 or head[1] > 1 or head[2] not in (1, 2, 3, 9, 10, 11):
        return False
    size_is_there = any(head[12:14]) and any(head[14:16])
    return size_is_there and head[16] in (8, 15, 16, 24, 32) and head[17] & 0xC0 == 0


def _media(head: bytes) -> Kind | None:
    """Recognise videos by their containers."""
    name = None
    if head[4:8] == b"ftyp":
        if head[8:12] == b"crx ":
            return Kind(name="Canon raw", group=Group.UNREAD, remedy=_DEVELOP)
        name = "QuickTime" if head[8:12] == b"qt  " else "MP4"
    elif head[4:8] in (b"moov", b"mdat", b"wide", b"pnot"):
        name = "QuickTime"
    elif head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        name = "AVI"
    elif head[4:6] in (b"\x11\xaf", b"\x12\xaf"):
        name = "FLIC"
    elif head[:1] == b"G" and head[188:189] == b"G" and head[376:377] == b"G":
        name = "MPEG-TS"
    return None if name is None else Kind(name=name, group=Group.VIDEO, remedy=_STREAM)


def _text(head: bytes) -> Kind | None:
    """Recognise web pages and drawings in XML."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<svg", b"<?xml", b"<!--", b"<!doctype svg")) and b"<svg" in text:
        return Kind(name="SVG", group=Group.UNREAD, remedy="Draw it as PNG.")
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) or (
        text.startswith((b"<?xml", b"<!--")) and b"<html" in text
    ):
        remedy = "The server sent a page instead of the picture: download it again."
        return Kind(name="HTML", group=Group.PAGE, remedy=remedy)
    return None


def _archive(head: bytes) -> Kind | None:
    for start, name in _ARCHIVES:
        if head.startswith(start):
            return Kind(name=name, group=Group.ARCHIVE, remedy=_UNPACK)
    if head[257:262] == b"ustar":
        return Kind(name="TAR", group=Group.ARCHIVE, remedy=_UNPACK)
    return None


_ARCHIVES = (
    (b"PK\3\4", "ZIP"),
    (b"PK\5\6", "ZIP"),
    (b"\x1f\x8b", "GZIP"),
    (b"BZh", "BZIP2"),
    (b"\xfd7zXZ\0", "XZ"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\7", "RAR"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
)
