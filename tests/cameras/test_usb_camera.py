"""USB cameras through OpenCV's own Video4Linux code: JPEGs as bytes, other formats as ever."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import edgefeat
from usb_camera import usb_camera

PHOTOS = Path(__file__).parents[1] / "data" / "photos"
PROGRAM = [sys.executable, "-m", "edgefeat", "stream"]
FULL_HD, VGA = (1080, 1920), (480, 640)


@dataclass
class Run:
    """What one run of `edgefeat stream` said."""

    records: list[dict[str, Any]]
    health: dict[str, Any]
    log: str

    def features(self) -> set[bytes]:
        return {np.array(one["features"], np.float32).tobytes() for one in self.records}


def stream(
    folder: Path, frames: dict[str, list[bytes]], *words: str, size_hw: Any = VGA, **camera: Any
) -> Run:
    with usb_camera(frames, size_hw=size_hw, **camera) as (path, environment):
        output, health = folder / "out.jsonl", folder / "health.json"
        done = subprocess.run(
            [*PROGRAM, path, *words, "-o", output, "--health", health, "--overwrite"],
            env=environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = output.read_text().splitlines()
    return Run([json.loads(line) for line in lines], json.loads(health.read_text()), done.stderr)


def photo(size_hw: tuple[int, int], name: str = "coffee.jpg") -> NDArray[np.uint8]:
    whole = cv2.imread(str(PHOTOS / name))
    assert whole is not None
    return cv2.resize(whole, size_hw[::-1]).astype(np.uint8, copy=False)


def jpeg(picture: NDArray[np.uint8]) -> bytes:
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())


def without_tables(data: bytes) -> bytes:
    """The same JPEG without Huffman tables, as UVC cameras send it (DHT segments, 0xC4)."""
    parts, at = [data[:2]], 2
    while True:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] != 0xC4:
            parts.append(data[at:end])
        at = end
        if parts[-1][1] == 0xDA:
            return b"".join(parts) + data[at:]


@pytest.fixture(scope="module")
def fx() -> Iterator[edgefeat.FeatureExtractor]:
    with edgefeat.FeatureExtractor() as extractor:
        yield extractor


def test_jpegs_give_the_features_of_files(tmp_path: Path, fx: edgefeat.FeatureExtractor) -> None:
    names = ("coffee.jpg", "chelsea.jpg")
    frames = [jpeg(photo(FULL_HD, name)) for name in names]
    run = stream(tmp_path, {"MJPG": frames}, "--frames", "12", size_hw=FULL_HD)
    as_files = {fx.extract(frame).tobytes() for frame in frames}
    decoded_whole = {
        fx.extract(cv2.imdecode(np.frombuffer(frame, np.uint8), cv2.IMREAD_COLOR)).tobytes()
        for frame in frames
    }
    assert run.features() == as_files  # reduced while they were decoded, by the rule for files
    assert not as_files & decoded_whole
    assert run.health["garbage"] == 0


def raw_frames() -> Iterator[tuple[str, NDArray[np.uint8], bytes, bool]]:
    """A format, what OpenCV's functions make of its frame, the frame, whether in colour."""
    bgr = photo(VGA)
    grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    grey_bgr = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    i420 = cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420)
    luma, colours = i420[: VGA[0]], i420[VGA[0] :].reshape(2, -1)
    from_i420 = cv2.cvtColor(i420, cv2.COLOR_YUV2BGR_I420)
    yuyv = cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_YUYV)
    uyvy = np.ascontiguousarray(yuyv[..., ::-1])
    from_yuyv = cv2.cvtColor(yuyv, cv2.COLOR_YUV2BGR_YUYV)
    rows: list[tuple[str, Any, bytes]] = [
        ("YUYV", from_yuyv, yuyv.tobytes()),
        ("UYVY", from_yuyv, uyvy.tobytes()),
        ("NV12", from_i420, luma.tobytes() + colours.T.tobytes()),
        ("YU12", from_i420, i420.tobytes()),
        ("GREY", grey_bgr, grey.tobytes()),
        ("Y16 ", grey_bgr, (grey.astype("<u2") * 256 + 77).tobytes()),
        ("BGR3", bgr, bgr.tobytes()),
        ("RGB3", bgr, bgr[..., ::-1].tobytes()),
    ]
    yield from ((*row, row[1] is not grey_bgr) for row in rows)


