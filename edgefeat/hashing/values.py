"""The values of a column become their hashes: as text in UTF-8, numbers as their decimal digits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.hashing.farmhash import farmhash64
from edgefeat.hashing.siphash import siphash24
from edgefeat.hashing.words import Alike, Bytes, OneText, Word

__all__ = ["hashes_of"]

_MANY = 16  # texts of one length, from which arrays are faster than Python's integers


def hashes_of(values: NDArray[Any], key: bytes | None = None) -> NDArray[np.int64]:
    """Return the hash of each value: int64 of the same shape, the 64 bits as they are.

    Args:
        values: Texts as objects, int64, or floating-point numbers of a magnitude below 2**63, whose
            whole part is taken.
        key: The 16 bytes of SipHash's key; None for FarmHash, which has none.
    """

    def hashed(data: Bytes) -> Word:
        return farmhash64(data) if key is None else siphash24(data, key)

    texts = _as_bytes(values)
    known = _each(list(dict.fromkeys(texts)), hashed)
    found = np.fromiter((known[text] for text in texts), np.uint64, len(texts))
    return found.view(np.int64).reshape(values.shape)


def _as_bytes(values: NDArray[Any]) -> list[bytes]:
    flat = values.ravel()
    if flat.dtype.kind == "f":
        flat = np.trunc(flat).astype(np.int64)
    if flat.dtype.kind in "iu":
        return [b"%d" % value for value in flat.tolist()]
    return [value.encode() for value in flat.tolist()]


def _each(texts: Sequence[bytes], hashed: Callable[[Bytes], Word]) -> dict[bytes, int]:
    """Return each text's hash, those of one length at once where that pays."""
    lengths: dict[int, list[bytes]] = {}
    for text in texts:
        lengths.setdefault(len(text), []).append(text)
    found: dict[bytes, int] = {}
    for length, alike in lengths.items():
        if len(alike) < _MANY:
            found |= {text: hashed(OneText(text)) for text in alike}
        else:
            data = np.frombuffer(b"".join(alike), np.uint8).reshape(len(alike), length)
            found |= dict(zip(alike, hashed(Alike(data)).tolist(), strict=True))
    return found
