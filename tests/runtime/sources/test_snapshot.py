"""A URL of one picture is asked again and again, at the rate that the user wants."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

import pytest

import edgefeat
from edgefeat.streaming import Event, EventKind, Limits, Selection
from http_server import jpeg, send, served
from streams_support import NumberReader


class Camera:
    """Gives one picture for each request, and keeps the times.

    Args:
        picture: Makes a picture, by the number of the request.
        with_length: Whether the answer states its length.
    """

    def __init__(self, picture: Callable[[int], bytes], *, with_length: bool = True) -> None:
        self._picture, self._with_length = picture, with_length
        self._numbers = itertools.count()
        self.asked_at: list[float] = []

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        self.asked_at.append(time.monotonic())
        picture = self._picture(next(self._numbers))
        request.send_response(200)
        request.send_header("Content-Type", "image/jpeg")
        if self._with_length:
            request.send_header("Content-Length", str(len(picture)))
        request.end_headers()
        request.wfile.write(picture)


def test_it_is_asked_at_the_rate() -> None:
    camera = Camera(jpeg)
    with served(camera) as url:
        stream = edgefeat.stream(
            f"{url}/snapshot.jpg",
            NumberReader(),
            selection=Selection(fps=10),
            limits=Limits(duration_s=1.55),
        )
        seen = [int(result.features[0]) for result in stream]
    assert seen == sorted(set(seen))  # a busy machine may leave some out, and repeats none
    assert 2 <= len(seen) <= len(camera.asked_at) <= 17
    gaps = [b - a for a, b in itertools.pairwise(camera.asked_at)]
    assert sorted(gaps)[len(gaps) // 2] >= 0.07


@pytest.mark.parametrize("with_length", [True, False], ids=["length", "no-length"])
def test_without_a_rate_it_is_asked_once_a_second(with_length: bool) -> None:
    with served(Camera(jpeg, with_length=with_length)) as url:
        stream = edgefeat.stream(url, NumberReader(), limits=Limits(duration_s=2.5))
        results = list(stream)
    assert 2 <= len(results) <= 4
    assert stream.health().losses == 0


def test_a_picture_that_does_not_change_is_given_once_and_called_frozen() -> None:
    events: list[Event] = []
    with served(Camera(lambda n: jpeg(n // 8))) as url:
        stream = edgefeat.stream(
            url,
            NumberReader(),
            selection=Selection(fps=20),
            limits=Limits(frozen_s=0.2),
            on_event=events.append,
        )
        seen = []
        for result in stream:
            seen.append(int(result.features[0]))
            if len(seen) == 3:
                break
    health = stream.health()
    assert seen == [0, 1, 2]
    assert health.repeated == 14
    assert EventKind.FROZEN in [event.kind for event in events]
    total = health.emitted + health.dropped + health.discarded + health.repeated
    assert health.captured == total + health.garbage + health.skipped_rate


def test_a_damaged_picture_is_left_out() -> None:
    with served(Camera(lambda n: jpeg(n) if n != 1 else jpeg(n)[:-200])) as url:
        stream = edgefeat.stream(url, NumberReader(), selection=Selection(fps=20))
        seen = []
        for result in stream:
            seen.append(int(result.features[0]))
            if len(seen) == 3:
                break
    assert seen == [0, 2, 3]
    assert stream.health().garbage == 1


def test_a_camera_that_is_slower_than_asked_is_not_asked_in_bursts() -> None:
    def slow(number: int) -> bytes:
        time.sleep(0.3 if number == 1 else 0)
        return jpeg(number)

    camera = Camera(slow)
    with served(camera) as url:
        limits = Limits(duration_s=1.2)
        list(edgefeat.stream(url, NumberReader(), selection=Selection(fps=20), limits=limits))
    gaps = [b - a for a, b in itertools.pairwise(camera.asked_at)]
    assert max(gaps) >= 0.3
    assert sum(gap < 0.03 for gap in gaps) <= 2


def test_a_camera_that_goes_away_is_lost_and_found() -> None:
    numbers = itertools.count()

    def sometimes(request: BaseHTTPRequestHandler) -> None:
        if 2 <= (number := next(numbers)) < 4:
            return send(request, 503)
        return Camera(lambda _: jpeg(number))(request)

    events: list[Event] = []
    with served(sometimes) as url:
        stream = edgefeat.stream(
            url,
            NumberReader(),
            selection=Selection(fps=20),
            limits=Limits(backoff_s=0.05, backoff_max_s=0.05),
            on_event=events.append,
        )
        for result in stream:
            if result.features[0] >= 5:
                break
    kinds = [event.kind for event in events]
    assert EventKind.LOST in kinds
    assert EventKind.RECOVERED in kinds


def test_an_address_that_never_gives_a_picture_is_no_camera() -> None:
    with (
        served(Camera(lambda _: b"no picture")) as url,
        pytest.raises(edgefeat.SourceError, match="no whole picture in 1 answers"),
    ):
        list(edgefeat.stream(url, NumberReader()))


def test_a_rare_picture_is_no_stall() -> None:
    """With a timeout shorter than the pause between two requests."""
    events: list[Event] = []
    with served(Camera(jpeg)) as url:
        limits = Limits(timeout_s=0.3, duration_s=1.5)
        stream = edgefeat.stream(url, NumberReader(), limits=limits, on_event=events.append)
        assert len(list(stream)) >= 2
    assert [event.kind for event in events] == [EventKind.CONNECTED, EventKind.ENDED]