@pytest.mark.parametrize(
    ("code", "expected", "frame", "coloured"),
    [pytest.param(*row, id=row[0]) for row in raw_frames()],
)
def test_other_formats_give_the_features_of_their_pixels(
    tmp_path: Path,
    fx: edgefeat.FeatureExtractor,
    code: str,
    expected: NDArray[np.uint8],
    frame: bytes,
    coloured: bool,
) -> None:
    run = stream(tmp_path, {code: [frame]}, "--frames", "3")
    assert run.features() == {fx.extract(expected).tobytes()}
    assert run.health["garbage"] == 0
    # Right colours: it is near the photo, and further from the photo with red and blue exchanged.
    got, bgr = np.array(run.records[0]["features"], np.float32), photo(VGA)
    near = edgefeat.cosine_similarity(got, fx.extract(bgr))
    assert near > (0.98 if coloured else 0.7)
    if coloured:
        assert near > edgefeat.cosine_similarity(got, fx.extract(bgr[..., ::-1])) + 0.05


def test_the_format_asked_for_is_taken(tmp_path: Path, fx: edgefeat.FeatureExtractor) -> None:
    yuyv = cv2.cvtColor(photo(VGA), cv2.COLOR_BGR2YUV_YUYV).tobytes()
    picture = jpeg(photo(VGA, "rocket.jpg"))
    frames = {"YUYV": [yuyv], "MJPG": [picture]}
    run = stream(tmp_path, frames, "--pixel", "MJPG", "--frames", "3")
    assert run.features() == {fx.extract(picture).tobytes()}
    refused = stream(tmp_path, frames, "--pixel", "H264", "--frames", "1")
    assert "asked for format H264, got YUYV" in refused.log


def test_damaged_first_frames_are_counted_and_give_nothing(
    tmp_path: Path, fx: edgefeat.FeatureExtractor
) -> None:
    good = jpeg(photo(VGA))
    noise = np.random.default_rng(0).bytes(30_000)
    damaged = [good[:2000], good[:-500], noise, b"", bytes(4096)]
    # OpenCV itself leaves out the very first frame of a stream.
    run = stream(tmp_path, {"MJPG": [good, *damaged, *[good] * 200]}, "--frames", "4")
    assert run.health["garbage"] == len(damaged)
    assert run.features() == {fx.extract(good).tobytes()}
    assert [one["index"] >= len(damaged) for one in run.records] == [True] * 4
    assert run.log.count("garbage: ") == 1  # a run of them is told once


@pytest.mark.parametrize("kind", ["no tables", "padded", "old bytes behind"])
def test_jpegs_as_cameras_send_them(
    tmp_path: Path, fx: edgefeat.FeatureExtractor, kind: str
) -> None:
    good = jpeg(photo(VGA))
    sent = {
        "no tables": without_tables(good),
        "padded": good + bytes(5000),
        "old bytes behind": good + good[-5000:],
    }[kind]
    assert sent != good
    run = stream(tmp_path, {"MJPG": [sent]}, "--frames", "3")
    assert run.features() == {fx.extract(good).tobytes()}
    assert run.health["garbage"] == 0


def test_a_camera_that_is_pulled_out_comes_back(
    tmp_path: Path, fx: edgefeat.FeatureExtractor
) -> None:
    good = jpeg(photo(VGA))
    run = stream(tmp_path, {"MJPG": [good]}, "--frames", "30", fps=30, unplugged_at=20)
    assert run.features() == {fx.extract(good).tobytes()}
    assert run.health["losses"] >= 1
    assert "recovered" in run.log
