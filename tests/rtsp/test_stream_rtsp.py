"""A real RTSP camera: read, log in, stop, kill and restart. Run by `make test-rtsp`."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import edgefeat
from edgefeat.streaming import Event, EventKind, Limits

pytestmark = pytest.mark.full

PROGRAM = Path(__file__).parent / "rtsp_camera.py"
SYSTEM_PYTHON = "/usr/bin/python3"  # where Debian puts GStreamer's bindings
LIMITS = Limits(timeout_s=2, stall_s=0.7, backoff_s=0.1, backoff_max_s=0.3)


class Camera:
    def __init__(self, *mode: str) -> None:
        self.mode = mode
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [SYSTEM_PYTHON, str(PROGRAM), str(self.port), *self.mode],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        self.process.stdout.close()
        assert said == "ready\n", "install gir1.2-gst-rtsp-server-1.0; see rtsp_camera.py"

    def url(self, login: str = "") -> str:
        return f"rtsp://{login}127.0.0.1:{self.port}/live"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def camera() -> Iterator[Camera]:
    made = Camera()
    yield made
    made.kill()


@pytest.fixture
def locked() -> Iterator[Camera]:
    made = Camera("locked")
    yield made
    made.kill()


def test_frames_come_in_order_and_young(
    camera: Camera, extractor: edgefeat.FeatureExtractor
) -> None:
    results = []
    for result in edgefeat.stream(camera.url(), extractor, limits=LIMITS):
        results.append(result)
        if len(results) == 30:
            break
    indexes = [r.index for r in results]
    assert indexes == sorted(set(indexes))
    assert all(r.media_s is None for r in results)  # positions of live streams are not believed


def test_log_in_and_its_refusal_without_a_word_of_the_password(
    locked: Camera, extractor: edgefeat.FeatureExtractor, capfd: pytest.CaptureFixture[str]
) -> None:
    for result in edgefeat.stream(locked.url("me:hunter2@"), extractor, limits=LIMITS):
        assert "hunter2" not in repr(result)
        break
    with pytest.raises(edgefeat.SourceError) as raised:
        list(edgefeat.stream(locked.url("me:hunter3@"), extractor, limits=LIMITS))
    assert str(raised.value) == (
        f"{locked.url('***@')}: refused or not a video stream. "
        "Check address, port, path, user and password."
    )
    captured = capfd.readouterr()
    assert "hunter" not in captured.out + captured.err


def test_a_turning_camera_keeps_its_shape(extractor: edgefeat.FeatureExtractor) -> None:
    camera = Camera("turning")
    events: list[Event] = []
    limits = Limits(timeout_s=2, duration_s=5)
    try:
        for _ in edgefeat.stream(camera.url(), extractor, limits=limits, on_event=events.append):
            pass
    finally:
        camera.kill()
    told = [event.what for event in events if event.kind is EventKind.RESIZED]
    assert told[:3] == [
        "320x240 became 240x320",
        "240x320 became 320x240",
        "320x240 became 240x320",
    ]
    assert EventKind.LOST not in [event.kind for event in events]


def test_a_stopped_camera_is_stalled_then_lost_then_recovered(
    camera: Camera, extractor: edgefeat.FeatureExtractor
) -> None:
    events: list[Event] = []

    def on_event(event: Event) -> None:
        events.append(event)
        if event.kind is EventKind.LOST and stopped_at:
            camera.process.send_signal(signal.SIGCONT)

    stopped_at = 0.0
    stream = edgefeat.stream(camera.url(), extractor, limits=LIMITS, on_event=on_event)
    for result in stream:
        if result.index >= 10 and not stopped_at:
            camera.process.send_signal(signal.SIGSTOP)
            stopped_at = time.monotonic()
        since = [e.kind for e in events if stopped_at and e.at > stopped_at]
        if EventKind.LOST in since and EventKind.RECOVERED in since[since.index(EventKind.LOST) :]:
            break
    assert EventKind.STALLED in since[: since.index(EventKind.LOST)]
    lost = next(e for e in events if e.kind is EventKind.LOST)
    assert lost.at - stopped_at < LIMITS.timeout_s + 0.5


def test_a_killed_camera_is_found_again_after_its_restart(
    camera: Camera, extractor: edgefeat.FeatureExtractor
) -> None:
    events: list[Event] = []

    def on_event(event: Event) -> None:
        events.append(event)
        if event.kind is EventKind.RETRY and camera.process.poll() is not None:
            camera.start()

    killed = False
    indexes = []
    stream = edgefeat.stream(camera.url(), extractor, limits=LIMITS, on_event=on_event)
    for result in stream:
        indexes.append(result.index)
        if result.index >= 10 and not killed:
            killed = True
            camera.kill()
        if killed and events[-1].kind is EventKind.RECOVERED:
            break
    assert indexes == sorted(set(indexes))


def test_a_stop_while_the_camera_is_dead_takes_less_than_a_second(
    camera: Camera, extractor: edgefeat.FeatureExtractor
) -> None:
    limits = Limits(timeout_s=30, stall_s=0.5)
    stopped_at: list[float] = []

    def on_event(event: Event) -> None:
        if event.kind is EventKind.STALLED:
            stopped_at.append(time.monotonic())
            stream.stop()

    stream = edgefeat.stream(camera.url(), extractor, limits=limits, on_event=on_event)
    for result in stream:
        if result.index >= 10 and camera.process.poll() is None:
            camera.process.send_signal(signal.SIGSTOP)
    assert time.monotonic() - stopped_at[0] < 1
