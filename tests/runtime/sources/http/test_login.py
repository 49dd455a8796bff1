"""Log-in to cameras: any challenge, the strongest answer, and the password to nobody else."""

from __future__ import annotations

import hashlib
from http.server import BaseHTTPRequestHandler

import pytest
from hypothesis import given
from hypothesis import strategies as st

import edgefeat
from edgefeat.sources.http.challenge import challenges
from edgefeat.sources.http.login import Login, authorization
from edgefeat.streaming import Limits
from http_server import send, send_mjpeg, served
from streams_support import NumberReader

USER, PASSWORD, REALM, NONCE = "me", "p@ss/word", 'Büro "2"', "abc=="
URL_LOGIN = "me:p%40ss%2Fword@"
ONCE = Limits(timeout_s=2, reconnect=0)
QUOTED_REALM = '"Büro \\"2\\""'


def read(url: str) -> list[int]:
    """Read a camera until it closes the connection."""
    seen: list[int] = []
    stream = edgefeat.stream(url, NumberReader(), policy="all", limits=ONCE)
    with pytest.raises(edgefeat.SourceError) as raised:
        seen.extend(int(result.features[0]) for result in stream)
    if not seen:
        raise raised.value
    assert raised.value.problem == "the camera closed the connection"
    return seen


def with_login(url: str, login: str = URL_LOGIN) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{login}{rest}"


def fields_of(said: str) -> dict[str, str]:
    (challenge, *_) = challenges([said])
    return dict(challenge.fields)


def expected_response(said: str, target: str, algorithm: str) -> str:
    """Compute what RFC 7616 asks for, from the fields of an answer."""
    got = fields_of(said)

    def hashed(text: str) -> str:
        kind = "sha256" if "256" in algorithm else "md5"
        return hashlib.new(kind, text.encode()).hexdigest()

    secret = hashed(f"{USER}:{REALM}:{PASSWORD}")
    if "sess" in algorithm.lower():
        secret = hashed(f"{secret}:{NONCE}:{got['cnonce']}")
    request = hashed(f"GET:{target}")
    if "qop" not in got:
        return hashed(f"{secret}:{NONCE}:{request}")
    return hashed(f"{secret}:{NONCE}:{got['nc']}:{got['cnonce']}:{got['qop']}:{request}")


class Guard:
    """Asks for a log-in, checks it, and then streams six pictures.

    Attributes:
        said: The `Authorization` headers that came.
    """

    def __init__(self, *offered: str, algorithm: str = "MD5") -> None:
        self.offered, self.algorithm = offered, algorithm
        self.said: list[str] = []

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        said = (request.headers.get("Authorization") or "").encode("latin-1").decode()
        if said:
            self.said.append(said)
        if said.startswith("Digest "):
            expected = expected_response(said, request.path, self.algorithm)
            if fields_of(said)["response"] == expected:
                return send_mjpeg(request)
        offered = [("WWW-Authenticate", text.encode().decode("latin-1")) for text in self.offered]
        return send(request, 401, *offered)


BASIC = 'Basic realm="x"'


def digest(**fields: str) -> str:
    return "Digest " + ", ".join(
        f"{key}={value}"
        for key, value in {"realm": QUOTED_REALM, "nonce": f'"{NONCE}"', **fields}.items()
    )


OFFERS = {
    "plain": ([digest()], "MD5"),
    "qop": ([digest(qop='"auth"')], "MD5"),
    "two-qops": ([digest(qop='"auth-int, auth"')], "MD5"),
    "lower-case": ([digest(algorithm="md5", qop='"auth"')], "MD5"),
    "quoted": ([digest(algorithm='"MD5"', qop="auth")], "MD5"),
    "md5-sess": ([digest(algorithm="MD5-sess", qop='"auth"')], "MD5-sess"),
    "md5-sess-shouted": ([digest(algorithm="md5-SESS", qop='"auth"')], "MD5-sess"),
    "sess-without-qop": ([digest(algorithm="MD5-sess")], "MD5-sess"),
    "sha-256": ([digest(algorithm="SHA-256", qop='"auth"')], "SHA-256"),
    "sha256": ([digest(algorithm="SHA256", qop='"auth"')], "SHA-256"),
    "sha-256-sess": ([digest(algorithm="SHA-256-sess", qop='"auth"')], "SHA-256-sess"),
    "basic-first": ([BASIC, digest(qop='"auth"')], "MD5"),
    "one-header": ([f"{BASIC}, {digest(qop=chr(34) + 'auth' + chr(34))}"], "MD5"),
    "stronger-second": (
        [digest(algorithm="MD5", qop='"auth"'), digest(algorithm="SHA-256", qop='"auth"')],
        "SHA-256",
    ),
    "unknown-first": ([digest(algorithm="TIGER"), digest(qop='"auth"')], "MD5"),
    "bare-token": ([digest(qop='"auth"') + ", Negotiate"], "MD5"),
    "token68": (["NTLM TlRMTVNTUAAC==", digest(qop='"auth"')], "MD5"),
    "spaces": ([f'digest  realm = {QUOTED_REALM} ,nonce= "{NONCE}",, QOP = auth ,'], "MD5"),
}


