"""Variants that nobody here reads rightly."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
from PIL import Image

from picture_variants.bmps import bmp, info
from picture_variants.scene import H, Variant, W, alpha, save, scene
from tiff_writer import write_tiff


def refused() -> Iterator[Variant]:
    """Yield variants that nobody here reads rightly: each is refused by name."""
    one = scene()
    four = np.dstack((one, alpha()))
    for name, data in (
        ("a TIFF of floating-point numbers", write_tiff(one, photometric=2, more={339: [3]})),
        ("a TIFF of signed whole numbers", write_tiff(one, photometric=2, more={339: [2]})),
        ("a TIFF of 32+32+32 bits a sample", write_tiff(one, photometric=2, bits=32)),
        ("a TIFF of CIE Lab colours", write_tiff(one, photometric=8)),
        ("a TIFF of a camera's raw pixels", write_tiff(one[..., :1], photometric=32803)),
        ("a camera's raw picture (DNG)", write_tiff(one, photometric=2, more={50706: [1]})),
        (
            "a TIFF whose first picture is a preview",
            write_tiff(one, photometric=2, more={254: [1], 330: [8]}),
        ),
        ("a TIFF of 2 bands that does not say", write_tiff(one[..., :2], photometric=1)),
        ("a TIFF with old-style JPEG compression", write_tiff(one, photometric=2, compression=6)),
        ("a TIFF of other inks", write_tiff(four, photometric=5, more={332: [2]})),
        ("a BMP that wraps a PNG", bmp(info(0x18, compression=5), b"PNG" * 2000)),
        ("a BMP of 64 bits a pixel", bmp(info(64), bytes(W * H * 8))),
        (
            "a BMP with masks of scattered bits",
            bmp(info(32, compression=3), bytes(W * H * 4), beside=struct.pack("<3I", 5, 2, 8)),
        ),
        ("whose greatest value is 70000", f"P5 {W} {H} 70000\n".encode() + bytes(W * H * 2)),
        ("a PAM of 7 bands", f"P7\nWIDTH {W}\nHEIGHT {H}\nDEPTH 7\nMAXVAL 255\nENDHDR\n".encode()),
        ("a JPEG of 12 bits a sample", _twelve_bit_jpeg()),
        ("a JPEG of 2 components", _two_component_jpeg()),
    ):  # fmt: skip
        yield Variant(name=name, data=data)


def _twelve_bit_jpeg() -> bytes:
    data = save(Image.fromarray(scene().astype(np.uint8)), "JPEG")
    frame = data.index(b"\xff\xc0")
    return data[: frame + 4] + b"\x0c" + data[frame + 5 :]


def _two_component_jpeg() -> bytes:
    data = save(Image.fromarray(scene().astype(np.uint8)), "JPEG")
    frame = data.index(b"\xff\xc0")
    return data[: frame + 9] + b"\x02" + data[frame + 10 :]
