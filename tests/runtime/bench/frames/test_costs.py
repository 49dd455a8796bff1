"""What frames cost by kind of source: real sources on the loopback, and what cannot be made."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import edgefeat
from edgefeat import bench
from edgefeat.bench.frames.costs import frame_costs
from edgefeat.bench.frames.sending import over_http, through_a_pipe
from edgefeat.bench.load_results import FrameCost
from edgefeat.bench.report.table import as_text
from edgefeat.errors import OptionError
from edgefeat.sources import PixelFormat, RawFormat

SIZE_HW = (96, 128)
CAMERA = Path(__file__).parents[3] / "support" / "mjpeg_camera.py"
CLIP = Path(__file__).parents[3] / "data" / "video" / "vfr.mp4"
PICTURES = bench.Pictures(source="noise", items=(np.full((64, 64, 3), 128, np.uint8),))
MADE_EVERYWHERE = ("MJPEG over HTTP", "JPEGs on stdin", "raw yuv420p on stdin")
MADE_BY_ENCODER = ("H.264, OpenCV", "H.264, PyAV", "H.264, key frames")


def costs(extractor: edgefeat.FeatureExtractor, origin: str | None = None) -> dict[str, FrameCost]:
    pictures = bench.Pictures(source="grey", items=PICTURES.items, origin=origin)
    found = frame_costs(extractor, pictures, SIZE_HW, lambda _share: None)
    return {one.source: one for one in found}


def check_measured(cost: FrameCost) -> None:
    assert list(cost.stages_ms) == ["grab", "decode", "resize", "run"]
    assert min(cost.stages_ms.values()) > 0
    assert cost.grabbed_ms == cost.stages_ms["grab"]
    assert cost.emitted_ms == pytest.approx(sum(cost.stages_ms.values()), abs=1e-3)
    assert cost.frames == 40


def test_each_kind_is_measured_or_says_why_not(extractor: edgefeat.FeatureExtractor) -> None:
    found = costs(extractor)
    assert list(found) == ["USB camera, MJPG", *MADE_EVERYWHERE, *MADE_BY_ENCODER]
    for name in MADE_EVERYWHERE:
        check_measured(found[name])
        assert (found[name].size, found[name].note) == ("128x96", None)
    for name in MADE_BY_ENCODER:
        if find_spec("av"):
            check_measured(found[name])
        else:
            assert found[name].frames == 0
            assert "there is no encoder: the package av is not installed" in str(found[name].note)
    assert "no camera was named" in str(found["USB camera, MJPG"].note)
    assert not any(thread.name == "edgefeat sender" for thread in threading.enumerate())


def test_the_source_that_was_named_comes_first(extractor: edgefeat.FeatureExtractor) -> None:
    found = costs(extractor, str(CLIP))
    name, key_frames, *_ = found
    assert (name, key_frames) == (str(CLIP), f"{CLIP}, key frames")
    check_measured(found[name])
    assert found[name].size == "160x120"


def test_a_source_that_is_gone_spoils_no_other(
    extractor: edgefeat.FeatureExtractor, tmp_path: Path
) -> None:
    gone = str(tmp_path / "gone.mp4")
    found = costs(extractor, gone)
    assert found[gone].emitted_ms is None
    assert gone in str(found[gone].note)
    check_measured(found["MJPEG over HTTP"])


@contextmanager
def camera_process() -> Iterator[str]:
    words = [sys.executable, str(CAMERA), "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.kill()


def test_damaged_frames_of_a_camera_are_counted(extractor: edgefeat.FeatureExtractor) -> None:
    with camera_process() as url:
        (named, *_) = costs(extractor, f"{url}/noise").values()
    check_measured(named)
    assert "damaged frames left out" in str(named.note)


def frames(count: int) -> list[bytes]:
    noise = np.random.default_rng(0).integers(0, 256, (count, *SIZE_HW, 3), np.uint8)
    return [cv2.imencode(".jpg", one)[1].tobytes() for one in noise]


@pytest.mark.parametrize("by", ["http", "pipe"])
def test_senders_send_what_they_are_given_again_and_again(by: str) -> None:
    jpegs = frames(3)
    sending: Any = over_http(jpegs) if by == "http" else through_a_pipe(jpegs, None)
    with sending as (source, clock):
        reader = source.open(timeout_s=5)
        got = []
        for _ in range(7):
            assert reader.grab() is not None
            got.append(reader.retrieve())
        assert clock() > 0
        reader.close()
    assert got == [*jpegs, *jpegs, jpegs[0]]


def test_a_sender_that_nobody_reads_ends() -> None:
    raw = RawFormat(size_hw=(2, 2), pixel=PixelFormat.YUV420P)
    for sending in (over_http(frames(1)), through_a_pipe([bytes(6)], raw)):
        with sending:
            pass
    assert not any(thread.name == "edgefeat sender" for thread in threading.enumerate())


def test_the_report_shows_them(extractor: edgefeat.FeatureExtractor) -> None:
    load = bench.CameraLoad(duration_s=0.1, size_hw=SIZE_HW)
    told: list[str] = []
    report = bench.run(
        pictures=PICTURES,
        loads=[load],
        cold_starts=0,
        on_progress=lambda step, _: told.append(step),
    )
    (subject,) = report.subjects
    assert f"frames by source {subject.label}" in told
    assert subject.camera is not None
    lines = as_text(report).splitlines()
    (http,) = (line for line in lines if "MJPEG over HTTP" in line)
    (cost,) = (one for one in subject.camera.sources if one.source == "MJPEG over HTTP")
    assert http.split()[3] == "128x96"
    assert http.split()[-1] == f"{cost.emitted_ms:.2f}"
    (usb,) = (line for line in lines if "USB camera, MJPG" in line)
    assert "not measured: no camera was named" in usb
    again = type(report).from_dict(report.as_dict())
    assert again == report
    assert "MJPEG over HTTP: grab" in bench.as_csv(report)
    assert "MJPEG over HTTP" in bench.as_html(report)


@pytest.mark.parametrize("size", [(95, 128), (96, 127), (0, 2), 96, "640"])
def test_sizes_that_no_camera_has_are_refused(size: Any) -> None:
    with pytest.raises(OptionError, match="size_hw: expected"):
        bench.CameraLoad(size_hw=size)
