"""OpenCV's threads are one number for the process: the newest extractor's, or the program's own."""

from __future__ import annotations

import subprocess
import sys

RUN = """
import cv2
from edgefeat import FeatureExtractor
seen = []
for step in {steps}:
    if isinstance(step, str):
        cv2.setNumThreads(int(step))
    else:
        FeatureExtractor(threads=step).close()
    seen.append(cv2.getNumThreads())
print(seen)
"""


def threads_after(*steps: int | str) -> list[int]:
    """Return OpenCV's threads after each step: an extractor's threads, or the program's setting."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", RUN.format(steps=steps)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found: list[int] = eval(done.stdout)  # noqa: S307 - a list of numbers that we printed
    return found


def test_the_newest_extractor_decides() -> None:
    assert threads_after(1, 3, 2) == [1, 3, 2]


def test_a_number_that_the_program_has_set_stands() -> None:
    assert threads_after("7", 1, 2) == [7, 7, 7]
    assert threads_after(1, "7", 2) == [1, 7, 7]
