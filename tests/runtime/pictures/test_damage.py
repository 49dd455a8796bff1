"""Damage that a decoder reports has the picture's name, and stderr stays the program's own."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from edgefeat import FeatureExtractor, ImageError
from edgefeat.errors import DamagedPictureWarning
from edgefeat.pictures import codecs
from edgefeat.pictures.decode import load_bgr
from edgefeat.pictures.formats import ImageFormat
from edgefeat.pictures.headers import read_header
from edgefeat.pictures.headers.jpeg import read_jpeg
from edgefeat.pictures.headers.tiff import TiffHeader
from edgefeat.pictures.native_words import can_listen

pytestmark = pytest.mark.skipif(not can_listen(), reason="no glibc: nothing is heard")


@pytest.fixture(scope="module")
def half(photos: Path) -> bytes:
    data = (photos / "coffee.jpg").read_bytes()
    return data[: len(data) // 2] + b"\xff\xd9"


def test_half_a_jpeg_warns_at_the_callers_line(half: bytes, tmp_path: Path) -> None:
    path = tmp_path / "half.jpg"
    path.write_bytes(half)
    with pytest.warns(DamagedPictureWarning) as warned:
        pixels = load_bgr(path)
    assert pixels.shape == (400, 600, 3)
    assert warned[0].filename == __file__
    assert str(warned[0].message) == (
        f'{path}: a damaged JPEG: its decoder says "Corrupt JPEG data: premature end of data '
        'segment" and made up what is missing. Get the file again.'
    )


def test_a_callback_hears_of_it_and_may_refuse(half: bytes, photos: Path) -> None:
    heard: list[DamagedPictureWarning] = []
    load_bgr(half, on_damaged=heard.append)
    load_bgr(photos / "coffee.jpg", on_damaged=heard.append)
    assert [one.where for one in heard] == [f"<{len(half)} bytes>"]

    def refuse(warning: DamagedPictureWarning) -> None:
        raise ImageError(warning.problem, where=warning.where, remedy=warning.remedy)

    with FeatureExtractor() as extractor:
        extractor.prepare(half, on_damaged=heard.append)
        assert len(heard) == 2
        with pytest.raises(ImageError, match="a damaged JPEG"):
            extractor.decode(half, on_damaged=refuse)


def test_warnings_may_be_errors(half: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", DamagedPictureWarning)
        with pytest.raises(DamagedPictureWarning):
            load_bgr(half)


def test_threads_hear_their_own_pictures(
    half: bytes, photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sound = (photos / "coffee.jpg").read_bytes()
    paths = []
    for number in range(40):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(half if number % 3 == 0 else sound)
        paths.append(path)
    heard: list[str] = []
    with ThreadPoolExecutor(4) as pool:
        list(
            pool.map(lambda p: load_bgr(p, on_damaged=lambda w: heard.append(str(w.where))), paths)
        )
    assert sorted(heard) == sorted(str(path) for path in paths[::3])
    assert capfd.readouterr().err == ""


NATIVE = """
import ctypes, os, sys, threading
from edgefeat.pictures.decode import load_bgr
from edgefeat.pictures.native_words import listening
path = sys.argv[1]
c = ctypes.CDLL(None)
stderr = ctypes.c_void_p.in_dll(c, "stderr")
before = stderr.value
inside, done = threading.Event(), threading.Event()

def listen():
    with listening():
        inside.set()
        done.wait(20)

