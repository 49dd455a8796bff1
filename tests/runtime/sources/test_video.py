"""Recordings and live video, told apart once they are open; and the times of their frames."""

from __future__ import annotations

import itertools
import re
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import edgefeat
from edgefeat.arrays import Features, Pixels
from edgefeat.errors import DependencyError, OptionError
from edgefeat.sources import VideoOptions, open_source
from edgefeat.sources.media_clock import MediaClock
from edgefeat.sources.playout import Playout, Timeline
from edgefeat.streaming import Event, EventKind, Limits, Policy, Selection
from streams_support import NumberReader
from video_server import FPS, LiveHls, segments, served, served_file, write_clip

BY_OPENCV = VideoOptions.of(decoder="opencv")
DATA = Path(__file__).parents[2] / "data" / "video"
FRAMES = 100


class FirstValue(NumberReader):
    """An extractor for videos that show no numbers."""

    def extract_prepared(self, images: Pixels) -> Features:
        return np.zeros((1, 1), np.float32)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("video") / "clip.mp4", FRAMES)


@pytest.mark.parametrize(
    ("fps", "positions_ms", "expected"),
    [
        (10, [0, 100, 200], [0, 0.1, 0.2]),
        (29.97, [0, 33.37, 66.73], [0, 1 / 29.97, 2 / 29.97]),
        (10, [0, 100, 500, 540], [0, 0.1, 0.5, 0.54]),
        (0, [0, 100], [0, 0.1]),
        (float("inf"), [0, 40], [0, 0.04]),
        (10, [0, 0, 0, 0], [0, None, None, None]),
        (10, [0, 100, 500, 300, 400], [0, 0.1, 0.5, None, None]),
        (90000, [0, 0.01, 0.02], [0, None, None]),
        (10, [-9e15, 100], [None, None]),
        (10, [float("nan"), 100], [None, None]),
    ],
    ids=[
        "right",
        "ntsc",
        "variable",
        "no-rate",
        "infinite",
        "stuck",
        "back",
        "clock-rate",
        "far-off",
        "nan",
    ],
)
def test_times_are_trusted_while_they_rise_as_video_does(
    fps: float, positions_ms: list[float], expected: list[float | None]
) -> None:
    clock = MediaClock(fps)
    assert [clock.tick(ms) for ms in positions_ms] == pytest.approx(expected)


def test_the_time_goes_on_where_two_recordings_were_joined() -> None:
    clock = MediaClock(0)
    positions_ms = [*range(0, 2000, 100), *range(0, 2000, 100)]
    assert [clock.tick(ms) for ms in positions_ms] == pytest.approx([n / 10 for n in range(40)])


def test_a_video_of_variable_rate_is_sampled_by_its_own_times() -> None:
    video = DATA / "vfr.mp4"
    every = [r.media_s for r in edgefeat.stream(video, FirstValue())]
    assert every[:6] == pytest.approx([0, 0.04, 0.08, 0.12, 0.28, 0.44])
    sampled = edgefeat.stream(video, FirstValue(), selection=Selection(fps=2))
    times = [r.media_s or 0.0 for r in sampled]
    assert set(times) <= set(every)
    assert len(times) == pytest.approx(2 * (every[-1] or 0), abs=2)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert min(gaps) > 0.25
    assert max(gaps) < 0.75


def test_a_codec_that_cannot_be_decoded_is_an_error_that_names_it(
    capfd: pytest.CaptureFixture[str],
) -> None:
    video = DATA / "av1.mp4"
    with pytest.raises(edgefeat.SourceError) as raised:
        list(edgefeat.stream(open_source(video, video=BY_OPENCV), FirstValue()))
    assert str(raised.value) == (
        f"{video}: no frame could be decoded; the video's codec is AV01. "
        "Convert it, as with `ffmpeg -i FILE -c:v libx264 new.mp4`. "
        "Or install PyAV, which decodes more: pip install 'edgefeat[av]'."
    )


