"""Many cameras are opened at once: none waits for one that is away."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import edgefeat
from edgefeat.options.video import VideoOptions
from edgefeat.sources import open_source
from edgefeat.sources.decoders.ffmpeg_options import ffmpeg_options
from video_server import served_file, write_clip

VARIABLE = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
BY_OPENCV = VideoOptions.of(decoder="opencv")


@contextmanager
def camera_that_is_away(timeout_s: float) -> Iterator[threading.Thread]:
    """Open a camera that takes connections and says nothing, in a thread."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        source = open_source(f"rtsp://127.0.0.1:{silent.getsockname()[1]}/live", video=BY_OPENCV)

        def connect() -> None:
            with pytest.raises(edgefeat.SourceError):
                source.open(timeout_s=timeout_s)

        thread = threading.Thread(target=connect)
        thread.start()
        connection, _ = silent.accept()  # it is inside OpenCV now
        with connection:
            yield thread
        thread.join()


def test_a_camera_that_is_away_holds_up_no_other(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    clip = write_clip(tmp_path / "clip.avi", 10, codec="MJPG")
    with served_file(clip, ranges=True) as url, camera_that_is_away(6) as away:
        for place in (str(clip), url):
            with closing(open_source(place, video=BY_OPENCV).open(timeout_s=5)) as reader:
                assert reader.grab() is not None
        assert away.is_alive()
    assert capfd.readouterr().err == ""


def test_opens_with_other_options_wait_for_a_moment_and_no_longer() -> None:
    """A camera that is away is being opened for seconds; the others go on meanwhile."""
    opening, done = threading.Event(), threading.Event()

    def camera_that_is_away() -> None:
        with ffmpeg_options({"a": "1"}, name="away", timeout_s=5):
            opening.set()
            done.wait(20)

    thread = threading.Thread(target=camera_that_is_away)
    thread.start()
    try:
        assert opening.wait(5)
        started = time.monotonic()
        with ffmpeg_options({"b": "2"}, name="here", timeout_s=5):
            assert time.monotonic() - started >= 0.2
            assert "b;2" in os.environ[VARIABLE]
        with ffmpeg_options({"b": "2"}, name="here", timeout_s=5):
            pass
        assert not done.is_set()
    finally:
        done.set()
        thread.join()


def test_the_variable_is_left_as_it_was() -> None:
    """The program's own opens take no options of ours."""
    before = os.environ.get(VARIABLE)
    with ffmpeg_options({"a": "1"}, name="camera", timeout_s=5):
        assert os.environ[VARIABLE] != before
    assert os.environ.get(VARIABLE) == before
