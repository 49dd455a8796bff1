"""Real servers from Debian: every picture once, in order, and counts that add up."""

from __future__ import annotations

import collections
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest

import edgefeat
from camera_peers import clip as write_clip
from camera_peers import ffmpeg_listening, hls, missing, motion, nginx, ustreamer
from edgefeat.pictures.decode import load_bgr
from edgefeat.streaming import Event, EventKind, Health, Limits, Selection


class Digest:
    """An extractor whose features are a fingerprint of the picture's pixels."""

    fingerprint = "digest"

    def prepare(self, image: Any) -> Any:
        return load_bgr(image)

    def extract_prepared(self, images: Any) -> Any:
        weights = np.random.default_rng(0).random(images[0].size)
        return np.array([[(one.reshape(-1) * weights).sum()] for one in images], np.float64)


@pytest.fixture(autouse=True, scope="module")
def installed() -> None:
    assert missing() == [], "apt-get install ustreamer motion ffmpeg nginx"


def read(url: str, seconds: float, **options: Any) -> tuple[list[Any], Health, list[Event]]:
    events: list[Event] = []
    limits = options.pop("limits", Limits(timeout_s=5, duration_s=seconds))
    stream = edgefeat.stream(
        url, Digest(), policy="all", limits=limits, on_event=events.append, **options
    )
    results = list(stream)
    health = stream.health()
    skipped = health.skipped_rate + health.skipped_motion + health.skipped_novelty
    assert health.captured == (
        health.emitted + health.dropped + health.discarded + health.repeated + health.garbage
        + skipped
    )  # fmt: skip
    assert "p@ss" not in " ".join(str(event) for event in events)
    return results, health, events


def distinct(results: list[Any]) -> int:
    return len(collections.Counter(float(r.features[0]) for r in results))


@pytest.mark.parametrize("login", ["", "me:p%40ss@"], ids=["open", "basic"])
def test_ustreamer(login: str) -> None:
    options = ("--user", "me", "--passwd", "p@ss") if login else ()
    with ustreamer(*options) as place:
        results, health, _ = read(f"http://{login}{place}/stream", 4)
        assert len(results) + health.repeated >= 2
        stills, still_health, _ = read(
            f"http://{login}{place}/snapshot", 3, selection=Selection(fps=4)
        )
    assert len(stills) + still_health.repeated >= 8
    assert health.losses == still_health.losses == 0


def test_ustreamer_refuses_a_wrong_password() -> None:
    with (
        ustreamer("--user", "me", "--passwd", "p@ss") as place,
        pytest.raises(edgefeat.SourceError, match="log-in refused"),
    ):
        read(f"http://me:wrong@{place}/stream", 5)


@pytest.mark.parametrize("method", [0, 1, 2], ids=["open", "basic", "digest"])
def test_motion(tmp_path: Path, method: int) -> None:
    with motion(tmp_path, method=method) as place:
        login = f"me:{quote('p@ss')}@" if method else ""
        # It hangs up on everybody until it has pictures itself.
        limits = Limits(timeout_s=5, duration_s=10, wait=True)
        results, health, _ = read(f"http://{login}{place}/", 10, limits=limits)
    assert len(results) >= 10
    assert health.losses == 0


@pytest.mark.parametrize("kind", ["mpjpeg", "mpegts"])
def test_ffmpeg_as_a_server(kind: str) -> None:
    limits = Limits(timeout_s=5, reconnect=0)
    with ffmpeg_listening(kind, 4) as url:
        stream = edgefeat.stream(url, Digest(), policy="all", limits=limits)
        with pytest.raises(edgefeat.SourceError, match=r"closed the connection|broke"):
            list(stream)
    health = stream.health()
    assert health.captured >= 95  # of 100: ffmpeg cuts off what is on its way at its end
    assert health.captured == health.emitted + health.dropped + health.discarded + health.garbage
    assert health.garbage <= 1


def test_hls_gives_every_picture_once(tmp_path: Path) -> None:
    with hls(tmp_path) as url:
        results, health, events = read(url, 16)
    assert health.losses == 0
    assert distinct(results) == len(results) >= 250
    ages = np.diff([result.monotonic_s for result in results])
    assert np.median(ages) == pytest.approx(0.04, abs=0.015)
    assert EventKind.LOST not in [event.kind for event in events]


def test_hls_is_sampled_evenly(tmp_path: Path) -> None:
    with hls(tmp_path) as url:
        results, _, _ = read(url, 14, selection=Selection(fps=2))
    gaps = np.diff([result.monotonic_s for result in results])
    assert len(results) >= 18
    assert gaps.max() < 1.2


@pytest.mark.parametrize("suffix", ["mp4", "ts"])
def test_a_file_behind_nginx_ends(tmp_path: Path, suffix: str) -> None:
    write_clip(tmp_path / f"clip.{suffix}", 4)
    with nginx(tmp_path) as url:
        results, health, events = read(f"{url}/clip.{suffix}", 30)
    assert distinct(results) == len(results) == 100
    assert (health.losses, health.dropped) == (0, 0)
    assert events[-1].kind is EventKind.ENDED
