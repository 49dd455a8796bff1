"""Every kind of picture people have becomes the same kind of pixels, or a clear refusal."""

from __future__ import annotations

import io
import os
import re
import struct
import threading
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from edgefeat import FeatureExtractor, ImageError, cosine_similarity
from edgefeat.errors import OptionError
from edgefeat.model.spec import Colour
from edgefeat.pictures.decode import load_bgr


@pytest.fixture(scope="module")
def photo(photos: Path) -> Image.Image:
    return Image.open(photos / "coffee.jpg").convert("RGB").resize((120, 80))


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def rgb(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB")).astype(int)


def loaded_rgb(data: object) -> np.ndarray:
    pixels = load_bgr(data)  # type: ignore[arg-type]
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == 3
    return pixels[..., ::-1].astype(int)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_formats_give_the_exact_pixels(photo: Image.Image, kind: str) -> None:
    assert np.array_equal(loaded_rgb(encoded(photo, kind)), rgb(photo))


@pytest.mark.parametrize(("kind", "near"), [("JPEG", 1), ("WEBP", 3), ("GIF", 0)])
def test_other_formats_equal_pillow(photo: Image.Image, kind: str, near: int) -> None:
    data = encoded(photo, kind)
    difference = np.abs(loaded_rgb(data) - rgb(Image.open(io.BytesIO(data))))
    assert difference.mean() <= near


def test_grey_jpeg_has_three_equal_channels(photo: Image.Image) -> None:
    pixels = loaded_rgb(encoded(photo.convert("L"), "JPEG"))
    assert np.array_equal(pixels[..., 0], pixels[..., 1])
    assert np.array_equal(pixels[..., 0], pixels[..., 2])


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_alpha_is_laid_on_white(photo: Image.Image, kind: str) -> None:
    alpha = Image.new("L", photo.size, 0)
    alpha.paste(255, (60, 0, 120, 80))
    alpha.paste(128, (40, 0, 60, 80))
    image = photo.copy()
    image.putalpha(alpha)
    white = Image.new("RGB", photo.size, "white")
    white.paste(image, mask=alpha)
    options = {"lossless": True} if kind == "WEBP" else {}
    got = loaded_rgb(encoded(image, kind, **options))
    assert np.all(got[:, :40] == 255)
    assert np.abs(got - rgb(white)).max() <= 1


def test_palette_with_a_transparent_colour(photo: Image.Image) -> None:
    image = photo.convert("P")
    transparent = np.asarray(image) == 7
    got = loaded_rgb(encoded(image, "PNG", transparency=7))
    assert np.all(got[transparent] == 255)
    assert np.array_equal(got[~transparent], rgb(image)[~transparent])


def test_sixteen_bits_become_eight(photo: Image.Image) -> None:
    grey = np.asarray(photo.convert("L")).astype(np.uint16)
    got = loaded_rgb(encoded(Image.fromarray(grey * 257), "PNG"))
    assert np.array_equal(got[..., 0], grey)


def test_cmyk_inks_become_colours(photo: Image.Image) -> None:
    got = loaded_rgb(encoded(photo.convert("CMYK"), "TIFF"))
    assert np.abs(got - rgb(photo)).mean() < 12


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_undone(photo: Image.Image, kind: str, orientation: int) -> None:
    turn_back = {
        1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]  # fmt: skip
    stored = photo if turn_back is None else photo.transpose(turn_back)
    exif = Image.Exif()
    exif[274] = orientation
    options: dict[str, object] = {"quality": 100} if kind in ("JPEG", "WEBP") else {}
    got = loaded_rgb(encoded(stored, kind, exif=exif, **options))
    assert got.shape == (80, 120, 3)
    assert np.abs(got - rgb(photo)).mean() < 6


def test_the_exif_twins_agree(shared: Path | None, photos: Path) -> None:
    """Two photos of one scene, the second stored lying on its side."""
    with FeatureExtractor() as extractor:
        if shared:
            twins = [shared / "photos" / f"exif_landscape_{n}.jpg" for n in (1, 6)]
            upright, turned = (extractor.extract(path) for path in twins)
            # 0.96 in Keras too: the photographer wrote "1" on one and "6" on the other.
            assert cosine_similarity(upright, turned) > 0.93
        image = Image.open(photos / "rocket.jpg")
        exif = Image.Exif()
        exif[274] = 6
        lying = encoded(image.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif, quality=95)
        features = extractor.extract(photos / "rocket.jpg"), extractor.extract(lying)
        assert cosine_similarity(*features) > 0.98


def test_pil_images_equal_their_files(photos: Path, photo: Image.Image) -> None:
    data = encoded(photo, "PNG")
    assert np.array_equal(load_bgr(photo), load_bgr(data))
    assert np.array_equal(load_bgr(Image.open(io.BytesIO(data))), load_bgr(data))
    grey16 = Image.fromarray(np.asarray(photo.convert("L")).astype(np.uint16) * 257)
    assert np.array_equal(load_bgr(grey16), load_bgr(photo.convert("L")))
    clear = photo.copy()
    clear.putalpha(0)
    assert np.all(load_bgr(clear) == 255)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((4, 5), (4, 5, 3)), ((4, 5, 1), (4, 5, 3)), ((4, 5, 3), (4, 5, 3)), ((4, 5, 4), (4, 5, 3))],
    ids=str,
)
def test_arrays_of_every_layout(shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    array = np.full(shape, 255, np.uint8)
    assert load_bgr(array).shape == expected


def test_array_colour_order_is_what_is_said() -> None:
    red_bgr = np.zeros((2, 2, 3), np.uint8)
    red_bgr[..., 2] = 255
    assert np.array_equal(load_bgr(red_bgr), red_bgr)
    red_rgb = np.ascontiguousarray(red_bgr[..., ::-1])
    assert np.array_equal(load_bgr(red_rgb, colour=Colour.RGB), red_bgr)


def test_views_and_read_only_arrays_work(photo: Image.Image) -> None:
    frame = np.asarray(photo)[::-1, ::2, ::-1]
    assert not frame.flags.c_contiguous
    with FeatureExtractor() as extractor:
        features = extractor.extract(frame)
        assert np.array_equal(features, extractor.extract(np.ascontiguousarray(frame)))


def test_a_non_ascii_path(photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "café 写真 🐈.jpg"
    path.write_bytes((photos / "chelsea.jpg").read_bytes())
    assert load_bgr(path).shape == (300, 451, 3)
    raw = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.jpg")
    Path(raw).write_bytes((photos / "chelsea.jpg").read_bytes())
    assert load_bgr(raw).shape == (300, 451, 3)


def test_an_array_of_sixteen_bits_gives_the_pixels_of_its_file(
    photos: Path, tmp_path: Path
) -> None:
    eight = cv2.imread(str(photos / "coffee.jpg")).astype(np.uint16)
    ramp = np.arange(eight.size, dtype=np.uint16).reshape(eight.shape)  # every value there is
    for name, array in {
        "photo": eight * 257 - eight,
        "ramp": ramp,
        "grey": ramp[..., 0].copy(),
        "alpha": np.dstack((ramp, ramp[::-1, :, 0])),
    }.items():
        path = tmp_path / f"{name}.png"
        assert cv2.imwrite(str(path), array)
        np.testing.assert_array_equal(load_bgr(array), load_bgr(path), name)
        big_endian = array.astype(">u2")
        np.testing.assert_array_equal(load_bgr(big_endian), load_bgr(path), name)
    rgb16 = np.ascontiguousarray(ramp[..., ::-1])
    np.testing.assert_array_equal(load_bgr(rgb16, colour=Colour.RGB), load_bgr(ramp))


def test_an_open_file_is_read_from_where_it_stands_and_left_open(photos: Path) -> None:
    path = photos / "coffee.jpg"
    with path.open("rb") as file:
        np.testing.assert_array_equal(load_bgr(file), load_bgr(path))
        assert not file.closed
        file.seek(0)
        np.testing.assert_array_equal(load_bgr(file), load_bgr(path))
    memory = io.BytesIO(b"a header of another format" + path.read_bytes())
    memory.seek(26)
    np.testing.assert_array_equal(load_bgr(memory), load_bgr(path))


def test_an_open_file_that_was_read_before_is_told_so(photos: Path) -> None:
    with (photos / "coffee.jpg").open("rb") as file:
        load_bgr(file)
        with pytest.raises(ImageError) as caught:
            load_bgr(file)
    assert str(caught.value) == (
        f"{photos}/coffee.jpg: nothing is left to read: the open file stands at its end, byte "
        "140582. Go back to the picture's beginning with `file.seek(0)`."
    )


def test_an_unbuffered_pipe_is_read_to_its_end(photos: Path) -> None:
    data = (photos / "coffee.jpg").read_bytes()
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(data)

    thread = threading.Thread(target=write)
    thread.start()
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        np.testing.assert_array_equal(load_bgr(pipe), load_bgr(data))
    thread.join()


def test_open_files_that_give_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "page.jpg"
    path.write_text("<html>404</html>")
    with path.open("rb") as file, pytest.raises(ImageError) as caught:
        load_bgr(file)
    assert str(caught.value).startswith(f"{path}: HTML: a web page, no picture. The server sent")
    with pytest.raises(
        ImageError, match=r"page\.jpg: cannot be read: read of closed file\. Open it"
    ):
        load_bgr(file)
    with path.open() as text, pytest.raises(TypeError, match="Open it with mode 'rb'"):
        load_bgr(text)  # type: ignore[arg-type]
    with pytest.raises(ImageError, match="more than a picture of 10 pixels can need") as caught:
        load_bgr(io.BytesIO(bytes(2**21)), max_pixels=10)
    assert caught.value.option == "max_pixels"


def test_none_is_told_where_it_comes_from() -> None:
    with pytest.raises(ImageError) as caught:
        load_bgr(cv2.imread("no-such-file.jpg"))
    assert str(caught.value) == (
        "expected a picture, got None. cv2.imread returns None where it cannot read the file: pass "
        "the path itself, and the message says what is wrong with it."
    )


KINDS = "expected uint8, values 0 to 255, or uint16, values 0 to 65535, got"
LAYOUTS = "expected one picture of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)"


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (
            np.zeros((4, 4, 3), np.float32),
            f"<array float32 (4, 4, 3)>: {KINDS} float32. For floats in 0..1 pass "
            "(x * 255).round().astype('uint8').",
        ),
        (
            np.full((4, 4, 3), np.nan),
            f"<array float64 (4, 4, 3)>: {KINDS} float64. For floats in 0..1 pass "
            "(x * 255).round().astype('uint8').",
        ),
        (
            np.zeros((4, 4), bool),
            f"<array bool (4, 4)>: {KINDS} bool. For a mask pass x.astype('uint8') * 255.",
        ),
        (
            np.zeros((4, 4), np.int64),
            f"<array int64 (4, 4)>: {KINDS} int64. Scale the values to 0..255 and pass them as "
            "uint8.",
        ),
        (
            np.zeros((2, 4, 4, 3), np.uint8),
            f"<array uint8 (2, 4, 4, 3)>: {LAYOUTS}. For several pictures use extract_batch.",
        ),
        (
            np.zeros((4, 4, 2), np.uint8),
            f"<array uint8 (4, 4, 2)>: {LAYOUTS}. For several pictures use extract_batch.",
        ),
        (
            np.zeros((0, 4, 3), np.uint8),
            "<array uint8 (0, 4, 3)>: a picture without pixels. Check the crop or capture.",
        ),
    ],
    ids=["float", "nan", "bool", "int", "batch", "two-channels", "empty"],
)
def test_arrays_that_are_no_picture(array: np.ndarray, message: str) -> None:
    with pytest.raises(ImageError) as caught:
        load_bgr(array)
    assert str(caught.value) == message


