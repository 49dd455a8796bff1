"""Public keys and signatures (Ed25519) as minisign, signify and OpenSSL write them.

minisign and signify write a comment and a line of base64: two letters that say what was signed, the
key's number, the key or the signature. minisign adds a second comment, which is signed too. OpenSSL
writes keys as PEM, and a signature as its 64 bytes alone. `cryptography` does the arithmetic.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from typing import TYPE_CHECKING, Any

from edgefeat.errors import DependencyError
from edgefeat.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PublicKey", "Signature", "key_number", "read_key", "read_keys", "read_signature"]

_KEY_LINE = re.compile(r"[A-Za-z0-9+/]{56}")
_PEM = re.compile(r"-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----", re.DOTALL)
_COMMENT, _TRUSTED = "untrusted comment:", "trusted comment: "
_KEY_BYTES, _NUMBER_BYTES, _SIGNATURE_BYTES = 32, 8, 64
_PLAIN, _HASHED = b"Ed", b"ED"  # what was signed: the file, or its BLAKE2b hash


class PublicKey(Record):
    """A public key.

    Args:
        raw: The key itself: 32 bytes.
        number: The 8 bytes that name it; None where the tool gives keys no number.
    """

    raw: bytes
    number: bytes | None

    @property
    def name(self) -> str:
        """Its number as minisign shows it; without one, its first 8 bytes."""
        return self.raw[:8].hex() if self.number is None else key_number(self.number)

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        """Return whether a signature of these bytes is this key's.

        Raises:
            DependencyError: The package cryptography is missing.
        """
        module, wrong = _ed25519()
        try:
            module.Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except wrong:
            return False
        return True


class Signature(Record):
    """A signature as its file has it.

    Args:
        raw: The signature itself.
        number: The key's number, if the tool gives keys one.
        hashed: Whether the file's BLAKE2b hash was signed in the place of the file.
        comment: The trusted comment, if there is one.
        sealed: The signature over `raw` and the comment.
    """

    raw: bytes
    number: bytes | None = None
    hashed: bool = False
    comment: bytes | None = None
    sealed: bytes = b""


def read_keys(text: str) -> Iterator[PublicKey]:
    """Yield the keys in a key file.

    Raises:
        ValueError: What is there instead.
        DependencyError: The package cryptography is missing.
    """
    for block in _PEM.findall(text):
        yield _key_of_pem(block)
    for line in _PEM.sub("", text).splitlines():
        if not line.strip() or line.startswith((_COMMENT, "#")):
            continue
        key = read_key(line.strip())
        if key is None:
            raise ValueError("a file with a line that is no public key")
        yield key


def read_key(line: str) -> PublicKey | None:
    """Return the key in a line of minisign or signify; None if it is something else."""
    if not _KEY_LINE.fullmatch(line):
        return None
    data = b64decode(line)
    if not data.startswith(_PLAIN):
        return None
    return PublicKey(raw=data[-_KEY_BYTES:], number=data[2:-_KEY_BYTES])


def _key_of_pem(block: str) -> PublicKey:
    """Return the key in a block of OpenSSL."""
    module, _ = _ed25519()
    from cryptography.hazmat.primitives import serialization

    if "PRIVATE" in block:
        raise ValueError("a private key, which should be on no device")
    try:
        key = serialization.load_pem_public_key(block.encode())
    except Exception:  # noqa: BLE001 - its errors share no base
        raise ValueError("a damaged key") from None
    if not isinstance(key, module.Ed25519PublicKey):
        raise ValueError("a key of another kind")
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return PublicKey(raw=raw, number=None)


def read_signature(data: bytes) -> Signature:
    """Return the signature in a file.

    Raises:
        ValueError: What is there instead.
    """
    if len(data) == _SIGNATURE_BYTES:  # as OpenSSL writes it
        return Signature(raw=data)
    lines = data.splitlines()
    if len(lines) not in (2, 4) or not lines[0].startswith(_COMMENT.encode()):
        raise ValueError("something else")
    packed = _decoded(lines[1])
    kind, number, raw = packed[:2], packed[2:-_SIGNATURE_BYTES], packed[-_SIGNATURE_BYTES:]
    if kind not in (_PLAIN, _HASHED) or len(number) != _NUMBER_BYTES:
        raise ValueError("one of another kind")
    hashed = kind == _HASHED
    if len(lines) == 2:
        return Signature(raw=raw, number=number, hashed=hashed)
    if not lines[2].startswith(_TRUSTED.encode()):
        raise ValueError("one without its trusted comment")
    comment = lines[2].removeprefix(_TRUSTED.encode())
    sealed = _decoded(lines[3])
    return Signature(raw=raw, number=number, hashed=hashed, comment=comment, sealed=sealed)


def _decoded(line: bytes) -> bytes:
    try:
        data = b64decode(line, validate=True)
    except NotBase64:
        raise ValueError("one that is damaged") from None
    if b64encode(data) != line:  # the last letter has bits that say nothing
        raise ValueError("one that is damaged")
    return data


def key_number(number: bytes) -> str:
    """Return a key's number as minisign shows it."""
    return f"{int.from_bytes(number, 'little'):X}"


def _ed25519() -> tuple[Any, type[Exception]]:
    """Return the module that checks Ed25519 signatures, and what it raises for a wrong one."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise DependencyError(
            "checking a model file's signature needs the package cryptography",
            remedy="Install it with `pip install 'edgefeat[verify]'`.",
        ) from error
    return ed25519, InvalidSignature
