"""Every kind of source: what names it, what it gives, what it says when it cannot."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import edgefeat
from edgefeat.sources import (
    ArraySource,
    CameraRequest,
    IterableSource,
    VideoOptions,
    open_source,
)
from edgefeat.sources.camera import limit_waits
from edgefeat.streaming import Event, EventKind, Limits, Selection, Stream
from edgefeat.testing.faults import numbered_frame
from streams_support import NumberReader


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of 40 numbered frames, 25 a second."""
    path = tmp_path_factory.mktemp("video") / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (192, 64))
    assert writer.isOpened()
    for number in range(40):
        writer.write(numbered_frame(number))
    writer.release()
    return path


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (0, "CameraSource"),
        ("2", "CameraSource"),
        ("/dev/video7", "CameraSource"),
        ("rtsp://cam/live", "NetworkVideoSource"),
        ("http://cam/stream", "HttpSource"),
        ("http://cam/live.m3u8?token=x", "HttpSource"),
        ("ffmpeg+http://cam/stream", "NetworkVideoSource"),
        ("clip.mp4", "VideoFileSource"),
        ("photo.jpg", "FolderSource"),
        ("shots/*.jpg", "FolderSource"),
        (".", "FolderSource"),
        ([], "ArraySource"),
        (iter([]), "IterableSource"),
        (lambda: None, "CallableSource"),
        (ArraySource([]), "ArraySource"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_the_grammar(source: object, kind: str) -> None:
    assert type(open_source(source)).__name__ == kind  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (True, TypeError, "source: expected a camera, path, URL or pictures, got True"),
        (1.5, TypeError, "source: expected a camera, path, URL, pictures or a function, "),
        (np.zeros((2, 2)), TypeError, "source: expected a list of pictures, got one array. "),
        ("file:///x.mp4", edgefeat.SourceError, "file:///x.mp4: expected a path, got a URL"),
    ],
    ids=["bool", "float", "array", "file-url"],
)
def test_what_is_no_source(source: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as raised:
        open_source(source)  # type: ignore[arg-type]
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("missing.mp4", "missing.mp4: no such file. Check the path."),
        ("91", "camera 91: no such device /dev/video91. Cameras here: "),
        ("none/*.jpg", "none/*.jpg: this pattern names no file. Check it, and quote it."),
    ],
    ids=["video", "camera", "pattern"],
)
def test_a_source_that_is_not_there_says_so(source: str, message: str) -> None:
    with pytest.raises(edgefeat.SourceError) as raised:
        list(edgefeat.stream(source, NumberReader()))
    assert str(raised.value).startswith(message)