def test_things_that_are_no_picture() -> None:
    with pytest.raises(TypeError) as caught:
        load_bgr(3)  # type: ignore[arg-type]
    assert str(caught.value) == (
        "image: expected a path, bytes, an open binary file, a NumPy array or a PIL image, got "
        "builtins.int"
    )


def png_bomb(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        seal = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", seal)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_a_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_bomb(60_000, 60_000))
    with pytest.raises(ImageError) as caught:
        load_bgr(path)
    assert str(caught.value) == (
        f"{path}: 60000x60000 is 3600000000 pixels, more than the limit of 100000000. "
        "Shrink the picture, or raise max_pixels if it is meant."
    )


@pytest.mark.parametrize("wrong", [0, -1, 2.5, "x", None])
def test_a_pixel_limit_is_a_whole_number(wrong: Any) -> None:
    with pytest.raises(OptionError) as caught:
        FeatureExtractor(max_pixels=wrong)
    assert str(caught.value) == (
        f"max_pixels: expected a whole number of 1 or more, got {wrong!r}."
    )


def test_the_pixel_limit_is_an_option(photo: Image.Image) -> None:
    data = encoded(photo, "PNG")
    with FeatureExtractor(max_pixels=120 * 80 - 1) as extractor, pytest.raises(ImageError):
        extractor.extract(data)
    with FeatureExtractor(max_pixels=120 * 80) as extractor:
        extractor.extract(data)
    with pytest.raises(ImageError, match="is 9600 pixels, more than the limit of 10"):
        load_bgr(photo, max_pixels=10)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_truncated_files_are_refused(
    photo: Image.Image, tmp_path: Path, kind: str, share: float
) -> None:
    data = encoded(photo, kind)
    path = tmp_path / "cut"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ImageError, match=f"^{re.escape(str(path))}: "):
        load_bgr(path)


