"""Protobuf's wire format, read and written by hand: no package `onnx` or `protobuf` is needed.

A message is a row of fields. A field is a key (its number and how its value is stored), then the
value: a whole number, four or eight bytes, or a length and so many bytes. A whole number takes
seven bits a byte, the lowest first, and all bytes but the last have their highest bit set.

Standard library only.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator

from edgefeat.errors import ModelError

__all__ = ["FieldSpan", "field", "fields", "whole_number"]

FieldSpan = tuple[int, int, int, int]
"""One field: its number, and where its key begins, its value begins and its value ends."""

_NUMBER, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5
_FIXED_LENGTHS = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}
_LONGEST_NUMBER = 10  # bytes: 64 bits
_BYTES = [bytes((i,)) for i in range(256)]


def fields(message: bytes | mmap.mmap, span: tuple[int, int] | None = None) -> Iterator[FieldSpan]:
    """Yield the fields of a message, one level deep.

    Args:
        message: The bytes.
        span: Where the message begins and ends in them; None: it is all of them.

    Raises:
        ModelError: These bytes are no message, or it is cut off.
    """
    position, end = span or (0, len(message))
    while position < end:
        start = position
        try:
            key, position = _read_number(message, position)
            number, wire = key >> 3, key & 7
            if wire == _LENGTH:
                length, position = _read_number(message, position)
            elif wire == _NUMBER:
                length = _read_number(message, position)[1] - position
            else:
                length = _FIXED_LENGTHS[wire]
        except (IndexError, KeyError) as error:
            raise ModelError(f"not an ONNX model (byte {start})") from error
        if number == 0 or position + length > end:
            raise ModelError(f"not an ONNX model, or a truncated one (byte {start} of {end})")
        yield number, start, position, position + length
        position += length


def field(number: int, value: int | str | bytes) -> bytes:
    """Return one field: its key, then a whole number, or bytes after their length.

    Args:
        number: The field's number in its message.
        value: A whole number, not negative; or text or bytes, which a message is too.
    """
    if isinstance(value, int):
        return _number(number << 3) + _number(value)
    data = value.encode() if isinstance(value, str) else value
    return _number(number << 3 | _LENGTH) + _number(len(data)) + data


def whole_number(message: bytes | mmap.mmap, position: int, *, signed: bool = False) -> int:
    """Return the whole number that begins at a position.

    Args:
        message: The bytes.
        position: Where its first byte is.
        signed: Whether the upper half of what 64 bits can say stands for negative numbers.

    Raises:
        ModelError: No whole number is there.
    """
    try:
        value = _read_number(message, position)[0]
    except IndexError as error:
        raise ModelError(f"not an ONNX model (byte {position})") from error
    return value - (1 << 64) if signed and value >> 63 else value


def _read_number(message: bytes | mmap.mmap, position: int) -> tuple[int, int]:
    """Return a whole number and the position after it."""
    value = 0
    for shift in range(0, 7 * _LONGEST_NUMBER, 7):
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise IndexError("a whole number longer than ten bytes")


def _number(value: int) -> bytes:
    if value < 0x80:
        return _BYTES[value]
    return _BYTES[value & 0x7F | 0x80] + _number(value >> 7)
