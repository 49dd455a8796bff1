"""Video through PyAV: no damaged, stretched or concealed frame becomes features."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import edgefeat
from edgefeat.errors import OptionError
from edgefeat.sources import VideoOptions, open_source
from edgefeat.streaming import Event, EventKind, Limits, Selection, Stream
from edgefeat.testing.faults import numbered_frame
from http_server import served
from streams_support import NumberReader

VIDEOS = Path(__file__).parents[1] / "data" / "video"
PYAV = VideoOptions.of(decoder="pyav")
FRAMES, GROUP = 100, 10


class SizeReader:
    """An extractor whose features are the size of the picture."""

    fingerprint = "size"

    def prepare(self, image: Any) -> NDArray[np.uint8]:
        return np.asarray(image)

    def extract_prepared(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.array([images.shape[1:3]] * len(images), np.float32)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Numbered frames as H.264 in a transport stream, a key frame every ten."""
    import av

    path = tmp_path_factory.mktemp("pyav") / "clip.ts"
    with av.open(str(path), "w", format="mpegts") as container:
        options = {"g": str(GROUP), "bf": "0", "crf": "12", "sc_threshold": "0"}
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 192, 64, "yuv420p"
        for number in range(FRAMES):
            rng = np.random.default_rng(number)
            noisy = numbered_frame(number).astype(int) + rng.integers(-9, 10, (64, 192, 3))
            picture = noisy.clip(0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))
    return path


def read(source: object, extractor: Any = None, **options: Any) -> tuple[Stream, list[Any]]:
    opened = open_source(source, video=options.pop("video", PYAV))  # type: ignore[arg-type]
    stream = edgefeat.stream(opened, extractor or NumberReader(), **options)
    return stream, list(stream)


def test_every_frame_comes_once_with_its_time(clip: Path) -> None:
    _, results = read(clip)
    assert [int(r.features[0]) for r in results] == list(range(FRAMES))
    assert [r.media_s for r in results] == pytest.approx([n / 25 for n in range(FRAMES)])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("harm", ["lost", "flipped"])
def test_no_concealed_frame_is_given(clip: Path, tmp_path: Path, harm: str, seed: int) -> None:
    data, rng = bytearray(clip.read_bytes()), random.Random(seed)
    cells = [bytes(data[at : at + 188]) for at in range(0, len(data), 188)]
    if harm == "lost":
        data = bytearray(b"".join(c for n, c in enumerate(cells) if n < 9 or rng.random() > 0.02))
    else:
        for _ in range(12):
            data[rng.randrange(2000, len(data))] ^= 1 << rng.randrange(8)
    broken = tmp_path / "broken.ts"
    broken.write_bytes(data)
    stream, results = read(broken)
    health = stream.health()
    assert health.garbage > 0
    assert health.captured == health.emitted + health.garbage
    assert 0 < len(results) < FRAMES
    # A frame's own time says which number it must show.
    assert [round(r.media_s * 25) for r in results] == [int(r.features[0]) for r in results]


def test_a_new_size_keeps_its_shape_and_is_told() -> None:
    events: list[Event] = []
    stream, results = read(VIDEOS / "aspect.ts", SizeReader(), on_event=events.append)
    sizes = Counter(tuple(map(int, r.features)) for r in results)
    assert sizes[320, 240] == 25
    assert sizes[240, 320] >= 20  # the splice itself is damage
    resized = [event.what for event in events if event.kind is EventKind.RESIZED]
    assert resized == ["320x240 became 240x320"]
    health = stream.health()
    assert health.captured == health.emitted + health.garbage == 50


def test_av1_is_decoded() -> None:
    _, results = read(VIDEOS / "av1.mp4", SizeReader())
    assert [tuple(map(int, r.features)) for r in results] == [(180, 320)] * 50


def test_a_variable_rate_is_kept_by_its_own_times() -> None:
    two_a_second = Selection(fps=2)
    times = []
    for name in ("pyav", "opencv"):
        video = VideoOptions.of(decoder=name)
        _, results = read(VIDEOS / "vfr.mp4", SizeReader(), selection=two_a_second, video=video)
        times.append([r.media_s for r in results])
    assert len(times[0]) >= 8
    assert len(times[0]) == len(times[1])
    assert times[0] == pytest.approx(times[1], abs=0.3)  # they state different average rates


def test_key_frames_alone(clip: Path) -> None:
    _, results = read(clip, video=VideoOptions(key_frames=True))
    assert [int(r.features[0]) for r in results] == list(range(0, FRAMES, GROUP))


