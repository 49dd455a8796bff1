"""A sample of `make fuzz`: damaged pictures give pixels or an ImageError, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FUZZ = Path(__file__).parents[2] / "fuzz" / "fuzz_pictures.py"
MUTATIONS = 3000


def test_mutations_of_every_format_end_in_pixels_or_an_image_error() -> None:
    done = subprocess.run(
        [sys.executable, str(FUZZ), "-n", str(MUTATIONS)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{MUTATIONS} mutations in " in done.stdout
    assert ", 0 faults;" in done.stdout
    assert "Corrupt JPEG" not in done.stderr  # what native decoders say is caught
