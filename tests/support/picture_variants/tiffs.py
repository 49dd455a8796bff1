"""TIFF in every layout: strips, tiles, planes, bits, both byte orders, BigTIFF; alpha; palettes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from picture_variants.scene import Variant, alpha, deep, lying, scene, seen, words
from tiff_writer import DEFLATE, PACKBITS, write_tiff

LAYOUTS: list[dict[str, object]] = [
    {},
    {"rows_per_strip": 8, "compression": DEFLATE, "predictor": 2},
    {"rows_per_strip": 5, "compression": PACKBITS, "order": ">"},
    {"tile_hw": (16, 16)},
    {"tile_hw": (16, 32), "compression": DEFLATE, "predictor": 2, "order": ">"},
    {"planar": True, "rows_per_strip": 8},
    {"planar": True, "tile_hw": (16, 16), "compression": PACKBITS},
    {"planar": True, "order": ">", "compression": DEFLATE, "predictor": 2},
    {"big": True, "rows_per_strip": 8},
    {"big": True, "order": ">", "tile_hw": (32, 16)},
]


def pillow_reads(bits: int, layout: dict[str, object]) -> bool:
    # Pillow 13 reads no BigTIFF of Motorola's order, and errs in planes of 16 bits.
    return bits in (1, 8) and not (bool(layout.get("big")) and layout.get("order") == ">")


def tiffs() -> Iterator[Variant]:
    for layout, bits in itertools.product(LAYOUTS, (8, 16, 12, 10, 14, 4, 2, 1)):
        if layout.get("predictor") == 2 and bits not in (8, 16):
            continue
        values = deep(scene(), bits)
        yield Variant(
            name=f"tiff rgb {bits} {words(layout)}",
            data=write_tiff(values, photometric=2, bits=bits, **layout),  # type: ignore[arg-type]
            rgb=seen(values, bits),
            pillow=bits == 8 and pillow_reads(bits, layout),
        )
    greys = [one for one in LAYOUTS if not one.get("planar")]
    for layout, bits, white in itertools.product(greys, (8, 16, 12, 4, 2, 1), (False, True)):
        if layout.get("predictor") == 2 and bits not in (8, 16):
            continue
        values = deep(scene()[..., 2:], bits)
        yield Variant(
            name=f"tiff grey {bits} white-is-zero={white} {words(layout)}",
            data=write_tiff(
                (1 << bits) - 1 - values if white else values,
                photometric=0 if white else 1,
                bits=bits,
                **layout,  # type: ignore[arg-type]
            ),
            rgb=seen(values, bits),
            pillow=pillow_reads(bits, layout),
        )
    stored = {1: (), 2: (1,), 3: (0, 1), 4: (0,), 5: "t", 6: "cw", 7: "tr", 8: "ccw"}
    for (orientation, how), tile, bits in itertools.product(
        stored.items(), (None, (16, 16)), (8, 16)
    ):
        values = deep(lying(scene(), how), bits)
        yield Variant(
            name=f"tiff rgb {bits} orientation={orientation} tile={tile}",
            data=write_tiff(
                values, photometric=2, bits=bits, orientation=orientation, tile_hw=tile
            ),
            rgb=seen(deep(scene(), bits), bits),
            pillow=bits == 8,
        )


def tiff_alphas() -> Iterator[Variant]:
    grey = scene()[..., 2:]
    for layout, bits, kind in itertools.product(LAYOUTS, (8, 16), (0, 1, 2)):
        for name, colours, photometric in (("rgb", scene(), 2), ("grey", grey, 1)):
            clear = deep(alpha(), bits)
            values = deep(colours, bits)
            shown = seen(values, bits, clear if kind else None)
            if kind == 1:  # multiplied beforehand
                values = (values * clear + (1 << (bits - 1))) // ((1 << bits) - 1)
            yield Variant(
                name=f"tiff {name} {bits} extra={kind} {words(layout)}",
                data=write_tiff(
                    np.dstack((values, clear)),
                    photometric=photometric,
                    bits=bits,
                    extra=[kind],
                    **layout,  # type: ignore[arg-type]
                ),
                rgb=shown,
                near=0.8,
                pillow=False,  # reads about half of them
            )
    two = np.dstack((scene(), alpha(), alpha() // 2))
    yield Variant(
        name="tiff rgb 8 with infrared and alpha",
        data=write_tiff(two, photometric=2, extra=[0, 2]),
        rgb=seen(scene(), opacity=alpha() // 2),
        near=0.8,
        pillow=False,
    )
    yield Variant(
        name="tiff rgb 8 with a fourth band without a word",
        data=write_tiff(two[..., :4], photometric=2),
        rgb=seen(scene(), opacity=alpha()),
        near=0.8,
    )
    inks = 255 - np.dstack((scene(), 255 - scene()[..., :1] // 2))
    shown = (255 - inks[..., :3]) * (255 - inks[..., 3:]) / 255
    for layout, bits in itertools.product(LAYOUTS, (8, 16)):
        yield Variant(
            name=f"tiff inks {bits} {words(layout)}",
            data=write_tiff(deep(inks, bits), photometric=5, bits=bits, **layout),  # type: ignore[arg-type]
            rgb=shown,
            near=1.0,
            pillow=bits == 8 and not layout.get("planar") and pillow_reads(8, layout),
        )


def tiff_palettes() -> Iterator[Variant]:
    rng = np.random.default_rng(0)
    greys = [one for one in LAYOUTS if not one.get("planar")]
    for layout, bits in itertools.product(greys, (1, 2, 4, 8)):
        if layout.get("predictor") == 2 and bits != 8:
            continue
        size = 1 << bits
        palette = rng.integers(0, 256, (3, size))
        index = deep(scene()[..., 2:], bits)
        for extra in (False, True) if bits == 8 else (False,):
            bands = np.dstack((index, alpha())) if extra else index
            yield Variant(
                name=f"tiff palette {bits} alpha={extra} {words(layout)}",
                data=write_tiff(
                    bands,
                    photometric=3,
                    bits=bits,
                    extra=[2] if extra else None,
                    more={320: (palette * 257).ravel().tolist()},
                    **layout,  # type: ignore[arg-type]
                ),
                rgb=seen(palette.T[index[..., 0]], opacity=alpha() if extra else None),
                near=0.8,
                pillow=not extra and pillow_reads(8, layout),
            )
