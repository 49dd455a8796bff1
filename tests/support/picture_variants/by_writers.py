"""What the writers of Pillow make; what Pillow reads back is what is right."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator

import cv2
import numpy as np
from PIL import Image, ImageOps, features

from picture_variants.scene import Variant, alpha, deep, on_white, pillow_says, save, scene, words

_WRITES_AVIF = "avif" in features.get_supported()  # Pillow from 11.3 on


def by_pillow() -> Iterator[Variant]:
    """Yield what Pillow's own writers make; what it reads back is what is right."""
    rgb = Image.fromarray(scene().astype(np.uint8))
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        for mode in ("RGB", "L", "P", "CMYK", "RGBA", "LA", "1"):
            if compression == "jpeg" and mode in ("P", "RGBA", "LA", "1"):
                continue
            image = rgb.convert(mode)
            if "A" in mode:
                image.putalpha(Image.fromarray(alpha()[..., 0].astype(np.uint8)))
            data = save(image, "TIFF", compression=compression)
            near = 1.5 if (compression, mode) == ("jpeg", "CMYK") else 0.8
            yield Variant(
                name=f"tiff by Pillow {mode} {compression}",
                data=data,
                rgb=pillow_says(data),
                near=near,
            )
    for fax in ("group3", "group4", "tiff_ccitt"):
        data = save(rgb.convert("1"), "TIFF", compression=fax)
        yield Variant(name=f"tiff by Pillow {fax}", data=data, rgb=pillow_says(data))
    clear = rgb.copy()
    clear.putalpha(Image.fromarray(alpha()[..., 0].astype(np.uint8)))
    for kind, options in (
        ("WEBP", {"lossless": True}),
        ("GIF", {}),
        ("AVIF", {"quality": 100}),
        ("JPEG2000", {}),
        ("JPEG2000", {"no_jp2": True}),
    ):
        if kind == "AVIF" and not _WRITES_AVIF:
            continue
        for mode, image in (("RGB", rgb), ("RGBA", clear), ("L", rgb.convert("L"))):
            if options.get("no_jp2") and mode == "RGBA":
                continue  # a bare codestream cannot say what is alpha
            data = save(image, kind, **options)
            yield Variant(
                name=f"{kind.lower()} {mode} {words(options)}",
                data=data,
                rgb=pillow_says(data),
                near=1.0,
            )
    yield from _avifs(rgb, clear)
    for mode in ("RGB", "L", "CMYK"):
        data = save(rgb.convert(mode), "JPEG", quality=95)
        yield Variant(name=f"jpeg {mode}", data=data, rgb=pillow_says(data), near=1.0)
    yield from _odd_jpegs(save(rgb, "JPEG", quality=95))


def _odd_jpegs(data: bytes) -> Iterator[Variant]:
    right = pillow_says(data)
    table = data.index(b"\xff\xdb")
    for name, junk in (("junk", b"\0\1\2"), ("FF 00", b"\xff\0"), ("fill", b"\xff\xff\xff")):
        odd = data[:table] + junk + data[table:]
        yield Variant(name=f"jpeg with {name} between markers", data=odd, rgb=right)
    padded = data[:table] + bytes(40) + data[table:]
    yield Variant(name="jpeg with zeros between markers", data=padded, rgb=right)
    after = data + b"and something after the end"
    yield Variant(name="jpeg with bytes after the end", data=after, rgb=right)


def _avifs(rgb: Image.Image, clear: Image.Image) -> Iterator[Variant]:
    """Yield AVIFs that are turned, and deep ones, which OpenCV writes."""
    if _WRITES_AVIF:
        for orientation in range(2, 9):
            exif = Image.Exif()
            exif[274] = orientation
            data = save(rgb, "AVIF", quality=100, exif=exif)
            turned = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
            yield Variant(
                name=f"avif orientation={orientation}", data=data, rgb=on_white(turned), near=1.0
            )
    if not cv2.haveImageWriter("a.avif"):
        return
    for depth, image in itertools.product((8, 10, 12), (rgb, clear)):
        values = deep(np.asarray(image), depth)[..., [2, 1, 0, 3][: len(image.getbands())]]
        stored = np.ascontiguousarray(values, np.uint8 if depth == 8 else np.uint16)
        options = [cv2.IMWRITE_AVIF_DEPTH, depth, cv2.IMWRITE_AVIF_QUALITY, 100]
        data = cv2.imencode(".avif", stored, options)[1].tobytes()
        yield Variant(
            name=f"avif {image.mode} {depth}",
            data=data,
            rgb=on_white(image),
            near=2.0,
            pillow=_WRITES_AVIF,
        )
