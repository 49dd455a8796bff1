"""PNG of every depth and colour type, with and without transparency."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np

from picture_variants.bmps import packed
from picture_variants.scene import Array, H, Variant, W, alpha, deep, scene, seen


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(
    values: Array, bits: int, colour_type: int, *, before: bytes = b"", end: bool = True
) -> bytes:
    rows: Array
    header = struct.pack(">IIBBBBB", W, H, bits, colour_type, 0, 0, 0)
    if bits == 16:
        rows = values.astype(">u2").reshape(H, -1).view(np.uint8)
    elif bits == 8:
        rows = values.astype(np.uint8).reshape(H, -1)
    else:
        rows = packed(values.reshape(H, -1), bits)
    body = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    parts = _chunk(b"IHDR", header) + before + _chunk(b"IDAT", body)
    return b"\x89PNG\r\n\x1a\n" + parts + (_chunk(b"IEND", b"") if end else b"")


def pngs() -> Iterator[Variant]:
    grey = scene()[..., 2:]
    for bits in (1, 2, 4, 8, 16):
        values = deep(grey, bits)
        shown = seen(values, bits)
        good = bits != 16
        yield Variant(name=f"png grey {bits}", data=_png(values, bits, 0), rgb=shown, pillow=good)
        clear = int(values[3, 4, 0])
        white = np.where(values == clear, 255.0, shown)
        data = _png(values, bits, 0, before=_chunk(b"tRNS", struct.pack(">H", clear)))
        yield Variant(name=f"png grey {bits} tRNS", data=data, rgb=white, pillow=bits in (1, 8))
        if bits < 8:
            continue
        values = deep(scene(), bits)
        shown = seen(values, bits)
        yield Variant(name=f"png rgb {bits}", data=_png(values, bits, 2), rgb=shown)
        clear_rgb = values[3, 4]
        white = np.where((values == clear_rgb).all(2, keepdims=True), 255.0, shown)
        data = _png(values, bits, 2, before=_chunk(b"tRNS", struct.pack(">3H", *clear_rgb)))
        yield Variant(name=f"png rgb {bits} tRNS", data=data, rgb=white, pillow=bits == 8)
        for name, colours, kind in (("grey", deep(grey, bits), 4), ("rgb", values, 6)):
            opacity = deep(alpha(), bits)
            data = _png(np.dstack((colours, opacity)), bits, kind)
            shown = seen(colours, bits, opacity)
            yield Variant(name=f"png {name} alpha {bits}", data=data, rgb=shown, near=0.8)
    rng = np.random.default_rng(3)
    for bits in (1, 2, 4, 8):
        colours = rng.integers(0, 256, (1 << bits, 3))
        index = deep(grey, bits)
        palette = _chunk(b"PLTE", colours.astype(np.uint8).tobytes())
        shown = seen(colours[index[..., 0]])
        data = _png(index, bits, 3, before=palette)
        yield Variant(name=f"png palette {bits}", data=data, rgb=shown)
        data = _png(index, bits, 3, before=palette + _chunk(b"tRNS", b"\0\x80"))
        opacity = np.where(index == 0, 0, np.where(index == 1, 128, 255))
        shown = seen(colours[index[..., 0]], opacity=opacity)
        yield Variant(name=f"png palette {bits} tRNS", data=data, rgb=shown, near=0.8)
