"""Asks a camera for a URL: redirections, log-in and TLS, until its answer begins.

A log-in belongs to one place: scheme, host and port. A redirection to any other place is followed
without it, and a text from the camera never adds one.
"""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from edgefeat.errors import SourceError
from edgefeat.messages.redact import redact
from edgefeat.sources.http.challenge import Challenge, challenges
from edgefeat.sources.http.login import ANY_BYTES, Login, authorization
from edgefeat.sources.http.tls import Tls, explain

__all__ = ["FOREIGN", "Answer", "ask"]

_MAX_REDIRECTS = 3
_MAX_STATUS_BYTES = 1024
_MOVED = (301, 302, 303, 307, 308)
_HEADERS = {"User-Agent": "edgefeat", "Accept": "*/*", "Connection": "close"}
# What sockets, TLS and http.client raise; ValueError is for headers and URLs that cannot be sent.
FOREIGN = (OSError, http.client.HTTPException, ValueError, LookupError)


class _Response(http.client.HTTPResponse):
    """A response that may begin as those of old Icecast servers and cameras: `ICY 200 OK`."""

    def _read_status(self) -> tuple[str, int, str]:
        if self.fp.peek(4).startswith(b"ICY "):
            line = self.fp.readline(_MAX_STATUS_BYTES).decode("latin-1")
            status, _, reason = line[4:].partition(" ")
            if not status.isdecimal():
                raise http.client.BadStatusLine(line)
            return "HTTP/1.0", int(status), reason.strip()
        return super()._read_status()  # type: ignore[misc,no-any-return]


@dataclass(frozen=True, slots=True)
class Answer:
    """A response with its socket, which http.client would hide.

    Attributes:
        response: The camera's answer; its body has not been read.
        socket: What the body comes through; shutting it down wakes a reader that waits.
        url: Where the answer came from, with the log-in if it was meant for that place.
    """

    response: http.client.HTTPResponse
    socket: socket.socket
    url: str

    def close(self) -> None:
        """Let the connection go; closing twice is fine."""
        self.response.close()
        self.socket.close()

    @property
    def kind(self) -> str:
        """The type of the content, in lower case and without parameters."""
        return self.response.getheader("Content-Type", "").partition(";")[0].strip().lower()


def ask(url: str, *, name: str, tls: Tls, timeout_s: float) -> Answer:
    """Return a camera's answer, which is 200.

    Args:
        url: `http://` or `https://`, with `user:password@` where the camera asks for them.
        name: What the source is called, for messages.
        tls: Who is trusted.
        timeout_s: Longest wait to connect and for each piece of the answer.

    Raises:
        SourceError: No connection, no answer in time, or a refusal.
    """
    kept_back = False
    for _ in range(_MAX_REDIRECTS + 1):
        answer = _ask_once(_parts(url, name), name, tls, timeout_s)
        status = answer.response.status
        if status == http.client.OK:
            return answer
        answer.close()
        if status not in _MOVED:
            raise _refusal(answer, name, kept_back=kept_back)
        moved = _moved(url, answer.response.getheader("Location", ""), name)
        kept_back |= _login(urlsplit(url)) is not None and _login(urlsplit(moved)) is None
        url = moved
    raise SourceError(
        f"more than {_MAX_REDIRECTS} redirections", where=name, remedy="Check the URL."
    )


def _ask_once(parts: SplitResult, name: str, tls: Tls, timeout_s: float) -> Answer:
    """Send the request, and again with the log-in if the camera asks for one."""
    login = _login(parts)
    answer = _send(parts, _HEADERS, name, tls, timeout_s)
    if answer.response.status != http.client.UNAUTHORIZED or login is None:
        return answer
    for _ in range(2):  # the second time for a nonce that was too old
        answer.close()
        said = {"Authorization": _authorization(answer, login, parts, name)}
        answer = _send(parts, _HEADERS | said, name, tls, timeout_s)
        if not any(one.fields.get("stale", "").lower() == "true" for one in _offered(answer)):
            break
    return answer


