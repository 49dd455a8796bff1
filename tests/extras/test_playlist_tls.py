"""Playlists over TLS through PyAV: each certificate is looked at, those of segments too."""

from __future__ import annotations

from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler

import pytest

import edgefeat
from edgefeat.sources import NetworkOptions, VideoOptions, open_source
from edgefeat.streaming import Event, EventKind, Limits
from http_server import TLS, Answer, served
from streams_support import NumberReader
from video_server import segments, write_clip

FRAMES = 48
TRUSTED = NetworkOptions(cacert=str(TLS / "camera_certificate.pem"))
PYAV = VideoOptions.of(decoder="pyav")
HEAD = "#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:1\n"


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    clip = write_clip(tmp_path_factory.mktemp("hls") / "clip.ts", FRAMES, codec="mpg2")
    return segments(clip, groups=2)


def serving(files: Mapping[str, bytes]) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        body = files.get(request.path)
        request.send_response(404 if body is None else 200)
        request.send_header("Content-Length", str(len(body or b"")))
        request.end_headers()
        request.wfile.write(body or b"")

    return answer


def playlist(lines: list[str]) -> bytes:
    return (HEAD + "\n".join(lines) + "\n#EXT-X-ENDLIST\n").encode()


def named(pieces: list[bytes], host: str = "") -> tuple[list[str], dict[str, bytes]]:
    """Return the lines that name the pieces at a host, and what it has to serve."""
    files = {f"/{number}.ts": piece for number, piece in enumerate(pieces)}
    return [line for name in files for line in ("#EXTINF:0.96,", host + name)], files


def read(
    url: str, network: NetworkOptions
) -> tuple[list[int], list[str], edgefeat.SourceError | None]:
    """Return the numbers of the frames, notices, and the error that ended it."""
    events: list[Event] = []
    numbers: list[int] = []
    stream = edgefeat.stream(
        open_source(f"{url}/live.m3u8", network=network, video=PYAV),
        NumberReader(),
        policy="all",
        limits=Limits(timeout_s=5, reconnect=0),
        on_event=events.append,
    )
    error: edgefeat.SourceError | None = None
    try:
        numbers.extend(int(result.features[0]) for result in stream)
    except edgefeat.SourceError as raised:
        error = raised
    return numbers, [e.message for e in events if e.kind is EventKind.NOTICE], error


def test_segments_of_a_trusted_host_come(pieces: list[bytes]) -> None:
    lines, files = named(pieces)
    files["/live.m3u8"] = playlist(lines)
    with served(serving(files), certificate="camera.pem") as url:
        numbers, notices, error = read(url, TRUSTED)
    assert (numbers, notices, error) == (list(range(FRAMES)), [], None)


def test_segments_of_another_host_are_looked_at_too(pieces: list[bytes]) -> None:
    lines, files = named(pieces)
    with served(serving(files), certificate="other.pem") as elsewhere:
        lines, _ = named(pieces, elsewhere)
        own = {"/live.m3u8": playlist(lines)}
        with served(serving(own), certificate="camera.pem") as url:
            numbers, _, error = read(url, TRUSTED)
            unseen, notices, _ = read(url, NetworkOptions(insecure=True))
    assert error is not None
    assert error.problem.startswith("the certificate is not trusted")
    assert numbers == []
    assert unseen == list(range(FRAMES))
    assert len(notices) == 1


def test_segments_may_be_parts_of_one_file(pieces: list[bytes]) -> None:
    lines, at = [], 0
    for piece in pieces:
        lines += ["#EXTINF:0.96,", f"#EXT-X-BYTERANGE:{len(piece)}@{at}", "all.ts"]
        at += len(piece)
    files = {"/live.m3u8": playlist(lines), "/all.ts": b"".join(pieces)}
    with served(serving(files), certificate="camera.pem") as url:
        numbers, _, error = read(url, TRUSTED)
    assert (numbers, error) == (list(range(FRAMES)), None)


def test_encrypted_segments_are_refused_with_the_way_out(pieces: list[bytes]) -> None:
    lines, files = named(pieces)
    files["/key"] = bytes(16)
    files["/live.m3u8"] = playlist(['#EXT-X-KEY:METHOD=AES-128,URI="key"', *lines])
    with served(serving(files), certificate="camera.pem") as url:
        numbers, _, error = read(url, TRUSTED)
    assert error is not None
    assert error.problem.startswith("its segments are encrypted")
    assert (numbers, error.option) == ([], "insecure=True")


def test_a_segment_that_is_not_there_is_a_loss_that_says_so(pieces: list[bytes]) -> None:
    lines, files = named(pieces)
    files["/live.m3u8"] = playlist(lines)
    del files["/1.ts"]
    with served(serving(files), certificate="camera.pem") as url:
        numbers, _, error = read(url, TRUSTED)
    assert error is not None
    assert error.problem == "the camera answered 404"
    assert numbers == list(range(len(numbers)))
