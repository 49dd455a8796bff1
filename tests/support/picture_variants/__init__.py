"""A corpus of small pictures, one of every variant that formats have, each with its right pixels.

Made anew at every run, and CC0: `python -m picture_variants FOLDER` in tests/support writes the
files out.
"""

from __future__ import annotations

from collections.abc import Iterator

from picture_variants.bmps import bmps
from picture_variants.by_writers import by_pillow
from picture_variants.netpbms import netpbms
from picture_variants.pngs import pngs
from picture_variants.refusals import refused
from picture_variants.run_lengths import run_length_bmps
from picture_variants.scene import Variant, on_white
from picture_variants.tiffs import tiff_alphas, tiff_palettes, tiffs

__all__ = ["Variant", "on_white", "refused", "variants"]


def variants() -> Iterator[Variant]:
    """Yield every variant that is read."""
    yield from tiffs()
    yield from tiff_alphas()
    yield from tiff_palettes()
    yield from by_pillow()
    yield from bmps()
    yield from run_length_bmps()
    yield from netpbms()
    yield from pngs()
