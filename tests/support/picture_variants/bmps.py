"""BMP with every header, palette and mask."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from picture_variants.scene import Array, H, Variant, W, alpha, deep, scene, seen


def bmp(header: bytes, pixels: bytes, *, beside: bytes = b"", palette: bytes = b"") -> bytes:
    start = 14 + len(header) + len(beside) + len(palette)
    head = struct.pack("<2sIHHI", b"BM", start + len(pixels), 0, 0, start)
    return head + header + beside + palette + pixels


def info(
    bits: int, *, size: int = 40, compression: int = 0, height: int = H, colours: int = 0,
    masks: tuple[int, ...] = (),
) -> bytes:  # fmt: skip
    head = struct.pack("<IiiHHIIiiII", size, W, height, 1, bits, compression, 0, 0, 0, colours, 0)
    return (head + struct.pack(f"<{len(masks)}I", *masks)).ljust(size, b"\0")


def rows_of(rows: Array, row_bytes: int) -> bytes:
    width = -(-row_bytes // 4) * 4
    return b"".join(bytes(row.astype(np.uint8)).ljust(width, b"\0") for row in rows[::-1])


def packed(index: Array, bits: int) -> Array:
    spread = (index[..., np.newaxis] >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(spread.reshape(len(index), -1).astype(np.uint8), axis=1)


def bmps() -> Iterator[Variant]:
    bgr = scene()[..., ::-1]
    rgb = seen(scene())
    flat = bgr.reshape(H, -1)
    yield Variant(name="bmp 24", data=bmp(info(24), rows_of(flat, W * 3)), rgb=rgb)
    top = bmp(info(24, height=-H), rows_of(flat[::-1], W * 3))
    yield Variant(name="bmp 24 from the top", data=top, rgb=rgb)
    core = struct.pack("<IHHHH", 12, W, H, 1, 24)
    yield Variant(name="bmp os/2 24", data=bmp(core, rows_of(flat, W * 3)), rgb=rgb)
    for size in (64, 52, 56, 108, 124):
        data = bmp(info(24, size=size), rows_of(flat, W * 3))
        yield Variant(name=f"bmp 24 header of {size}", data=data, rgb=rgb)
    rng = np.random.default_rng(1)
    for bits in (1, 2, 4, 8):
        colours = rng.integers(0, 256, (1 << bits, 3))
        index = deep(scene()[..., 2], bits)
        shown = seen(colours[index][..., ::-1])
        four = np.c_[colours, np.zeros(len(colours), int)].astype(np.uint8).tobytes()
        pixels = rows_of(packed(index, bits), (W * bits + 7) // 8)
        data = bmp(info(bits), pixels, palette=four)
        yield Variant(name=f"bmp palette {bits}", data=data, rgb=shown, pillow=bits != 2)
        forgets = data[:10] + struct.pack("<I", 54) + data[14:]
        yield Variant(
            name=f"bmp palette {bits} that its offset forgets",
            data=forgets,
            rgb=shown,
            pillow=bits == 8,
        )
        core = struct.pack("<IHHHH", 12, W, H, 1, bits)
        three = colours.astype(np.uint8).tobytes()
        data = bmp(core, pixels, palette=three)
        yield Variant(name=f"bmp os/2 palette {bits}", data=data, rgb=shown, pillow=bits != 2)
    fourth = np.dstack((bgr, np.zeros((H, W, 1), int)))
    plain = bmp(info(32), rows_of(fourth.reshape(H, -1), W * 4))
    yield Variant(name="bmp 32", data=plain, rgb=rgb)
    yield from _masked_bmps(fourth)


def _masked_bmps(fourth: Array) -> Iterator[Variant]:
    usual = (0xFF0000, 0xFF00, 0xFF)
    turned = (0xFF000000, 0xFF0000, 0xFF00)
    rgb = seen(scene())
    for name, masks, order in (("usual", usual, (0, 1, 2, 3)), ("turned", turned, (3, 0, 1, 2))):
        rows = rows_of(fourth[..., order].reshape(H, -1), W * 4)
        beside = struct.pack("<3I", *masks)
        data = bmp(info(32, compression=3), rows, beside=beside)
        yield Variant(name=f"bmp 32 masks {name}", data=data, rgb=rgb)
        for size in (52, 56, 108, 124):
            data = bmp(info(32, size=size, compression=3, masks=masks), rows)
            yield Variant(name=f"bmp 32 masks {name} header of {size}", data=data, rgb=rgb)
    clear = np.dstack((scene()[..., ::-1], alpha()))
    for size in (56, 108, 124):
        header = info(32, size=size, compression=3, masks=(*usual, 0xFF000000))
        data = bmp(header, rows_of(clear.reshape(H, -1), W * 4))
        shown = seen(scene(), opacity=alpha())
        yield Variant(name=f"bmp 32 alpha header of {size}", data=data, rgb=shown, near=0.8)
    for name, masks in (("555", (0x7C00, 0x3E0, 0x1F)), ("565", (0xF800, 0x7E0, 0x1F))):
        parts = [deep(scene()[..., band], mask.bit_count()) for band, mask in enumerate(masks)]
        words = sum(
            part << ((mask & -mask).bit_length() - 1)
            for part, mask in zip(parts, masks, strict=True)
        )
        shown = np.dstack(
            [part * 255 / ((1 << m.bit_count()) - 1) for part, m in zip(parts, masks, strict=True)]
        )
        rows = rows_of(np.asarray(words).astype("<u2").view(np.uint8).reshape(H, -1), W * 2)
        beside = struct.pack("<3I", *masks)
        data = bmp(info(16, compression=3), rows, beside=beside)
        # Pillow 13 rounds down, which makes up to half a step.
        yield Variant(name=f"bmp 16 masks {name}", data=data, rgb=shown)
        if name == "555":
            yield Variant(name="bmp 16", data=bmp(info(16), rows), rgb=shown)