thread = threading.Thread(target=listen)
thread.start()
inside.wait(20)
c.fputs(b"another thread's words\\n", stderr)
os.write(2, b"a plain write\\n")
child = os.fork()
if not child:
    assert stderr.value == before
    load_bgr(path, on_damaged=lambda warning: os.write(2, b"heard in the child\\n"))
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
done.set()
thread.join()
assert stderr.value == before
c.fputs(b"as before\\n", stderr)
"""


def test_other_threads_and_children_keep_their_stderr(half: bytes, tmp_path: Path) -> None:
    path = tmp_path / "half.jpg"
    path.write_bytes(half)
    done = subprocess.run(
        # Python warns that a process with threads forks, which is what is tested.
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", NATIVE, str(path)],
        capture_output=True, text=True, timeout=60, check=False, env=os.environ,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [
        "another thread's words",
        "a plain write",
        "heard in the child",
        "as before",
    ]


def test_opencvs_log_level_is_put_back(half: bytes) -> None:

    warning, info = 3, 4
    opencv = getattr(cv2.utils, "logging", cv2)  # OpenCV 5, OpenCV 4
    before = opencv.getLogLevel()
    try:
        for level in (warning, info):
            opencv.setLogLevel(level)
            load_bgr(half, on_damaged=lambda _: None)
            assert opencv.getLogLevel() == level
    finally:
        opencv.setLogLevel(before)


def damage_of(data: bytes) -> tuple[np.ndarray, list[str]]:
    heard: list[DamagedPictureWarning] = []
    pixels = load_bgr(data, on_damaged=heard.append)
    return pixels, [one.problem for one in heard]


def saved(kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.arange(40 * 60 * 3, dtype=np.uint8).reshape(40, 60, 3)).save(
        file, kind, **options
    )
    return file.getvalue()


@pytest.mark.parametrize("gone", [1, 4, 11, 12])
def test_a_png_without_its_end_chunk_is_whole(gone: int) -> None:
    data = saved("PNG")
    pixels, heard = damage_of(data[:-gone])
    assert np.array_equal(pixels, load_bgr(data))
    assert heard == ["a damaged PNG: the end chunk is missing, though every pixel is there"]
    with pytest.raises(ImageError, match="the file is truncated: the PNG end chunk is missing"):
        load_bgr(data[:-13])


def test_a_gif_without_its_trailer_is_whole() -> None:
    data = saved("GIF")
    if not codecs.is_read(ImageFormat.GIF):
        with pytest.raises(ImageError, match="a picture in GIF, which is not read here"):
            load_bgr(data)
        return
    pixels, heard = damage_of(data[:-1])
    assert np.array_equal(pixels, load_bgr(data))
    assert heard == ["a damaged GIF: the trailer is missing, though the first picture is whole"]
    for gone in (2, 3, 50):
        with pytest.raises(ImageError, match="the file is truncated: the GIF trailer is missing"):
            load_bgr(data[:-gone])


def test_a_harmless_oddity_does_not_hide_damage(half: bytes) -> None:
    """libjpeg tells only of the first oddity in a file."""
    table = half.index(b"\xff\xdb")
    junk = half[:table] + b"\0\1\2" + half[table:]
    version = half.index(b"JFIF\0") + 5
    jfif = half[:version] + b"\x09" + half[version + 1 :]
    for odd in (junk, jfif):
        assert len(damage_of(odd)[1]) == 1
    whole = saved("JPEG")
    version = whole.index(b"JFIF\0") + 5
    assert damage_of(whole[:version] + b"\x09" + whole[version + 1 :])[1] == []


def test_a_decoders_last_words_stand_in_the_error(photos: Path) -> None:
    data = bytearray(saved("PNG"))
    data[data.index(b"IDAT") + 40] ^= 255
    with pytest.raises(ImageError) as caught:
        load_bgr(bytes(data))
    assert caught.value.problem.startswith("a PNG of 60x40 that cannot be decoded")


@pytest.mark.parametrize("width", [60, 61])  # rows of an even and of an odd number of bytes
@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "tiff_adobe_deflate", None])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_damaged_strips_of_a_tiff_are_refused(
    width: int, compression: str | None, mode: str
) -> None:
    """OpenCV alone gives zeros for what is missing, and says nothing."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (40, width, 3), np.uint8) // 8
    file = io.BytesIO()
    image = Image.fromarray(pixels).convert(mode)
    image.save(file, "TIFF", **({"compression": compression} if compression else {}))
    data = file.getvalue()
    assert np.array_equal(load_bgr(data)[..., ::-1], np.asarray(image.convert("RGB")))
    header = read_header(data)
    assert isinstance(header, TiffHeader)
    start, length = header.offsets[-1], header.lengths[-1]
    # The strip ends early: the rest of the file is there, the rest of the picture is not.
    cut = struct.pack("<I", length - 40)
    short = data.replace(struct.pack("<I", length), cut)
    if compression is None:  # then nothing is packed, and a wrong length may be a slip
        short = data[: start + length - 40]
    with pytest.raises(ImageError):
        load_bgr(short)


def test_a_bmp_whose_run_length_code_ends_early() -> None:
    header = struct.pack("<IiiHHIIiiII", 40, 8, 8, 1, 8, 1, 0, 0, 0, 2, 0)
    palette = bytes([0, 0, 0, 0, 50, 100, 150, 0])

    def bmp(code: bytes) -> bytes:
        start = 14 + len(header) + len(palette)
        head = struct.pack("<2sIHHI", b"BM", start + len(code), 0, 0, start)
        return head + header + palette + code

    row, end = b"\x08\1\0\0", b"\0\1"
    assert damage_of(bmp(row * 8 + end))[1] == []
    pixels, heard = damage_of(bmp(row * 6 + end))
    assert heard == ["a damaged BMP: its run-length code ends 2 rows early, and those are filled"]
    assert pixels[2:].tolist() == np.full((6, 8, 3), [50, 100, 150]).tolist()
    for code in (row * 3 + end, row * 6, row * 7 + b"\0\2", row * 7 + b"\0\2\1"):
        with pytest.raises(ImageError, match="the file is truncated: 8 rows announced"):
            load_bgr(bmp(code))


def test_a_jpegs_header_is_read_to_any_length(photos: Path) -> None:
    """It is also read for strips of a TIFF, where nothing else looks at the bytes first."""
    data = (photos / "coffee.jpg").read_bytes()[:2000]
    for length in range(len(data)):
        with pytest.raises(ImageError):
            read_jpeg(data[:length])
