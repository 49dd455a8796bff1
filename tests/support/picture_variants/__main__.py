"""Writes the corpus into a folder."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

from picture_variants import refused, variants

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for number, variant in enumerate(itertools.chain(variants(), refused())):
    short = "-".join(variant.name.replace("/", "").split())[:80]
    (folder / f"{number:03}-{short}").write_bytes(variant.data)
