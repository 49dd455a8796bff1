"""What a file is, its first bytes say."""

from __future__ import annotations

import io
import tarfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image

from edgefeat import ImageError
from edgefeat.pictures import codecs
from edgefeat.pictures.decode import load_bgr
from edgefeat.pictures.formats import ImageFormat
from edgefeat.pictures.kind import Group, kind_of


def picture(kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "orange").save(file, kind)
    return file.getvalue()


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "a")
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.txt"))
    return file.getvalue()


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("JPEG", ImageFormat.JPEG),
        ("PNG", ImageFormat.PNG),
        ("WEBP", ImageFormat.WEBP),
        ("GIF", ImageFormat.GIF),
        ("BMP", ImageFormat.BMP),
        ("TIFF", ImageFormat.TIFF),
        ("PPM", ImageFormat.NETPBM),
        ("JPEG2000", ImageFormat.JPEG2000),
    ],
)
def test_pictures_that_are_read(kind: str, name: ImageFormat) -> None:
    found = kind_of(picture(kind))
    assert found.format is name
    assert found.group is (Group.PICTURE if codecs.is_read(name) else Group.UNREAD)
    assert (found.remedy is None) == codecs.is_read(name)


def ftyp(*brands: bytes) -> bytes:
    body = brands[0] + bytes(4) + b"".join(brands[1:])
    return (8 + len(body)).to_bytes(4, "big") + b"ftyp" + body + bytes(100)


@pytest.mark.parametrize(
    ("data", "name", "group"),
    [
        (b"\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0" + bytes(50), "icon", Group.UNREAD),
        (picture("DDS"), "DDS", Group.UNREAD),
        (picture("PCX"), "PCX", Group.UNREAD),
        (picture("SGI"), "SGI", Group.UNREAD),
        (picture("TGA"), "TGA", Group.UNREAD),
        (b"\xff\x0a" + bytes(50), "JPEG XL", Group.UNREAD),
        (b"8BPS\0\1" + bytes(50), "Photoshop", Group.UNREAD),
        (b'<?xml version="1.0"?>\n<svg width="4"/>', "SVG", Group.UNREAD),
        (b"II*\0\x10\0\0\0CR\2\0" + bytes(50), "Canon raw", Group.UNREAD),
        (ftyp(b"crx ", b"crx ", b"isom"), "Canon raw", Group.UNREAD),
        (ftyp(b"isom", b"iso2", b"avc1", b"mp41"), "MP4", Group.VIDEO),
        (ftyp(b"qt  "), "QuickTime", Group.VIDEO),
        (b"RIFF\0\0\0\0AVI LIST", "AVI", Group.VIDEO),
        (b"\x1aE\xdf\xa3" + bytes(50), "Matroska", Group.VIDEO),
        (b"G" + bytes(187) + b"G" + bytes(187) + b"G" + bytes(187), "MPEG-TS", Group.VIDEO),
        (b"\xef\xbb\xbf\n <!DOCTYPE html><html>", "HTML", Group.PAGE),
        (b"<html>404</html>", "HTML", Group.PAGE),
        (zipped(), "ZIP", Group.ARCHIVE),
        (tarred(), "TAR", Group.ARCHIVE),
        (b"\x1f\x8b\x08" + bytes(50), "GZIP", Group.ARCHIVE),
        (b"%PDF-1.7\n", "PDF", Group.OTHER),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer", Group.OTHER),
        (b"", "empty", Group.EMPTY),
        (b"BM is how this letter begins, and it is no bitmap", "unknown", Group.UNKNOWN),
        (b"P", "unknown", Group.UNKNOWN),
        (bytes(600), "unknown", Group.UNKNOWN),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_read_has_a_name_and_a_remedy(data: bytes, name: str, group: Group) -> None:
    kind = kind_of(data)
    assert (kind.name, kind.group, kind.format) == (name, group, None)
    assert kind.remedy is not None
    assert kind.remedy.endswith(".")
    with pytest.raises(ImageError) as caught:
        load_bgr(data)
    assert kind.problem == caught.value.problem
    assert kind.remedy == caught.value.remedy


def test_a_phones_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    heic = ftyp(b"heic", b"mif1", b"heic")
    assert kind_of(heic).group is (Group.PICTURE if find_spec("pillow_heif") else Group.UNREAD)
    assert kind_of(ftyp(b"mif1", b"mif1", b"avif")).format is ImageFormat.AVIF
    monkeypatch.setitem(codecs._found, ImageFormat.HEIC, False)
    with pytest.raises(ImageError) as caught:
        load_bgr(heic)
    assert str(caught.value) == (
        f"<{len(heic)} bytes>: a picture in HEIC, which is not read here. "
        "Run `pip install 'edgefeat[heif]'`, or convert it to JPEG or PNG."
    )
    assert kind_of(heic).key == "heic"
    monkeypatch.setitem(codecs._found, ImageFormat.AVIF, False)
    assert kind_of(ftyp(b"avif")).remedy == (
        "Convert it to JPEG or PNG, or install an OpenCV that is built with AVIF "
        "(`edgefeat doctor` lists what yours reads)."
    )


def test_every_first_byte_gives_a_kind(photos: Path) -> None:
    whole = (photos / "coffee.jpg").read_bytes()[:600]
    for first in range(256):
        for start in (bytes([first]), bytes([first]) * 20, bytes([first]) + whole):
            assert kind_of(start).name
