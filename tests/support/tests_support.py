"""Takes ONNX files apart and puts them together, without the code that is under test."""

from __future__ import annotations


def split_model(data: bytes) -> tuple[bytes, dict[str, str]]:
    """Take a serialized ONNX model apart into its content and its metadata."""

    def varint(at: int) -> tuple[int, int]:
        value = shift = 0
        while True:
            byte = data[at]
            value, at, shift = value | (byte & 127) << shift, at + 1, shift + 7
            if byte < 128:
                return value, at

    content, metadata, at = b"", {}, 0
    while at < len(data):
        start = at
        key, at = varint(at)
        if key & 7 == 0:
            _, at = varint(at)
        else:
            length, at = varint(at)
            at += length
        if key >> 3 == 14:
            entry = data[at - length : at]
            name_length = entry[1]
            name = entry[2 : 2 + name_length].decode()
            rest = entry[2 + name_length + 1 :]
            while rest[0] >= 128:
                rest = rest[1:]
            metadata[name] = rest[1:].decode()
        else:
            content += data[start:at]
    return content, metadata


def join_model(content: bytes, metadata: dict[str, str]) -> bytes:
    """Put a model together again."""

    def field(number: int, value: bytes) -> bytes:
        size, prefix = len(value), bytes([number << 3 | 2])
        while size > 127:
            prefix, size = prefix + bytes([size & 127 | 128]), size >> 7
        return prefix + bytes([size]) + value

    for name, text in metadata.items():
        content += field(14, field(1, name.encode()) + field(2, text.encode()))
    return content
