"""A contact sheet of 2,000 photos: how large it is, how long it takes, how fast a browser opens it.

    python tests/bench/bench_sheet.py [PHOTOS] [--count 2000] [--screenshots FOLDER]

PHOTOS is a folder of pictures; without it windows of the sample photos are cut. Every picture is a
window of its own, so that nothing is compressed twice alike. The browser is headless Chromium; the
time is from the start of navigation to the `load` event, as the page itself measures it.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

import edgefeat
from edgefeat.listing.listing import expand
from edgefeat.sets.photo_facts import facts_of
from edgefeat.sheets.page import write_sheet
from edgefeat.sheets.sheet import Card, Section, Sheet

CHROMIUM = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
PROBE = (
    "<script>addEventListener('load', () => setTimeout(() => {"
    "const t = performance.getEntriesByType('navigation')[0];"
    "document.title = 'loaded ' + t.loadEventEnd}, 0))</script>"
)


def cut(photos: list[str], folder: Path, count: int) -> list[str]:
    """Write windows of photos, 800 pixels and less; return their paths."""
    draw, paths = np.random.default_rng(0), []
    frames = [cv2.imread(photo) for photo in photos]
    for number in range(count):
        frame = frames[number % len(frames)]
        height, width = frame.shape[:2]
        share = draw.uniform(0.3, 0.9)
        high, wide = int(height * share), int(width * share)
        top, left = draw.integers(height - high + 1), draw.integers(width - wide + 1)
        window = frame[top : top + high, left : left + wide]
        shrink = min(1.0, 800 / max(high, wide))
        window = cv2.resize(window, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        paths.append(str(folder / f"{number:05}.jpg"))
        cv2.imwrite(paths[-1], window)
    return paths


def opened_ms(page: Path) -> float:
    """Return how long Chromium takes to open a page."""
    done = subprocess.run(
        [*CHROMIUM, "--dump-dom", f"file://{page}"], capture_output=True, text=True, check=True
    )
    found = re.search(r"<title>loaded ([0-9.]+)", done.stdout)
    assert found, done.stdout[:300]
    return float(found[1])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="?")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--screenshots", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    from edgefeat.model.shipped import sample_photos

    photos = expand(arguments.photos) if arguments.photos else list(map(str, sample_photos()))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = cut(photos, folder, arguments.count)
        cards = tuple(Card(path=path, facts=facts_of(path)) for path in paths)
        sheet = Sheet(title="2,000 photos", facts=(), sections=(Section(title="All", cards=cards),))
        started, cpu = time.perf_counter(), time.process_time()
        write_sheet(sheet, folder / "sheet.html")
        taken, cpu = time.perf_counter() - started, time.process_time() - cpu
        text = (folder / "sheet.html").read_text()
        (folder / "probed.html").write_text(text.replace("<body>", f"<body>{PROBE}", 1))
        times = [opened_ms(folder / "probed.html") for _ in range(3)]
        size = (folder / "sheet.html").stat().st_size
        sys.stdout.write(
            f"edgefeat {edgefeat.__version__}, {len(paths)} photos\n"
            f"page                {size / 1e6:.1f} MB (below 40)\n"
            f"written in          {taken:.1f} s ({cpu:.1f} s CPU)\n"
            f"opened in Chromium  {statistics.median(times) / 1e3:.2f} s (below 3)\n"
        )
        if arguments.screenshots:
            for width in (1280, 500):
                target = arguments.screenshots / f"sheet-{width}.png"
                subprocess.run(
                    [*CHROMIUM, f"--screenshot={target}", f"--window-size={width},1000",
                     f"file://{folder}/sheet.html"],
                    check=True, capture_output=True,
                )  # fmt: skip


if __name__ == "__main__":
    main()
