"""What the writer writes, the reader reads; what is no message is refused."""

from __future__ import annotations

import pytest

from edgefeat.errors import ModelError
from edgefeat.model.protobuf import field, fields


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**40])
@pytest.mark.parametrize("number", [1, 15, 16, 2000])
def test_whole_numbers_come_back(number: int, value: int) -> None:
    message = field(number, value)
    ((found, start, begin, end),) = fields(message)
    assert (found, start, end) == (number, 0, len(message))
    read = sum((byte & 127) << 7 * i for i, byte in enumerate(message[begin:end]))
    assert read == value


@pytest.mark.parametrize("value", [b"", b"x", b"x" * 127, b"x" * 128, b"x" * 70_000, "ü"])
def test_bytes_and_text_come_back(value: bytes | str) -> None:
    message = field(3, 1) + field(7, value) + field(1, b"after")
    spans = list(fields(message))
    assert [number for number, *_ in spans] == [3, 7, 1]
    _, _, begin, end = spans[1]
    assert message[begin:end] == (value.encode() if isinstance(value, str) else value)


def test_the_specifications_own_example() -> None:
    assert field(1, 150) == b"\x08\x96\x01"
    assert field(2, "testing") == b"\x12\x07testing"


def test_numbers_of_fixed_length_are_skipped() -> None:
    message = b"\x0d" + bytes(4) + b"\x11" + bytes(8) + field(3, 5)
    assert [(number, end - begin) for number, _, begin, end in fields(message)] == [
        (1, 4),
        (2, 8),
        (3, 1),
    ]


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (b"\x80" * 12, "not an ONNX model (byte 0)"),
        (b"\x08", "not an ONNX model (byte 0)"),
        (b"\x08\x01\x3b", "not an ONNX model (byte 2)"),
        (b"\x00\x01", "not an ONNX model, or a truncated one (byte 0 of 2)"),
        (b"\x0a\x05abc", "not an ONNX model, or a truncated one (byte 0 of 5)"),
    ],
    ids=["endless", "no value", "group", "number zero", "cut off"],
)
def test_what_is_no_message_is_refused(message: bytes, problem: str) -> None:
    with pytest.raises(ModelError) as caught:
        list(fields(message))
    assert caught.value.problem == problem