def test_the_pixels_are_opencvs_but_for_rounding(clip: Path) -> None:
    decoders = [
        open_source(clip, video=VideoOptions.of(decoder=name)).open(timeout_s=5)
        for name in ("pyav", "opencv")
    ]
    for _ in range(FRAMES):
        first, second = [r.retrieve() for r in decoders if r.grab() is not None]
        assert np.abs(np.asarray(first, int) - np.asarray(second, int)).mean() < 1.5
    for reader in decoders:
        reader.close()


def test_a_frame_that_nobody_takes_is_never_converted(clip: Path) -> None:
    """What is converted later is what would have been converted at once, whatever came since."""
    source = open_source(clip, video=VideoOptions.of(decoder="pyav"))
    reader: Any = source.open(timeout_s=5)
    kept = []
    for _ in range(5):
        reader.grab()
        kept.append((reader.retrieve(), reader.retrieve_later()))
    reader.close()
    assert len({later.sample for _, later in kept}) == len(kept)
    for now, later in kept:
        assert later.size_hw == now.shape[:2]
        assert np.array_equal(later.convert(), now)


def test_a_turned_video_stands_upright(clip: Path, tmp_path: Path) -> None:
    """Phones write a quarter turn into the file's header."""
    import av

    plain, turned = tmp_path / "plain.mp4", tmp_path / "turned.mp4"
    with av.open(str(clip)) as source, av.open(str(plain), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    data = bytearray(plain.read_bytes())
    straight = b"".join(v.to_bytes(4, "big") for v in (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 1 << 30))
    quarter = b"".join(
        (v & 0xFFFFFFFF).to_bytes(4, "big") for v in (0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 1 << 30)
    )
    at = data.rindex(straight)  # the track's matrix follows the movie's
    data[at : at + 36] = quarter
    turned.write_bytes(data)
    frames = {}
    for name in ("pyav", "opencv"):
        reader = open_source(turned, video=VideoOptions.of(decoder=name)).open(timeout_s=5)
        assert reader.grab() is not None
        frames[name] = np.asarray(reader.retrieve(), int)
        reader.close()
    assert frames["pyav"].shape == frames["opencv"].shape == (192, 64, 3)
    assert np.abs(frames["pyav"] - frames["opencv"]).mean() < 3


def test_live_video_over_http_and_its_silence(clip: Path) -> None:
    data = clip.read_bytes()

    def answer(request: Any) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "video/mp2t")
        request.end_headers()
        request.wfile.write(data)

    with served(answer) as url:
        opened = open_source(f"{url}/live", video=PYAV)
        limits = Limits(timeout_s=2, reconnect=0)
        stream = edgefeat.stream(opened, NumberReader(), policy="all", limits=limits)
        with pytest.raises(edgefeat.SourceError, match="the stream broke off"):
            list(stream)
    assert stream.health().captured == FRAMES


def test_errors_name_no_password(capfd: pytest.CaptureFixture[str]) -> None:
    source = open_source("rtsp://me:hunter2@127.0.0.1:9/x", video=PYAV)
    with pytest.raises(edgefeat.SourceError) as raised:
        list(edgefeat.stream(source, NumberReader(), limits=Limits(timeout_s=2)))
    assert raised.value.problem == "refused or not a video stream (Connection refused)"
    captured = capfd.readouterr()
    assert "hunter2" not in str(raised.value) + captured.out + captured.err


def test_an_unknown_device_is_named(clip: Path) -> None:
    with pytest.raises(OptionError, match=r"hardware: expected one of .*, got 'toaster'"):
        read(clip, video=VideoOptions(hardware="toaster"))


def test_a_file_that_is_no_video_says_why(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("no video")
    with pytest.raises(edgefeat.SourceError) as raised:
        read(path)
    assert raised.value.problem == (
        "not a video that can be decoded (Invalid data found when processing input)"
    )


def test_the_clip_is_one_that_opencv_conceals(clip: Path, tmp_path: Path) -> None:
    """Without damage that OpenCV takes for good frames these tests would prove nothing."""
    cells, rng = clip.read_bytes(), random.Random(0)
    data = b"".join(
        cells[at : at + 188]
        for at in range(0, len(cells), 188)
        if at < 9 * 188 or rng.random() > 0.02
    )
    broken = tmp_path / "broken.ts"
    broken.write_bytes(data)
    capture = cv2.VideoCapture(str(broken), cv2.CAP_FFMPEG)
    count = 0
    while capture.grab():
        count += 1
    stream, results = read(broken)
    assert count > len(results)
    assert stream.health().garbage > 0
