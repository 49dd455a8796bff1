"""Decodes a folder of pictures and prints the hash of each one's pixels, as JSON.

    python tests/cpus/decoders.py make FOLDER    write pictures in every format there
    python tests/cpus/decoders.py FOLDER         decode them on this CPU

`check.py x86 --decoders` runs it on emulated CPUs: which decoders give the same bytes everywhere.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from edgefeat.errors import ImageError
from edgefeat.pictures.decode import load_bgr

ROOT = Path(__file__).parents[2]


def make(folder: Path) -> None:
    """Write a photo in every format and quality, and every small variant of the tests' corpus."""
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    from PIL import Image

    import picture_variants

    folder.mkdir(parents=True, exist_ok=True)
    photo = Image.open(ROOT / "tests/data/photos/chelsea.jpg").convert("RGB")
    for suffix, kind, options in (
        ("jpg", "JPEG", {"quality": 90}),
        ("jpg", "JPEG", {"quality": 75, "progressive": True}),
        ("jpg", "JPEG", {"quality": 95, "subsampling": 0}),
        ("jpg", "JPEG", {"quality": 60, "subsampling": 1}),
        ("webp", "WEBP", {"quality": 80}),
        ("webp", "WEBP", {"lossless": True}),
        ("avif", "AVIF", {"quality": 70}),
        ("avif", "AVIF", {"quality": 90, "subsampling": "4:4:4"}),
        ("jp2", "JPEG2000", {"irreversible": False}),
        ("jp2", "JPEG2000", {"irreversible": True, "quality_layers": [40]}),
        ("tif", "TIFF", {"compression": "jpeg"}),
        ("tif", "TIFF", {"compression": "tiff_lzw"}),
        ("png", "PNG", {}),
        ("gif", "GIF", {}),
    ):
        name = "-".join(f"{key}={value}" for key, value in options.items()) or "plain"
        photo.save(folder / f"photo-{kind}-{name}.{suffix}", kind, **options)
    photo.convert("CMYK").save(folder / "photo-CMYK.jpg", "JPEG", quality=90)
    for number, variant in enumerate(picture_variants.variants()):
        short = "-".join(variant.name.replace("/", "").split())[:80]
        (folder / f"{short}-{number}").write_bytes(variant.data)


def hashes(folder: Path) -> dict[str, str]:
    """Return the sha256 of every picture's pixels, or why there are none."""
    found = {}
    for path in sorted(folder.iterdir()):
        try:
            found[path.name] = hashlib.sha256(load_bgr(path).tobytes()).hexdigest()
        except ImageError as error:
            found[path.name] = error.problem
    return found


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]))
    else:
        json.dump(hashes(Path(sys.argv[1])), sys.stdout, indent=1)