def _authorization(answer: Answer, login: Login, parts: SplitResult, name: str) -> str:
    offered = _offered(answer)
    said = authorization(offered, login, method="GET", target=_target(parts))
    if said is None:
        asked = ", ".join(
            f"{one.scheme} {one.fields.get('algorithm', '')}".strip() for one in offered
        )
        raise SourceError(
            f"the camera asks for a log-in that is not known here: {asked}",
            where=name,
            remedy="Choose Digest or Basic in the camera's settings.",
        )
    return said


def _offered(answer: Answer) -> list[Challenge]:
    headers = answer.response.headers.get_all("WWW-Authenticate", [])
    # http.client takes every byte for a letter; a camera's realm may be text of any encoding.
    return challenges([text.encode("latin-1").decode(errors=ANY_BYTES) for text in headers])


def _send(
    parts: SplitResult, headers: Mapping[str, str], name: str, tls: Tls, timeout_s: float
) -> Answer:
    host, port = parts.hostname or "", parts.port
    connection = (
        http.client.HTTPSConnection(host, port, timeout=timeout_s, context=tls.context)
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, port, timeout=timeout_s)
    )
    connection.response_class = _Response
    sent = {key: value.encode(errors=ANY_BYTES) for key, value in headers.items()}
    try:
        connection.connect()
        kept = connection.sock
        connection.request("GET", _target(parts), headers=sent)
        return Answer(connection.getresponse(), kept, parts.geturl())
    except FOREIGN as error:
        connection.close()
        explained = explain(error, name, timeout_s)
    raise explained  # outside, without a cause: what the libraries say may quote the URL


def _parts(url: str, name: str) -> SplitResult:
    """Take a URL apart.

    Raises:
        SourceError: It is none of HTTP.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises if it is none
    except ValueError:  # the text of the error quotes the URL
        raise SourceError("not a URL", where=name, remedy="Check host and port.") from None
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise SourceError("expected http://HOST/PATH", where=name)
    return parts


def _login(parts: SplitResult) -> Login | None:
    if parts.username is None:
        return None
    return Login(unquote(parts.username), unquote(parts.password or ""))


def _target(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _place(parts: SplitResult) -> tuple[str, str | None, int]:
    default = http.client.HTTPS_PORT if parts.scheme == "https" else http.client.HTTP_PORT
    return parts.scheme, parts.hostname, parts.port or default


def _moved(url: str, location: str, name: str) -> str:
    """Return where a redirection leads, with the log-in only if that is the same place."""
    if not location.strip():
        raise SourceError("redirected to nowhere", where=name, remedy="Check the URL.")
    old = urlsplit(url)
    try:
        new = urlsplit(urljoin(url, location.strip()))
        _ = new.port
    except ValueError:  # the text of the error quotes the URL
        what = "redirected to what is not a URL"
        raise SourceError(what, where=name, remedy="Check the URL.") from None
    if new.scheme not in ("http", "https"):
        raise SourceError(
            f"redirected to {redact(new.geturl())}, which is not http",
            where=name,
            remedy="Give that URL, if it is the camera's.",
        )
    host = new.netloc.rpartition("@")[2]
    if old.username is not None and _place(old) == _place(new):
        host = f"{old.netloc.rpartition('@')[0]}@{host}"
    return new._replace(netloc=host).geturl()


def _refusal(answer: Answer, name: str, *, kept_back: bool) -> SourceError:
    status = answer.response.status
    if status == http.client.UNAUTHORIZED and kept_back:
        place = redact(answer.url.partition("?")[0])
        return SourceError(
            f"redirected to {place}, which asks for a log-in; it is sent to no other scheme, host "
            "or port than it was given for",
            where=name,
            remedy="Give the URL that it redirects to, with user and password.",
        )
    if status == http.client.UNAUTHORIZED:
        remedy = "Check user and password in the URL."
        return SourceError("log-in refused", where=name, remedy=remedy)
    if status >= http.client.INTERNAL_SERVER_ERROR:
        remedy = "It may be busy, or have too many viewers."
    else:
        remedy = "Check the URL's path."
    return SourceError(f"the camera answered {status}", where=name, remedy=remedy)
