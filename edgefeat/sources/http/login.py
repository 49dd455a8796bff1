"""Answers a camera's challenge: Digest with MD5, SHA-256 or SHA-512-256, or Basic.

Digest is RFC 7616: the password itself never travels. Basic sends it, so it is used only where the
camera offers nothing else that is known here.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from edgefeat.sources.http.challenge import Challenge

__all__ = ["ANY_BYTES", "Login", "authorization"]

# How bytes that are not UTF-8 are kept in a text, to come back as they were.
ANY_BYTES = "surrogateescape"
# By their names without dashes, the strongest first.
_HASHES = {"sha512256": "sha512_256", "sha256": "sha256", "md5": "md5"}
_SESSION = "sess"
_FIRST_USE = "00000001"  # each connection gets a nonce of its own


@dataclass(frozen=True, slots=True, repr=False)
class Login:
    """A user and a password.

    Attributes:
        user: Name of the user.
        password: The password; it is shown nowhere.
    """

    user: str
    password: str


def authorization(
    offered: list[Challenge],
    login: Login,
    *,
    method: str,
    target: str,
    make_nonce: Callable[[], str] = lambda: secrets.token_hex(16),
) -> str | None:
    """Return the `Authorization` header for the strongest challenge; None if none is known.

    Args:
        offered: What the camera offers; nothing at all is taken for Basic.
        login: User and password.
        method: Method of the request, such as `GET`.
        target: Path and query of the request.
        make_nonce: Makes the client's nonce.
    """
    digests = [(_hash_of(one), one) for one in offered if one.scheme == "digest"]
    for name in _HASHES:
        for found, challenge in digests:
            if found == name and _hashes(name) and "nonce" in challenge.fields:
                return _digest(challenge, login, method, target, make_nonce())
    if not offered or any(one.scheme == "basic" for one in offered):
        pair = f"{login.user}:{login.password}".encode()
        return "Basic " + base64.b64encode(pair).decode()
    return None


def _algorithm(challenge: Challenge) -> str:
    """Return the algorithm as letters and digits: cameras write MD5, md5, SHA-256, SHA256."""
    stated = challenge.fields.get("algorithm", "MD5").lower()
    return "".join(letter for letter in stated if letter.isalnum())


def _hash_of(challenge: Challenge) -> str:
    return _algorithm(challenge).removesuffix(_SESSION)


def _hashes(name: str) -> bool:
    return _HASHES[name] in hashlib.algorithms_available


def _digest(challenge: Challenge, login: Login, method: str, target: str, cnonce: str) -> str:
    fields, algorithm = challenge.fields, _algorithm(challenge)
    function = _HASHES[_hash_of(challenge)]

    def hashed(*parts: str) -> str:
        text = ":".join(parts).encode(errors=ANY_BYTES)
        return hashlib.new(function, text, usedforsecurity=False).hexdigest()

    realm, nonce = fields.get("realm", ""), fields["nonce"]
    secret = hashed(login.user, realm, login.password)
    if algorithm.endswith(_SESSION):
        secret = hashed(secret, nonce, cnonce)
    qop = _qop(fields.get("qop", ""))
    request = hashed(method, target) if qop != "auth-int" else hashed(method, target, hashed(""))
    middle = (nonce, _FIRST_USE, cnonce, qop) if qop else (nonce,)
    hides_user = fields.get("userhash", "").lower() == "true"
    answer = {
        "username": _quoted(hashed(login.user, realm) if hides_user else login.user),
        "realm": _quoted(realm),
        "nonce": _quoted(nonce),
        "uri": _quoted(target),
        "response": _quoted(hashed(secret, *middle, request)),
    }
    if "opaque" in fields:
        answer["opaque"] = _quoted(fields["opaque"])
    if "algorithm" in fields:
        answer["algorithm"] = fields["algorithm"]  # as the camera spells it
    if qop:
        answer |= {"qop": qop, "nc": _FIRST_USE, "cnonce": _quoted(cnonce)}
    elif algorithm.endswith(_SESSION):
        answer["cnonce"] = _quoted(cnonce)
    if hides_user:
        answer["userhash"] = "true"
    return "Digest " + ", ".join(f"{name}={value}" for name, value in answer.items())


def _qop(stated: str) -> str:
    """Return the quality of protection to use of those offered; empty in the form of RFC 2069."""
    offered = [word.strip().lower() for word in stated.split(",")]
    return next((word for word in ("auth", "auth-int") if word in offered), "")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
