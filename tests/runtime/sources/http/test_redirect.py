"""A log-in belongs to one scheme, host and port: redirections to any other get none of it."""

from __future__ import annotations

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

import pytest

import edgefeat
from edgefeat.sources import NetworkOptions, open_source
from edgefeat.streaming import Limits
from http_server import TLS, send, send_mjpeg, served
from streams_support import NumberReader

ONCE = Limits(timeout_s=2, reconnect=0)
TRUSTED = NetworkOptions(cacert=str(TLS / "camera_certificate.pem"))


def error_of(url: str) -> edgefeat.SourceError:
    """Read a camera until an error ends it."""
    source = open_source(url, network=TRUSTED)
    with pytest.raises(edgefeat.SourceError) as raised:
        list(edgefeat.stream(source, NumberReader(), limits=ONCE))
    return raised.value


def to(location: str, asks: bool = True) -> Callable[[BaseHTTPRequestHandler], None]:
    """Return a camera that redirects, after a log-in if it `asks`."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        if asks and "Authorization" not in request.headers:
            return send(request, 401, ("WWW-Authenticate", 'Basic realm="x"'))
        return send(request, 302, ("Location", location))

    return answer


class Elsewhere:
    """Another place, which asks for a log-in and notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.paths: list[str] = []

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        self.paths.append(request.path)
        if "Authorization" in request.headers:
            self.told.append(request.headers["Authorization"])
        send(request, 401, ("WWW-Authenticate", 'Basic realm="x"'))


@pytest.mark.parametrize(
    ("first", "second"),
    [("camera.pem", None), (None, None), (None, "camera.pem"), ("camera.pem", "camera.pem")],
    ids=["weaker-scheme", "other-port", "stronger-scheme", "other-port-of-tls"],
)
def test_a_log_in_never_travels(first: str | None, second: str | None) -> None:
    elsewhere = Elsewhere()
    with (
        served(elsewhere, certificate=second) as there,
        served(to(f"{there}/v?token=t"), certificate=first) as here,
    ):
        error = error_of(here.replace("://", "://me:secret@"))
    assert elsewhere.paths == ["/v?token=t"]
    assert elsewhere.told == []
    assert error.problem == (
        f"redirected to {there}/v, which asks for a log-in; it is sent to no other scheme, host "
        "or port than it was given for"
    )


def test_a_log_in_in_a_redirection_is_not_used() -> None:
    elsewhere = Elsewhere()
    with served(elsewhere) as there:
        own = there.replace("://", "://root:root@")
        with served(to(f"{own}/v", asks=False)) as here:
            error_of(here)
    assert elsewhere.told == []


def test_the_same_place_gets_the_log_in() -> None:
    def camera(request: BaseHTTPRequestHandler) -> None:
        if "Authorization" not in request.headers:
            send(request, 401, ("WWW-Authenticate", 'Basic realm="x"'))
        elif request.path == "/":
            send(request, 307, ("Location", "video"))
        else:
            send_mjpeg(request)

    with served(camera) as url:
        error = error_of(url.replace("://", "://me:secret@"))
    assert error.problem == "the camera closed the connection"


@pytest.mark.parametrize(
    ("location", "problem"),
    [
        ("rtsp://127.0.0.1/x", "redirected to rtsp://127.0.0.1/x, which is not http"),
        ("file:///etc/passwd", "redirected to file:///etc/passwd, which is not http"),
        ("", "redirected to nowhere"),
        ("http://[::1", "redirected to what is not a URL"),
        ("http://127.0.0.1:port/", "redirected to what is not a URL"),
    ],
    ids=["rtsp", "file", "nowhere", "bracket", "port"],
)
def test_redirections_that_lead_nowhere(location: str, problem: str) -> None:
    with served(to(location, asks=False)) as url:
        assert error_of(url).problem == problem


def test_a_circle_ends() -> None:
    with served(to("/", asks=False)) as url:
        assert error_of(url).problem == "more than 3 redirections"