@pytest.mark.parametrize(("offered", "algorithm"), OFFERS.values(), ids=OFFERS)
def test_digest_in_any_spelling_and_order(offered: list[str], algorithm: str) -> None:
    guard = Guard(*offered, algorithm=algorithm)
    with served(guard) as url:
        assert read(f"{with_login(url)}/live?channel=1") == list(range(6))
    assert len(guard.said) == 1


def test_basic_is_sent_only_where_nothing_better_is_offered() -> None:
    guard = Guard(BASIC, digest(), algorithm="MD5")
    with served(guard) as url:
        read(f"{with_login(url)}/")
    assert [said.split()[0] for said in guard.said] == ["Digest"]


def test_a_wrong_password_is_tried_once() -> None:
    guard = Guard(digest(qop='"auth"'))
    with served(guard) as url, pytest.raises(edgefeat.SourceError) as raised:
        read(f"{with_login(url, 'me:wrong@')}/")
    assert raised.value.reason == "log-in refused. Check user and password in the URL."
    assert len(guard.said) == 1


def test_a_nonce_that_is_too_old_is_answered_once_more() -> None:
    answers = 0

    def camera(request: BaseHTTPRequestHandler) -> None:
        nonlocal answers
        said = (request.headers.get("Authorization") or "").encode("latin-1").decode()
        answers += bool(said)
        if answers == 2:
            return send_mjpeg(request)
        stale = {"stale": "TRUE"} if answers else {}
        text = digest(qop='"auth"', **stale)
        return send(request, 401, ("WWW-Authenticate", text.encode().decode("latin-1")))

    with served(camera) as url:
        assert read(f"{with_login(url)}/") == list(range(6))


def test_an_unknown_log_in_is_named() -> None:
    guard = Guard("Bearer", digest(algorithm="TIGER"))
    with served(guard) as url, pytest.raises(edgefeat.SourceError) as raised:
        read(f"{with_login(url)}/")
    assert raised.value.problem == (
        "the camera asks for a log-in that is not known here: bearer, digest TIGER"
    )


RFC_7616 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=%s, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
    'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
    ids=["md5", "sha-256"],
)
def test_the_examples_of_rfc_7616(algorithm: str, response: str) -> None:
    said = authorization(
        challenges([RFC_7616 % algorithm]),
        Login("Mufasa", "Circle of Life"),
        method="GET",
        target="/dir/index.html",
        make_nonce=lambda: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    assert said is not None
    got = fields_of(said)
    assert got["response"] == response
    assert (got["algorithm"], got["qop"], got["nc"]) == (algorithm, "auth", "00000001")


def test_a_session_differs_from_plain_digest() -> None:
    def response(algorithm: str) -> str:
        said = authorization(
            challenges([RFC_7616 % algorithm]),
            Login("a", "b"),
            method="GET",
            target="/",
            make_nonce=lambda: "c",
        )
        assert said is not None
        return fields_of(said)["response"]

    assert len({response(one) for one in ("MD5", "MD5-sess", "SHA-256", "SHA-256-sess")}) == 4


@given(st.lists(st.text(max_size=80), max_size=4))
def test_no_challenge_breaks_the_log_in(headers: list[str]) -> None:
    spiced = [*headers, *(f"Digest {text}" for text in headers)]
    authorization(challenges(spiced), Login("ü", "\r\n"), method="GET", target="/")