def test_a_file_that_is_no_video_says_so(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path, by_opencv = tmp_path / "notes.mp4", VideoOptions.of(decoder="opencv")
    path.write_text("no video")
    with pytest.raises(edgefeat.SourceError) as raised:
        list(edgefeat.stream(open_source(path, video=by_opencv), NumberReader()))
    assert str(raised.value) == (
        f"{path}: not a video that can be decoded. Convert it, as with "
        "`ffmpeg -i FILE -c:v libx264 new.mp4`."
    )


def test_a_video_gives_every_frame_with_its_media_time(clip: Path) -> None:
    results = list(edgefeat.stream(clip, NumberReader()))
    assert [int(r.features[0]) for r in results] == list(range(40))
    assert [r.media_s for r in results] == pytest.approx([n / 25 for n in range(40)])


def test_a_cut_off_video_ends_where_frames_end(clip: Path, tmp_path: Path) -> None:
    """Its header still claims 40 frames."""
    short = tmp_path / "short.avi"
    short.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    assert cv2.VideoCapture(str(short)).get(cv2.CAP_PROP_FRAME_COUNT) == 40
    numbers = [int(r.features[0]) for r in edgefeat.stream(short, NumberReader())]
    assert numbers == list(range(len(numbers)))
    assert 10 < len(numbers) < 30


def test_a_rate_is_kept_by_media_time(clip: Path) -> None:
    for fps, expected in ((5, range(0, 40, 5)), (12.5, range(0, 40, 2)), (100, range(40))):
        indexes = [
            r.index for r in edgefeat.stream(clip, NumberReader(), selection=Selection(fps=fps))
        ]
        assert indexes == list(expected)


def test_the_real_video(clip: Path, shared: Path | None) -> None:
    video, frames, fps = (shared / "video" / "vtest.avi", 795, 10) if shared else (clip, 40, 25)
    results = list(edgefeat.stream(video, NumberReader(), selection=Selection(every=50)))
    assert [r.index for r in results] == list(range(0, frames, 50))
    assert [r.media_s for r in results] == pytest.approx([r.index / fps for r in results])


def test_a_camera_is_asked_for_its_format_before_its_size() -> None:
    wanted = CameraRequest(size_hw=(720, 1280), fps=30, pixel="MJPG").settings()
    assert [setting for setting, _ in wanted] == [
        cv2.CAP_PROP_FOURCC,
        cv2.CAP_PROP_FRAME_WIDTH,
        cv2.CAP_PROP_FRAME_HEIGHT,
        cv2.CAP_PROP_FPS,
    ]
    assert [value for _, value in wanted[1:]] == [1280, 720, 30]


def test_what_a_camera_gave_instead_is_said() -> None:
    asked = CameraRequest(size_hw=(720, 1280), fps=30, pixel="MJPG")
    given = CameraRequest(size_hw=(480, 640), fps=15, pixel="YUYV")
    assert asked.difference(asked) is None
    assert CameraRequest().difference(given) is None
    assert asked.difference(given) == (
        "asked for format MJPG, got YUYV; size 1280x720, got 640x480; 30 fps, got 15"
    )


def test_the_first_cameras_timeout_holds_and_a_second_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", raising=False)
    assert limit_waits(2.8) is None
    assert limit_waits(3.0) is None
    assert limit_waits(8.0) == (
        "OpenCV waits 3 s for a frame of any camera of this process, not 8 s: "
        "the first camera's timeout holds"
    )
    monkeypatch.delenv("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT")


def test_a_folder_names_its_pictures_and_goes_on_after_a_bad_one(
    photos: Path, tmp_path: Path, extractor: edgefeat.FeatureExtractor
) -> None:
    for name in ("a", "c"):
        (tmp_path / f"{name}.jpg").write_bytes((photos / "coffee.jpg").read_bytes())
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    events: list[str] = []
    stream = edgefeat.stream(
        tmp_path, extractor, on_event=lambda e: events.append(f"{e.kind.value}: {e.message}")
    )
    assert [(r.index, r.name) for r in stream] == [
        (0, str(tmp_path / "a.jpg")),
        (2, str(tmp_path / "c.jpg")),
    ]
    assert stream.health().garbage == 1
    assert any(e.startswith(f"garbage: {tmp_path / 'b.jpg'}: not a picture") for e in events)


def test_a_watched_folder_gives_files_once_they_are_whole(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    cv2.imwrite(str(folder / "000.png"), numbered_frame(0))
    encoded = cv2.imencode(".png", numbered_frame(1))[1].tobytes()
    stream = Stream(open_source(folder, watch=True), NumberReader())

    def write() -> None:
        with (folder / "001.png").open("wb") as file:  # slowly, as a copy over a network
            for start in range(0, len(encoded), len(encoded) // 5 + 1):
                file.write(encoded[start : start + len(encoded) // 5 + 1])
                file.flush()
                time.sleep(0.1)
        cv2.imwrite(str(tmp_path / "002.png"), numbered_frame(2))
        (tmp_path / "002.png").rename(folder / "002.png")

    writer = threading.Thread(target=write)
    seen: list[int] = []
    for result in stream:
        if not seen:
            writer.start()
        seen.append(int(result.features[0]))
        if len(seen) == 3:
            break
    writer.join()
    assert seen == [0, 1, 2]
    assert stream.health().garbage == 0


def test_an_iterator_may_take_its_time() -> None:
    def slow() -> Iterator[np.ndarray]:
        yield numbered_frame(0)
        time.sleep(0.5)
        yield numbered_frame(1)

    stream = Stream(IterableSource(slow()), NumberReader(), limits=Limits(timeout_s=0.1))
    assert [int(r.features[0]) for r in stream] == [0, 1]


def test_a_none_among_pictures_is_a_bad_frame_and_no_end() -> None:
    """`cv2.imread` gives None for a file that it cannot read."""
    pictures: list[Any] = [numbered_frame(0), None, numbered_frame(1)]
    told: list[Event] = []
    stream = Stream(ArraySource(pictures), NumberReader(), on_event=told.append)
    assert [int(r.features[0]) for r in stream] == [0, 1]
    assert stream.health().garbage == 1
    assert [event.message for event in told if event.kind is EventKind.GARBAGE] == [
        "expected a picture, got None. cv2.imread returns None where it cannot read the file: give "
        "its path."
    ]


def test_an_iterator_is_read_only_once() -> None:
    source = IterableSource(iter([numbered_frame(0)]))
    assert len(list(Stream(source, NumberReader()))) == 1
    with pytest.raises(edgefeat.SourceError, match="an iterator can be read only once"):
        list(Stream(source, NumberReader()))


def test_sources_cost_nothing_until_asked_for() -> None:
    code = "import edgefeat, sys; print('edgefeat.sources' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
