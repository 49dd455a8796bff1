"""FarmHash64 as Google's `Fingerprint64` has it, which TensorFlow's `to_hash_bucket_fast` takes.

The algorithm is public: github.com/google/farmhash, `farmhashna::Hash64`. docs/hashing.md tells it
step by step, with vectors.
"""

from __future__ import annotations

from edgefeat.hashing.words import MASK, Bytes, Word, rotated

__all__ = ["farmhash64"]

_K0 = 0xC3A5C85C97CB3127
_K1 = 0xB492B66FBE98F273
_K2 = 0x9AE16A3B2F90404F
_BLOCK = 64
_SEED = 81
Pair = tuple[Word, Word]


def farmhash64(data: Bytes) -> Word:
    """Return the 64 bits of texts of one length."""
    length = data.length
    if length <= 16:
        return _short(data, length)
    if length <= 32:
        return _up_to_32(data, length)
    return _up_to_64(data, length) if length <= _BLOCK else _long(data, length)


def _short(data: Bytes, length: int) -> Word:
    """Hash up to 16 bytes."""
    factor = (_K2 + 2 * length) & MASK
    if length >= 8:
        a, b = (data.number(0, 8) + _K2) & MASK, data.number(length - 8, 8)
        c = (rotated(b, 37) * factor + a) & MASK
        d = (rotated(a, 25) + b) * factor & MASK
        return _joined(c, d, factor)
    if length >= 4:
        first, last = data.number(0, 4), data.number(length - 4, 4)
        return _joined((length + (first << 3)) & MASK, last, factor)
    if not length:
        return _K2
    first, middle, last = (data.number(at, 1) for at in (0, length >> 1, length - 1))
    y, z = first + (middle << 8), length + (last << 2)
    return _mixed((y * _K2 & MASK) ^ (z * _K0 & MASK)) * _K2 & MASK


def _up_to_32(data: Bytes, length: int) -> Word:
    """Hash 17 to 32 bytes."""
    factor = (_K2 + 2 * length) & MASK
    a, b = data.number(0, 8) * _K1 & MASK, data.number(8, 8)
    c = data.number(length - 8, 8) * factor & MASK
    d = data.number(length - 16, 8) * _K2 & MASK
    first = (rotated((a + b) & MASK, 43) + rotated(c, 30) + d) & MASK
    return _joined(first, (a + rotated((b + _K2) & MASK, 18) + c) & MASK, factor)


def _up_to_64(data: Bytes, length: int) -> Word:
    """Hash 33 to 64 bytes."""
    factor = (_K2 + 2 * length) & MASK
    a, b = data.number(0, 8) * _K2 & MASK, data.number(8, 8)
    c = data.number(length - 8, 8) * factor & MASK
    d = data.number(length - 16, 8) * _K2 & MASK
    y = (rotated((a + b) & MASK, 43) + rotated(c, 30) + d) & MASK
    z = _joined(y, (a + rotated((b + _K2) & MASK, 18) + c) & MASK, factor)
    e, f = data.number(16, 8) * factor & MASK, data.number(24, 8)
    g = (y + data.number(length - 32, 8)) * factor & MASK
    h = (z + data.number(length - 24, 8)) * factor & MASK
    first = (rotated((e + f) & MASK, 43) + rotated(g, 30) + h) & MASK
    return _joined(first, (e + rotated((f + a) & MASK, 18) + g) & MASK, factor)


def _long(data: Bytes, length: int) -> Word:
    """Hash 65 bytes and more: block by block, then the last 64 bytes."""
    x = ((_SEED * _K2 & MASK) + data.number(0, 8)) & MASK
    y = (_SEED * _K1 + 113) & MASK
    z = _mixed((y * _K2 + 113) & MASK) * _K2 & MASK
    v: Pair = (0, 0)
    w: Pair = (0, 0)
    rest = (length - 1) % _BLOCK
    for at in range(0, length - 1 - rest, _BLOCK):
        x = rotated((x + y + v[0] + data.number(at + 8, 8)) & MASK, 37) * _K1 & MASK
        y = rotated((y + v[1] + data.number(at + 48, 8)) & MASK, 42) * _K1 & MASK
        x = x ^ w[1]
        y = (y + v[0] + data.number(at + 40, 8)) & MASK
        z = rotated((z + w[0]) & MASK, 33) * _K1 & MASK
        v = _weak(data, at, v[1] * _K1 & MASK, (x + w[0]) & MASK)
        w = _weak(data, at + 32, (z + w[1]) & MASK, (y + data.number(at + 16, 8)) & MASK)
        z, x = x, z
    factor = (_K1 + ((z & 0xFF) << 1)) & MASK
    at = length - _BLOCK
    w = (w[0] + rest) & MASK, w[1]
    v = (v[0] + w[0]) & MASK, v[1]
    w = (w[0] + v[0]) & MASK, w[1]
    x = rotated((x + y + v[0] + data.number(at + 8, 8)) & MASK, 37) * factor & MASK
    y = rotated((y + v[1] + data.number(at + 48, 8)) & MASK, 42) * factor & MASK
    x = x ^ (w[1] * 9 & MASK)
    y = (y + v[0] * 9 + data.number(at + 40, 8)) & MASK
    z = rotated((z + w[0]) & MASK, 33) * factor & MASK
    v = _weak(data, at, v[1] * factor & MASK, (x + w[0]) & MASK)
    w = _weak(data, at + 32, (z + w[1]) & MASK, (y + data.number(at + 16, 8)) & MASK)
    z, x = x, z
    first = (_joined(v[0], w[0], factor) + _mixed(y) * _K0 + z) & MASK
    return _joined(first, (_joined(v[1], w[1], factor) + x) & MASK, factor)


def _mixed(word: Word) -> Word:
    return word ^ (word >> 47)


def _joined(u: Word, v: Word, factor: Word) -> Word:
    """Hash two words to one."""
    a = _mixed((u ^ v) * factor & MASK)
    return _mixed((v ^ a) * factor & MASK) * factor & MASK


def _weak(data: Bytes, at: int, a: Word, b: Word) -> Pair:
    """Hash 32 bytes and two words to two words."""
    first, second, third, last = (data.number(at + 8 * place, 8) for place in range(4))
    a = (a + first) & MASK
    b = rotated((b + a + last) & MASK, 21)
    total = (a + second + third) & MASK
    return (total + last) & MASK, (b + rotated(total, 44) + a) & MASK
