"""Who signed a model file: a detached Ed25519 signature, checked before anything else is read.

minisign, signify and OpenSSL make them, all three over the whole file: `MODEL.minisig` or
`MODEL.sig` beside it. The bytes that were checked are those that are read and opened afterwards.
Where a signature is demanded and cannot be checked, nothing is opened.
"""

from __future__ import annotations

from pathlib import Path

from edgefeat.errors import OptionError, SignatureError
from edgefeat.model.signature_formats import (
    PublicKey,
    Signature,
    key_number,
    read_key,
    read_keys,
    read_signature,
)
from edgefeat.record import Record

__all__ = ["SignedBy", "check_signature", "signature_beside"]

_ENDINGS = (".minisig", ".sig")
_MOST_BYTES = 65_536  # a key file or a signature has fewer
_AS_BYTES = "the signature given as bytes"
_AGAIN = "Copy model and signature again from where they were signed."


class SignedBy(Record):
    """A signature that was checked and is good.

    Args:
        key: Names the key: its number as minisign shows it, or the key's first 8 bytes.
        comment: What the signer wrote into the signature and signed with it; None if nothing.
        digest: The beginning of the file's BLAKE2b hash: 32 hexadecimal digits.
    """

    key: str
    comment: str | None
    digest: str

    def __str__(self) -> str:
        said = "" if self.comment is None else f": {self.comment}"
        return f"good, by key {self.key}{said}"


def signature_beside(path: str) -> str | None:
    """Return the path of the signature that lies beside a file; None if there is none."""
    return next((path + end for end in _ENDINGS if Path(path + end).is_file()), None)


def check_signature(
    data: bytes,
    where: str,
    verify_key: str,
    signature: str | bytes | None,
    *,
    has_path: bool = True,
    variable: str | None = None,
) -> SignedBy:
    """Return who signed a model file, or refuse it.

    Args:
        data: The whole file.
        where: The model file: its path, or what to call it.
        verify_key: The public key: a file of minisign, signify or OpenSSL, which may hold several,
            or the line that minisign prints.
        signature: The signature, or its file; None takes the one beside the model file.
        has_path: Whether `where` is a path, beside which a signature may lie.
        variable: The variable of the environment that the key came from, if it did.

    Raises:
        DependencyError: The package that checks signatures is missing.
        OptionError: The key cannot be read.
        SignatureError: There is no signature, or not one that this key made of this file.
    """
    keys = _keys(verify_key, variable)
    place = _AS_BYTES if isinstance(signature, bytes) else _place(where, signature, has_path)
    try:
        content = signature if isinstance(signature, bytes) else _bounded(Path(place))
        found = read_signature(content)
    except (OSError, ValueError) as error:
        raise SignatureError(
            f"expected a signature by minisign, signify or OpenSSL, got {_reason(error)}",
            where=place,
            remedy=_AGAIN,
        ) from None
    from hashlib import blake2b

    digest = blake2b(data)
    message = digest.digest() if found.hashed else data
    key = _signer(found, keys, message, where, place)
    comment = None if found.comment is None else found.comment.decode(errors="replace")
    return SignedBy(key=key.name, comment=comment, digest=digest.hexdigest()[:32])


def _signer(
    found: Signature, keys: list[PublicKey], message: bytes, where: str, place: str
) -> PublicKey:
    """Return the key that made a signature.

    Raises:
        SignatureError: None did.
    """
    named = " or ".join(key.name for key in keys)
    fitting = [
        key for key in keys if None in (key.number, found.number) or key.number == found.number
    ]
    if found.number is not None and not fitting:
        raise SignatureError(
            f"signed with key {key_number(found.number)}, expected key {named}",
            where=place,
            remedy="Sign the file with that key, or give the key of whoever signed it.",
        )
    for key in fitting:
        if not key.has_signed(message, found.raw):
            continue
        if found.comment is None or key.has_signed(found.raw + found.comment, found.sealed):
            return key
        raise SignatureError(
            "its trusted comment was changed after it was signed", where=place, remedy=_AGAIN
        )
    raise SignatureError(
        f"changed since it was signed, or never signed with key {named}: {place} does not fit it",
        where=where,
        remedy=f"Do not use this file. {_AGAIN}",
    )


def _keys(text: str, variable: str | None) -> list[PublicKey]:
    """Return the keys, any of which may have signed.

    Args:
        text: The keys' file, or one key.
        variable: The variable of the environment that said it, if one did.

    Raises:
        OptionError: They cannot be read.
    """
    try:
        if not text:
            raise ValueError("an empty text")
        if (key := read_key(text)) is not None:
            return [key]
        if not Path(text).is_file():
            raise ValueError(f"{text!r}, which is no file")
        keys = list(read_keys(_bounded(Path(text)).decode("ascii", "replace")))
        if not keys:
            raise ValueError(f"{text!r}, which holds none")
    except (OSError, ValueError) as error:
        raise OptionError(
            "expected a public key of minisign, signify or OpenSSL (Ed25519), got "
            f"{_reason(error)}",
            where=variable,
            option="verify_key" if variable is None else None,
        ) from None
    return keys


def _place(where: str, given: str | None, has_path: bool) -> str:
    """Return the path of the signature.

    Raises:
        SignatureError: There is none.
    """
    beside = signature_beside(where) if has_path else None
    place = beside if given is None else given
    if place is not None and Path(place).is_file():
        return place
    if given is None and not has_path:
        problem, remedy = "its signature was not given", "Give it with {option}."
    else:
        named = given or " or ".join(where + end for end in _ENDINGS)
        problem = f"not signed: there is no {named}"
        remedy = (
            "Sign the model where you trust it, such as with `minisign -Sm FILE`, and put the "
            "signature beside it, or name it with {option}."
        )
    raise SignatureError(problem, where=where, remedy=remedy, option="signature")


def _bounded(path: Path) -> bytes:
    """Return what is in a small file; ValueError of a large one, which is no key or signature."""
    with path.open("rb") as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ValueError("a large file")
    return data


def _reason(error: OSError | ValueError) -> str:
    return f"{error.filename!r}: {error.strerror}" if isinstance(error, OSError) else str(error)
