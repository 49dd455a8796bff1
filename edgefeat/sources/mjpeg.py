"""MJPEG over HTTP, read by ourselves: timeouts, cut frames and passwords stay under our control.

OpenCV's reader would decode every frame, also those that are dropped, fill cut ones with grey, and
print the URL. Here a frame stays JPEG bytes until it is used, and one that is not whole is refused.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import socket
import ssl
import time
import urllib.request
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from edgefeat.errors import ImageError, SourceError
from edgefeat.messages.redact import redact
from edgefeat.pictures.header import ImageFormat, read_header
from edgefeat.sources.base import FrameError, Grab, OpenReader, Traits, nothing_grabbed
from edgefeat.sources.multipart import Part, PartReader, boundary_of

__all__ = ["MjpegSource"]

_MAX_REDIRECTS = 3
_CHUNK = 1 << 16
_MOVED = (301, 302, 303, 307, 308)


class MjpegSource:
    """A camera that sends `multipart/x-mixed-replace` pictures; Basic and Digest log-in.

    Args:
        url: `http://` or `https://`, with `user:password@` where the camera asks for them.
    """

    def __init__(self, url: str) -> None:
        self.name = redact(url)
        self.traits = Traits(live=True, reopens=True)
        self._url = url

    def open(self, *, timeout_s: float) -> _MjpegReader:
        """Connect and read the answer's header.

        Raises:
            SourceError: No connection, no answer in time, a refusal, or no MJPEG.
        """
        url = self._url
        for _ in range(_MAX_REDIRECTS + 1):
            answer = _ask(url, self.name, timeout_s)
            if answer.response.status not in _MOVED:
                return self._reader(answer, timeout_s)
            answer.close()
            url = _keep_login(url, answer.response.getheader("Location", ""))
        raise SourceError(
            f"more than {_MAX_REDIRECTS} redirections", where=self.name, remedy="Check the URL."
        )

    def __repr__(self) -> str:
        return f"MjpegSource({self.name!r})"

    def _reader(self, answer: _Answer, timeout_s: float) -> _MjpegReader:
        response = answer.response
        kind = response.getheader("Content-Type", "")
        boundary = boundary_of(kind)
        if response.status == http.client.OK and boundary is not None:
            return _MjpegReader(answer, boundary, self.name, timeout_s)
        answer.close()
        if response.status == http.client.UNAUTHORIZED:
            problem, remedy = "log-in refused", "Check user and password in the URL."
        elif response.status != http.client.OK:
            problem, remedy = f"the camera answered {response.status}", "Check the URL's path."
        else:
            got = kind.partition(";")[0] or "no type"
            problem = f"expected multipart/x-mixed-replace with a boundary, got {got}"
            remedy = "Give the URL of the camera's MJPEG stream."
        raise SourceError(problem, where=self.name, remedy=remedy)


@dataclass(frozen=True, slots=True)
class _Answer:
    """A response with its socket, which http.client would hide.

    Attributes:
        response: The camera's answer; its body is the stream.
        socket: What the body comes through; shutting it down wakes a reader that waits.
    """

    response: http.client.HTTPResponse
    socket: socket.socket

    def close(self) -> None:
        self.response.close()
        self.socket.close()


class _MjpegReader(OpenReader):
    """Reads the pictures of one answer."""

    def __init__(self, answer: _Answer, boundary: bytes, name: str, timeout_s: float) -> None:
        self._answer, self._name, self._timeout_s = answer, name, timeout_s
        self._parts = PartReader(self._receive, boundary)
        self._jpeg: bytes | None = None

    def grab(self) -> Grab | None:
        try:
            part = self._parts.next_part()
        except FrameError as error:
            raise error.within(self._name) from None
        if part is None:
            raise SourceError("the camera closed the connection", where=self._name)
        self._jpeg = self._whole(part)
        # The stamp is of the first byte: how long a frame travels is part of its age.
        late_s = time.monotonic() - part.arrived_at
        return Grab(
            captured_at=part.arrived_at,
            wall_time=time.time() - late_s,
            media_s=_timestamp(part.headers.get("x-timestamp", "")),
        )

    def retrieve(self) -> bytes:
        if self._jpeg is None:
            raise nothing_grabbed(self._name)
        return self._jpeg

    def interrupt(self) -> None:
        with contextlib.suppress(OSError):  # closed already: nothing waits on it
            self._answer.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._answer.close()

    def _receive(self) -> bytes:
        try:
            return self._answer.response.read1(_CHUNK)
        except TimeoutError:
            problem = f"no bytes for {self._timeout_s:g} s"
            raise SourceError(problem, where=self._name) from None
        except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: closed
            problem = f"the connection broke: {_reason(error)}"
            raise SourceError(problem, where=self._name) from None

    def _whole(self, part: Part) -> bytes:
        """Return a part's JPEG; a decoder would fill what is missing with made-up grey."""
        jpeg = part.body.rstrip(b"\r\n\0")
        try:
            header = read_header(jpeg)
        except ImageError as error:
            problem = f"a frame of {len(jpeg)} bytes: {error.problem}"
            raise FrameError(problem, where=self._name) from None
        if header.format is not ImageFormat.JPEG:
            raise FrameError(f"expected JPEG frames, got {header.format}", where=self._name)
        return jpeg


