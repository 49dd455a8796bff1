"""A folder as people have them: 200 files of 30 kinds, each made by a line here."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from pathlib import Path

import cv2
import numpy as np

__all__ = ["KINDS", "TOTAL", "make_mixed_folder"]

TOTAL = 200
_MP4 = b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2"


def _encoded(suffix: str, seed: int) -> bytes:
    drawn = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), np.uint8)
    return cv2.imencode(suffix, drawn)[1].tobytes()


def _half(seed: int) -> bytes:
    """A JPEG that was cut in its middle and closed again."""
    drawn = np.random.default_rng(seed).integers(0, 256, (96, 96, 3), np.uint8)
    whole = cv2.imencode(".jpg", drawn)[1].tobytes()
    return whole[: len(whole) // 2] + b"\xff\xd9"


def _zip(seed: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("inside.jpg", _encoded(".jpg", seed))
    return file.getvalue()


def _tar(seed: int) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo(f"{seed}.txt"))
    return file.getvalue()


# Each kind: the names that such files have, what is in them, and what becomes of them: "row",
# "failed", "excluded", or the key under which it is counted as not taken.
KINDS: list[tuple[str, str, object, str]] = [
    ("jpeg", "IMG_{}.jpg", lambda seed: _encoded(".jpg", seed), "row"),
    ("jpeg, capital letters", "DSC{}.JPG", lambda seed: _encoded(".jpg", seed), "row"),
    ("jpeg called jfif", "web{}.jfif", lambda seed: _encoded(".jpg", seed), "row"),
    ("jpeg without a suffix", "download({})", lambda seed: _encoded(".jpg", seed), "row"),
    ("jpeg called png", "wrong{}.png", lambda seed: _encoded(".jpg", seed), "row"),
    ("jpeg, damaged", "half{}.jpg", _half, "row"),
    ("png", "screen {}.png", lambda seed: _encoded(".png", seed), "row"),
    ("png without a suffix", "shot{}", lambda seed: _encoded(".png", seed), "row"),
    ("webp", "chat{}.webp", lambda seed: _encoded(".webp", seed), "row"),
    ("bmp", "scan{}.bmp", lambda seed: _encoded(".bmp", seed), "row"),
    ("tiff", "scan{}.tif", lambda seed: _encoded(".tiff", seed), "row"),
    ("ppm", "camera{}.ppm", lambda seed: _encoded(".ppm", seed), "row"),
    ("truncated", "cut{}.jpg", lambda seed: _encoded(".jpg", seed)[:-40], "failed"),
    ("empty, called jpg", "zero{}.jpg", lambda _: b"", "failed"),
    ("a page called jpg", "gone{}.jpg", lambda _: b"<!doctype html><title>404</title>", "failed"),
    ("text called png", "note{}.png", lambda _: b"no picture", "failed"),
    ("photoshop", "draft{}.psd", lambda _: b"8BPS\0\1" + bytes(20), "photoshop"),
    ("jpeg xl", "new{}.jxl", lambda _: b"\xff\x0a" + bytes(20), "jpeg-xl"),
    ("svg", "logo{}.svg", lambda _: b'<svg xmlns="http://www.w3.org/2000/svg"/>', "svg"),
    ("video", "clip{}.mp4", lambda _: _MP4, "mp4"),
    ("video, apple", "live{}.MOV", lambda _: b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "quicktime"),
    ("avi", "old{}.avi", lambda _: b"RIFF\0\0\0\0AVI LIST", "avi"),
    ("page", "index{}.html", lambda _: b"<html><body>x</body></html>", "html"),
    ("pdf", "bill{}.pdf", lambda _: b"%PDF-1.7\n", "pdf"),
    ("zip", "backup{}.zip", _zip, "zip"),
    ("tar", "backup{}.tar", _tar, "tar"),
    ("text", "notes{}.txt", lambda _: b"Tuesday", "unknown"),
    ("sidecar", "IMG_{}.json", lambda seed: json.dumps({"taken": seed}).encode(), "unknown"),
    ("empty", "lock{}", lambda _: b"", "empty"),
    ("dot file", "._IMG_{}.jpg", lambda _: b"\0\5\x16\7" + bytes(20), "excluded"),
]


def make_mixed_folder(folder: Path) -> dict[str, int]:
    """Fill a folder; return how many files each thing becomes."""
    expected: dict[str, int] = {}
    for number in range(TOTAL):
        _, name, content, becomes = KINDS[number % len(KINDS)]
        place = folder / ("", "2019", "2024/summer", "Ordner für Fotos")[number % 4]
        place.mkdir(parents=True, exist_ok=True)
        (place / name.format(number)).write_bytes(content(number))  # type: ignore[operator]
        expected[becomes] = expected.get(becomes, 0) + 1
    return expected
