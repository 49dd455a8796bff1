"""SipHash-2-4, which TensorFlow's `to_hash_bucket_strong` takes: a hash with a key.

Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012. docs/hashing.md has vectors.
"""

from __future__ import annotations

from edgefeat.hashing.words import MASK, Bytes, Word, rotated

__all__ = ["siphash24"]

_START = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
State = tuple[Word, Word, Word, Word]


def siphash24(data: Bytes, key: bytes) -> Word:
    """Return the 64 bits of texts of one length.

    Args:
        data: The texts.
        key: 16 bytes.
    """
    low, high = (int.from_bytes(half, "little") for half in (key[:8], key[8:]))
    a, b, c, d = _START
    state: State = (a ^ low, b ^ high, c ^ low, d ^ high)
    whole = data.length // 8 * 8
    for at in range(0, whole, 8):
        state = _taken_in(state, data.number(at, 8))
    last: Word = (data.length & 0xFF) << 56
    for at in range(whole, data.length):
        last = last | (data.number(at, 1) << 8 * (at - whole))
    a, b, c, d = _taken_in(state, last)
    a, b, c, d = _rounds((a, b, c ^ 0xFF, d), 4)
    return a ^ b ^ c ^ d


def _taken_in(state: State, word: Word) -> State:
    a, b, c, d = state
    a, b, c, d = _rounds((a, b, c, d ^ word), 2)
    return a ^ word, b, c, d


def _rounds(state: State, count: int) -> State:
    a, b, c, d = state
    for _ in range(count):
        a, c = (a + b) & MASK, (c + d) & MASK
        b, d = rotated(b, 51) ^ a, rotated(d, 48) ^ c
        a, c = (rotated(a, 32) + d) & MASK, (c + b) & MASK
        b, d = rotated(b, 47) ^ c, rotated(d, 43) ^ a
        c = rotated(c, 32)
    return a, b, c, d