@pytest.mark.parametrize("seed", range(40))
def test_damaged_files_never_end_the_process(photo: Image.Image, seed: int) -> None:
    rng = np.random.default_rng(seed)
    kind = ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM"][seed % 7]
    data = np.frombuffer(encoded(photo, kind), np.uint8).copy()
    for place in rng.integers(0, min(len(data), 400), 4):
        data[place] = rng.integers(0, 256)
    with suppress(ImageError):  # a picture or this error: nothing else, and no crash
        pixels = load_bgr(data.tobytes(), max_pixels=10_000_000)
        assert pixels.dtype == np.uint8


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        (
            "note.jpg",
            b"no picture at all",
            "not a picture of a known format (JPEG, PNG, WebP, GIF, BMP, TIFF, PBM/PGM/PPM, AVIF, "
            "JPEG 2000, HEIC)",
        ),
        ("short.png", b"\x89PNG\r\n\x1a\n", "the PNG header is damaged"),
        ("zero.gif", b"GIF89a\0\0\0\0\0\0\0;", "the header claims 0x0 pixels"),
    ],
    ids=["text", "signature-only", "no-size"],
)
def test_files_that_are_no_picture(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(ImageError) as caught:
        load_bgr(path)
    assert str(caught.value) == f"{path}: {reason}. Check the file, or convert it to JPEG or PNG."


def test_paths_that_give_no_bytes(tmp_path: Path) -> None:
    fifo = tmp_path / "camera.jpg"
    os.mkfifo(fifo)
    refused: list[str] = []

    def look() -> None:
        urls = Path("https://example.org/cat.jpg"), "rtsp://me:secret@door/live"
        for path in (tmp_path / "none.jpg", tmp_path, fifo, *urls):
            with pytest.raises(ImageError) as caught:
                load_bgr(path)
            refused.append(str(caught.value))

    thread = threading.Thread(target=look, daemon=True)  # a FIFO must not block for ever
    thread.start()
    thread.join(10)
    assert refused == [
        f"{tmp_path}/none.jpg: no such file. Check the path.",
        f"{tmp_path}: a folder, expected a picture. For a folder use `edgefeat.extract_folder`, or "
        "`edgefeat extract FOLDER`.",
        f"{fifo}: not a regular file. Save the picture to a file first.",
        "https://example.org/cat.jpg: no such file. URLs are not fetched: download the picture, or "
        "pass its bytes.",
        "rtsp://***@door/live: no such file. For the frames of a camera use `edgefeat.stream`, or "
        "`edgefeat stream URL`.",
    ]


def test_reduced_decoding_keeps_what_is_asked_for(photos: Path) -> None:
    big = cv2.resize(cv2.imread(str(photos / "rocket.jpg")), (2000, 1500))
    data = cv2.imencode(".jpg", big)[1].tobytes()
    assert load_bgr(data).shape == (1500, 2000, 3)
    assert load_bgr(data, keep_side=448).shape == (750, 1000, 3)
    assert load_bgr(data, keep_side=375).shape == (375, 500, 3)
    assert load_bgr(data, keep_side=1501).shape == (1500, 2000, 3)
