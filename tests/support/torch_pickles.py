"""Weights files as `torch.save` wrote them before zip files, assembled one Python value at a time.

It writes pickle protocol 2, so that a test can put anything in the place of anything.
"""

from __future__ import annotations

import pickle
import struct

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
MACHINE = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}
MARK, TUPLE, REDUCE, EMPTY_DICT, SET_ITEMS, STOP = b"(", b"t", b"R", b"}", b"u", b"."


def dotted(name: str) -> bytes:
    module, _, attribute = name.rpartition(".")
    return b"c" + module.encode() + b"\n" + attribute.encode() + b"\n"


def value(item: object) -> bytes:
    """The opcodes of one plain value."""
    if isinstance(item, bytes):
        return item  # opcodes already
    if isinstance(item, tuple):
        return MARK + b"".join(map(value, item)) + TUPLE
    if isinstance(item, str):
        return b"X" + struct.pack("<I", len(item.encode())) + item.encode()
    if isinstance(item, bool) or item is None:
        return {True: b"\x88", False: b"\x89", None: b"N"}[item]
    assert isinstance(item, int)
    encoded = item.to_bytes(9, "little", signed=True)
    return b"\x8a\x09" + encoded


def ordered_dict() -> bytes:
    return dotted("collections.OrderedDict") + b")" + REDUCE


def storage(key: str = "0", kind: str = "Float", count: int = 6, view: object = None) -> bytes:
    return value(("storage", dotted(f"torch.{kind}Storage"), key, "cpu", count, view)) + b"Q"


def tensor(
    source: bytes = storage(),
    offset: object = 0,
    size: object = (2, 3),
    stride: object = (3, 1),
) -> bytes:
    rebuild = dotted("torch._utils._rebuild_tensor_v2")
    return rebuild + value((source, offset, size, stride, False, ordered_dict())) + REDUCE


def mapping(**items: bytes) -> bytes:
    pairs = b"".join(value(name) + item for name, item in items.items())
    return ordered_dict() + MARK + pairs + SET_ITEMS


def raw(array: np.ndarray, count: int | None = None) -> bytes:
    return struct.pack("<q", array.size if count is None else count) + array.tobytes()


SIX = np.arange(6, dtype=np.float32)


def legacy(
    saved: bytes,
    keys: object = ("0",),
    storages: bytes = raw(SIX),
    *,
    magic: object = MAGIC,
    protocol: object = 1001,
    machine: object = MACHINE,
) -> bytes:
    keys = list(keys) if isinstance(keys, tuple) else keys
    head = b"".join(pickle.dumps(part, 2) for part in (magic, protocol, machine))
    return head + b"\x80\x02" + saved + STOP + pickle.dumps(keys, 2) + storages


SIZE = len(legacy(mapping(a=tensor())))
