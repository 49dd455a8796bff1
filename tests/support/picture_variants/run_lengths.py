"""BMP in run-length code, as several writers have it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from picture_variants.bmps import bmp, info
from picture_variants.scene import Array, Variant, deep, scene, seen


def run_length_bmps() -> Iterator[Variant]:
    rng = np.random.default_rng(2)
    for bits in (4, 8):
        colours = rng.integers(0, 256, (1 << bits, 3))
        four = np.c_[colours, np.zeros(len(colours), int)].astype(np.uint8).tobytes()
        index = deep(scene()[..., 0], bits) // 3
        shown = seen(colours[index][..., ::-1])
        code = {
            "runs": b"".join(_run_row(row, bits) + b"\0\0" for row in index[::-1]) + b"\0\1",
            "no line ends after the last": b"".join(
                _run_row(row, bits) + b"\0\0" for row in index[::-1]
            )[:-2]
            + b"\0\1",
            "literals": b"".join(_literal_row(row, bits) + b"\0\0" for row in index[::-1])
            + b"\0\1",
            "padded": b"".join(
                _run_row(np.r_[row, [row[-1]] * 3], bits) + b"\0\0" for row in index[::-1]
            )
            + b"\0\1",
        }
        for name, pixels in code.items():
            header = info(bits, compression=1 if bits == 8 else 2)
            yield Variant(
                name=f"bmp rle{bits} {name}",
                data=bmp(header, pixels, palette=four),
                rgb=shown,
                pillow=(bits, name) != (4, "literals"),  # Pillow 10 errs
            )


def _run_row(row: Array, bits: int) -> bytes:
    out, place = b"", 0
    while place < len(row):
        end = place
        while end < len(row) and row[end] == row[place] and end - place < 255:
            end += 1
        value = int(row[place])
        out += bytes([end - place, value * 17 if bits == 4 else value])
        place = end
    return out


def _literal_row(row: Array, bits: int) -> bytes:
    out = b""
    for place in range(0, len(row), 10):
        part = row[place : place + 10].tolist()
        if len(part) < 3:
            out += b"".join(bytes([1, one * 17 if bits == 4 else one]) for one in part)
            continue
        if bits == 4:
            pairs = [*part, 0][: len(part) + len(part) % 2]
            stored = bytes(a * 16 + b for a, b in zip(pairs[::2], pairs[1::2], strict=True))
        else:
            stored = bytes(part)
        out += bytes([0, len(part)]) + stored + b"\0" * (len(stored) % 2)
    return out
