"""`python docs/make_resize_vectors.py`: writes the test vectors of `docs/resize.md`."""

from __future__ import annotations

import hashlib
from pathlib import Path

from edgefeat.model.probe import probe_image
from edgefeat.pictures.resize import antialias

SIZES = (
    ((480, 640), (224, 224)),
    ((1080, 1920), (224, 224)),
    ((768, 1024), (300, 300)),
    ((427, 640), (224, 224)),
    ((400, 600), (224, 224)),
    ((333, 500), (224, 224)),
    ((3000, 4000), (224, 224)),
    ((901, 1201), (192, 192)),
    ((250, 700), (96, 96)),
    ((100, 120), (224, 224)),
    ((224, 2500), (224, 224)),
)


def vectors() -> str:
    """Return the table in Markdown."""
    lines = ["| seed | from | to | SHA-256 |", "|---:|---|---|---|"]
    for seed, (size_hw, target_hw) in enumerate(SIZES, 1):
        resized = antialias(probe_image(seed, size_hw), target_hw)
        digest = hashlib.sha256(resized.tobytes()).hexdigest()
        lines.append(f"| {seed} | {_text(size_hw)} | {_text(target_hw)} | `{digest}` |")
    return "\n".join(lines) + "\n"


def _text(size_hw: tuple[int, int]) -> str:
    return f"{size_hw[1]} x {size_hw[0]}"


if __name__ == "__main__":
    (Path(__file__).parent / "resize_vectors.md").write_text(vectors())
