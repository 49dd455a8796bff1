"""Mutates small pictures of every variant; the number of a mutation is all that makes it again."""

from __future__ import annotations

import random

from picture_variants import refused, variants

__all__ = ["Mutations"]

_EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


class Mutations:
    """Gives the mutation of a number.

    Args:
        more: Further files to start from, such as HEIC, which only some installations write.
    """

    def __init__(self, more: tuple[bytes, ...] = ()) -> None:
        self._seeds = [one.data for one in variants()]
        self._seeds += [one.data for one in refused()]
        self._seeds += more

    def __getitem__(self, number: int) -> bytes:
        """Return the picture of a number: one to four changes to one of the seeds."""
        rng = random.Random(number)
        data = bytearray(rng.choice(self._seeds))
        for _ in range(rng.choice((1, 1, 1, 2, 2, 4))):
            if data:
                rng.choice(_CHANGES)(rng, data)
        if rng.random() < 0.05:  # two formats in one file
            other = rng.choice(self._seeds)
            place = rng.randrange(len(data) + 1)
            data = data[:place] + other[rng.randrange(len(other)) :]
        return bytes(data)


def _place(rng: random.Random, data: bytearray) -> int:
    """Return a place, half of the time in the header, where most decisions are made."""
    most = min(len(data), 200) if rng.random() < 0.5 else len(data)
    return rng.randrange(most)


def _flip_a_bit(rng: random.Random, data: bytearray) -> None:
    data[_place(rng, data)] ^= 1 << rng.randrange(8)


def _set_bytes(rng: random.Random, data: bytearray) -> None:
    for _ in range(rng.randint(1, 8)):
        data[_place(rng, data)] = rng.randrange(256)


def _set_number(rng: random.Random, data: bytearray) -> None:
    """Write an extreme number over one, two or four bytes, in either order."""
    size = rng.choice((1, 2, 4))
    place = _place(rng, data)
    value = rng.choice(_EXTREMES) & ((1 << 8 * size) - 1)
    data[place : place + size] = value.to_bytes(size, rng.choice(("little", "big")))


def _cut(rng: random.Random, data: bytearray) -> None:
    del data[_place(rng, data) :]


def _take_out(rng: random.Random, data: bytearray) -> None:
    place = _place(rng, data)
    del data[place : place + rng.randint(1, 40)]


def _put_in(rng: random.Random, data: bytearray) -> None:
    place = _place(rng, data)
    data[place:place] = rng.randbytes(rng.randint(1, 40))


def _repeat(rng: random.Random, data: bytearray) -> None:
    place = _place(rng, data)
    part = data[place : place + rng.randint(1, 60)]
    data[place:place] = part * rng.randint(1, 3)


_CHANGES = (
    _flip_a_bit,
    _flip_a_bit,
    _flip_a_bit,
    _set_bytes,
    _set_bytes,
    _set_number,
    _set_number,
    _set_number,
    _cut,
    _take_out,
    _put_in,
    _repeat,
)
