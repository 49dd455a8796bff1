"""One rule for TLS, for MJPEG and for video: who is trusted, and what is said of it."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

import edgefeat
from edgefeat.errors import OptionError
from edgefeat.sources import NetworkOptions, open_source
from edgefeat.streaming import Event, EventKind, Limits
from http_server import TLS, Answer, send_mjpeg, served
from streams_support import NumberReader
from video_server import write_clip

ONCE = Limits(timeout_s=3, reconnect=0)
TRUSTED = NetworkOptions(cacert=str(TLS / "camera_certificate.pem"))
OTHER = NetworkOptions(cacert=str(TLS / "other_certificate.pem"))
INSECURE = NetworkOptions(insecure=True)
FRAMES = 6


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_clip(tmp_path_factory.mktemp("tls") / "clip.ts", FRAMES).read_bytes()


def camera_with(clip: bytes) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        if not request.path.endswith(".ts"):
            return send_mjpeg(request, FRAMES)
        request.send_response(200)
        request.send_header("Content-Length", str(len(clip)))
        request.end_headers()
        request.wfile.write(clip)
        return None

    return answer


def read(
    url: str, network: NetworkOptions | None
) -> tuple[int, list[str], edgefeat.SourceError | None]:
    """Read a camera to its end; return frames, notices and the error that ended it."""
    events: list[Event] = []
    source = open_source(url, network=network)
    stream = edgefeat.stream(
        source, NumberReader(), policy="all", limits=ONCE, on_event=events.append
    )
    ended: edgefeat.SourceError | None = None
    try:
        for _ in stream:
            pass
    except edgefeat.SourceError as error:
        ended = error
    notices = [event.message for event in events if event.kind is EventKind.NOTICE]
    return stream.health().emitted, notices, ended


@pytest.mark.parametrize("path", ["mjpeg", "clip.ts"])
@pytest.mark.parametrize(
    ("certificate", "network", "problem"),
    [
        ("camera.pem", None, "the certificate is not trusted: self-signed certificate"),
        ("camera.pem", OTHER, "the certificate is not trusted: self-signed certificate"),
        (
            "other.pem",
            OTHER,
            "the certificate is not trusted: IP address mismatch",
        ),
    ],
    ids=["nobody-trusts-it", "another-is-trusted", "another-name"],
)
def test_a_certificate_is_refused(
    clip: bytes, path: str, certificate: str, network: NetworkOptions | None, problem: str
) -> None:
    with served(camera_with(clip), certificate=certificate) as url:
        seen, _, error = read(f"{url}/{path}", network)
    assert error is not None
    assert (seen, error.problem) == (0, problem)
    assert error.option == ("insecure=True" if certificate == "other.pem" else "cacert")


@pytest.mark.parametrize("path", ["mjpeg", "clip.ts"])
def test_a_certificate_is_trusted(clip: bytes, path: str) -> None:
    with served(camera_with(clip), certificate="camera.pem") as url:
        seen, notices, _ = read(f"{url}/{path}", TRUSTED)
    assert (seen, notices) == (FRAMES, [])


@pytest.mark.parametrize("path", ["mjpeg", "clip.ts"])
def test_trusting_anybody_is_said(clip: bytes, path: str) -> None:
    with served(camera_with(clip), certificate="other.pem") as url:
        seen, notices, _ = read(f"{url}/{path}", INSECURE)
    assert seen == FRAMES
    assert notices == [
        "the camera's certificate is not checked: anybody on the way can be the camera"
    ]


def test_plain_http_on_a_port_of_tls_and_the_other_way_round() -> None:
    with served(send_mjpeg) as url:
        _, _, error = read(url.replace("http:", "https:"), None)
        assert error is not None
        assert (
            error.reason
            == "TLS failed: wrong version number. Does the camera speak TLS on this port?"
        )
    with served(send_mjpeg, certificate="camera.pem") as url:
        _, _, error = read(url.replace("https:", "http:"), None)
        assert error is not None
        assert error.problem.startswith("cannot connect: ")


def test_wrong_options(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="cacert: does not go with insecure"):
        NetworkOptions(cacert="a.pem", insecure=True)
    with pytest.raises(OptionError, match="expected a PEM file of certificates, got '/nowhere'"):
        open_source("https://h/", network=NetworkOptions(cacert="/nowhere"))
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    with pytest.raises(OptionError, match="no certificate or crl found"):
        open_source("https://h/", network=NetworkOptions(cacert=str(broken)))
    with pytest.raises(OptionError, match="network: does not go with the source clip"):
        open_source("clip.mp4", network=INSECURE)