def _ask(url: str, name: str, timeout_s: float) -> _Answer:
    """Send the request; a second time with Digest log-in if the camera wants that."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises if it is none
    except ValueError:  # its text quotes the URL
        raise SourceError("not a URL", where=name, remedy="Check host and port.") from None
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise SourceError("expected http://HOST/PATH", where=name)
    headers = {"User-Agent": "edgefeat", "Accept": "multipart/x-mixed-replace, image/jpeg"}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
    answer = _send(parts, headers, name, timeout_s)
    challenge = answer.response.getheader("WWW-Authenticate", "")
    if answer.response.status != http.client.UNAUTHORIZED or parts.username is None:
        return answer
    if not challenge.lower().startswith("digest "):
        return answer
    answer.close()
    return _send(parts, headers | {"Authorization": _digest(parts, challenge)}, name, timeout_s)


def _send(parts: SplitResult, headers: dict[str, str], name: str, timeout_s: float) -> _Answer:
    host, port = parts.hostname or "", parts.port
    connection = (
        http.client.HTTPSConnection(
            host, port, timeout=timeout_s, context=ssl.create_default_context()
        )
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, port, timeout=timeout_s)
    )
    try:
        connection.connect()
        kept = connection.sock
        connection.request("GET", _target(parts), headers=headers)
        return _Answer(connection.getresponse(), kept)
    # Raised outside, without a cause: what the libraries say may quote the URL and its password.
    except TimeoutError:
        connection.close()
        problem, remedy = f"no answer in {timeout_s:g} s", "Is the camera on?"
    except (OSError, http.client.HTTPException, ValueError) as error:
        connection.close()
        problem, remedy = f"cannot connect: {_reason(error)}", "Check the URL."
    raise SourceError(problem, where=name, remedy=remedy)


def _target(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _digest(parts: SplitResult, challenge: str) -> str:
    """Answer a Digest challenge (RFC 7616), with the standard library's arithmetic."""
    port = f":{parts.port}" if parts.port else ""
    bare = f"{parts.scheme}://{parts.hostname}{port}{_target(parts)}"
    logins = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    logins.add_password(None, bare, unquote(parts.username or ""), unquote(parts.password or ""))
    handler = urllib.request.HTTPDigestAuthHandler(logins)
    fields = urllib.request.parse_http_list(challenge.partition(" ")[2])
    answer = handler.get_authorization(
        urllib.request.Request(bare),  # noqa: S310 - never opened: it only carries the path
        urllib.request.parse_keqv_list(fields),
    )
    return f"Digest {answer}"


def _keep_login(url: str, location: str) -> str:
    """Follow a redirection; the log-in goes along only to the same host."""
    old, new = urlsplit(url), urlsplit(urljoin(url, location))
    if old.username is None or new.username is not None or new.hostname != old.hostname:
        return new.geturl()
    login = old.netloc.rpartition("@")[0]
    return new._replace(netloc=f"{login}@{new.netloc}").geturl()


def _reason(error: Exception) -> str:
    """Say what went wrong without what may quote the URL."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def _timestamp(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