def test_a_rate_that_cannot_be_kept_is_told_before_the_first_record(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 20)
    data = bytearray(clip.read_bytes())
    timescale = data.index(b"mdhd") + 16
    ticks = int.from_bytes(data[timescale : timescale + 4], "big") * 1000
    data[timescale : timescale + 4] = ticks.to_bytes(4, "big")  # 25,000 frames a second
    clip.write_bytes(data)
    records = iter(edgefeat.stream(clip, NumberReader(), selection=Selection(fps=2)))
    with pytest.raises(edgefeat.SourceError) as raised:
        next(records)
    assert str(raised.value) == (
        f"{clip}: the frames have no times that can be trusted, so no rate can be kept. "
        "Leave the rate out: every=10 takes one frame of ten. Or choose the policy `newest`, "
        "which samples frames by their arrival."
    )


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no-ranges"])
def test_a_recording_over_http_gives_every_frame_once_and_ends(
    tmp_path: Path, ranges: bool
) -> None:
    clip = write_clip(tmp_path / "clip.avi", FRAMES, codec="MJPG")
    events: list[Event] = []
    with served_file(clip, ranges=ranges) as url:
        stream = edgefeat.stream(url, NumberReader(), on_event=events.append)
        results = list(stream)
    assert [int(r.features[0]) for r in results] == list(range(FRAMES))
    assert [r.media_s for r in results] == pytest.approx([n / FPS for n in range(FRAMES)])
    assert [event.kind for event in events] == [EventKind.CONNECTED, EventKind.ENDED]
    assert (stream.policy, stream.live) == (Policy.ALL, False)
    assert stream.health().dropped == stream.health().losses == 0


def test_a_recording_over_http_is_sampled_by_its_own_times(clip: Path) -> None:
    with served_file(clip, ranges=True) as url:
        selection = Selection(fps=5)
        found = [r.index for r in edgefeat.stream(url, NumberReader(), selection=selection)]
    assert found == list(range(0, FRAMES, 5))


def test_a_recording_that_breaks_off_is_an_error_after_its_frames(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.avi", FRAMES, codec="MJPG")
    numbers: list[int] = []
    with served_file(clip, ranges=False, cut_at=clip.stat().st_size // 2) as url:
        stream = edgefeat.stream(url, NumberReader(), limits=Limits(timeout_s=3))
        with pytest.raises(edgefeat.SourceError) as raised:
            numbers.extend(int(result.features[0]) for result in stream)
    assert re.search(r": the recording broke off after \d\.\d of 4\.0 s\.$", str(raised.value))
    assert numbers == list(range(len(numbers)))
    assert 20 < len(numbers) < 80


def test_live_hls_is_paced_and_a_reconnect_repeats_nothing(tmp_path: Path) -> None:
    pieces = segments(write_clip(tmp_path / "long.ts", 600, codec="mpg2"), groups=2)
    camera = LiveHls(pieces, 24 / FPS)
    events: list[Event] = []

    def on_event(event: Event) -> None:
        events.append(event)
        if event.kind is EventKind.LOST:
            camera.away.clear()

    limits = Limits(timeout_s=4, backoff_s=0.1, backoff_max_s=0.2)
    results = []
    with served(camera.answer) as url:
        stream = edgefeat.stream(
            f"{url}/live.m3u8", NumberReader(), policy="all", limits=limits, on_event=on_event
        )
        for result in stream:
            results.append(result)
            if len(results) == 100:
                camera.away.set()
            if len(results) == 300:
                break
    numbers = [int(r.features[0]) for r in results]
    assert numbers == sorted(set(numbers))
    assert stream.health().losses >= 1
    assert stream.health().repeated > 0
    assert EventKind.RECOVERED in [event.kind for event in events]
    # After the first second of video, frames come no faster than their own times say.
    first, last = results[30], results[100]
    video_s = float(last.features[0] - first.features[0]) / FPS
    assert last.captured_at - first.captured_at > 0.8 * video_s


def test_a_source_at_its_own_pace_is_not_held_back() -> None:
    timeline = Timeline()
    playout = Playout(timeline, threading.Event())
    started = time.monotonic()
    for n in range(20):  # a burst of 0.76 s, as a camera that kept its last group of pictures
        playout.hold(n / FPS)
    assert time.monotonic() - started < 0.5
    assert not timeline.in_segments
    assert not timeline.repeats(0.0)


def test_a_server_that_starts_anew_repeats_nothing() -> None:
    timeline = Timeline()
    timeline.in_segments, timeline.given_s = True, 3600.0
    assert timeline.repeats(3599.0)
    assert timeline.repeats(3600.0)
    assert not timeline.repeats(3600.1)
    assert not timeline.repeats(0.0)


def test_what_only_pyav_does_is_refused_elsewhere() -> None:
    for options in ({"key_frames": True}, {"hardware": "cuda"}):
        with pytest.raises(OptionError, match="needs the decoder pyav, got opencv"):
            VideoOptions.of(decoder="opencv", **options)
    with pytest.raises(OptionError, match="video: does not go with the source camera 0"):
        open_source("0", video=VideoOptions())


def test_a_missing_pyav_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgefeat.sources.decoders.choose.find_spec", lambda name: None)
    for options in ({"decoder": "pyav"}, {"key_frames": True}, {"hardware": "cuda"}):
        with pytest.raises(DependencyError, match=r"pip install 'edgefeat\[av\]'"):
            open_source("rtsp://camera/live", video=VideoOptions(**options))
    assert open_source("clip.mp4").name == "clip.mp4"
