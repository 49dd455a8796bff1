"""Contact sheets and maps in a real browser: keys, marks, filter, a larger look, zoom.

`make test-browser` runs this; it needs Chromium. A script that is added to the page uses it as a
person would and reports through the title.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import cv2
import pytest

import edgefeat
from edgefeat.sheets.map_page import write_map
from edgefeat.sheets.page import write_sheet
from edgefeat.sheets.sheet import of_duplicates

CHROMIUM = [
    os.environ.get("CHROMIUM", "chromium"),
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--virtual-time-budget=4000",
]
PHOTOS = Path(__file__).parents[1] / "data" / "photos"
KEY = (
    "const key = (at, key) => at.dispatchEvent(new KeyboardEvent('keydown',"
    " {key, bubbles: true, cancelable: true}));"
)


def told(page: Path, script: str) -> list[Any]:
    """Return what a script in the page puts into the list `r`."""
    probe = (
        f"<script>addEventListener('load', () => setTimeout(() => {{ const r = []; {KEY} {script};"
        " document.title = 'R' + encodeURIComponent(JSON.stringify(r)); }, 50))</script></body>"
    )
    probed = page.with_name("probed.html")
    probed.write_text(page.read_text().replace("</body>", probe))
    done = subprocess.run(
        [*CHROMIUM, "--dump-dom", f"file://{probed}"], capture_output=True, text=True, timeout=120,
        check=True,
    )  # fmt: skip
    found = re.search(r"<title>R([^<]*)", done.stdout)
    assert found, done.stdout[:500]
    decoded = re.sub(r"%([0-9A-F]{2})", lambda m: chr(int(m[1], 16)), found[1])
    answer: list[Any] = json.loads(decoded)
    return answer


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> edgefeat.FeatureSet:
    """Three photos, each with a mirrored and a small copy."""
    folder, paths = tmp_path_factory.mktemp("album"), []
    for path in sorted(PHOTOS.glob("*.jpg")):
        photo = cv2.imread(str(path))
        small = cv2.resize(photo, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        for name, picture in (("a", photo), ("b", photo[:, ::-1]), ("c", small)):
            paths.append(str(folder / f"{path.stem}-{name}.png"))
            cv2.imwrite(paths[-1], picture)
    with edgefeat.FeatureExtractor() as extractor:
        return edgefeat.FeatureSet.of(extractor.extract_batch(paths), extractor, paths=paths)


@pytest.fixture(scope="module")
def sheet(library: edgefeat.FeatureSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    page = tmp_path_factory.mktemp("sheet") / "sheet.html"
    found = library.duplicates(level="look")
    assert [len(group.copies) for group in found.groups] == [3, 3, 3]
    write_sheet(of_duplicates(found), page)
    return page


CARDS = "const cards = [...document.querySelectorAll('.card')];"


def test_keys_walk_and_mark(sheet: Path) -> None:
    answer = told(
        sheet,
        f"{CARDS} const at = () => cards.indexOf(document.activeElement);"
        "cards[0].focus(); for (const one of ['ArrowRight', 'ArrowDown', 'ArrowUp', 'End', 'Home'])"
        "  { key(document.activeElement, one); r.push(at()); }"
        "const marked = () => document.getElementById('marked').textContent; r.push(marked());"
        "key(cards[0], 'x'); r.push(marked()); key(cards[0], 'x'); r.push(marked())",
    )
    assert answer == [1, 4, 1, 8, 0, "6 marked", "7 marked", "6 marked"]


def test_enter_looks_and_arrows_go_on(sheet: Path) -> None:
    answer = told(
        sheet,
        f"{CARDS} cards[0].focus(); key(cards[0], 'Enter');"
        "const look = document.getElementById('look'), path = document.getElementById('path');"
        "r.push(look.open, path.textContent === cards[0].dataset.path,"
        "  document.getElementById('large').naturalWidth > 0);"
        "key(look, 'ArrowRight'); r.push(path.textContent === cards[1].dataset.path);"
        "look.querySelector('.close').click(); r.push(look.open)",
    )
    assert answer == [True, True, True, True, False]


def test_the_filter_hides_and_the_list_has_what_is_marked(sheet: Path) -> None:
    answer = told(
        sheet,
        "const filter = document.getElementById('filter'); filter.value = 'COFFEE';"
        "filter.dispatchEvent(new Event('input'));"
        "r.push(document.getElementById('shown').textContent,"
        "  document.querySelectorAll('section:not([hidden])').length);"
        "document.getElementById('paths').click();"
        "r.push(document.getElementById('text').value.trim().split('\\n').length);"
        "document.getElementById('list').close(); document.getElementById('none').click();"
        "r.push(document.getElementById('marked').textContent)",
    )
    assert answer == ["3 of 9 pictures", 1, 6, "0 marked"]


def test_a_map_is_walked_zoomed_and_narrowed(library: edgefeat.FeatureSet, tmp_path: Path) -> None:
    page = tmp_path / "map.html"
    write_map(library, library.plane(), page, clusters=library.groups(3))
    answer = told(
        page,
        "const canvas = document.getElementById('canvas');"
        "const name = () => document.getElementById('name').textContent;"
        "const first = name(); r.push(first.endsWith('.png'));"
        "for (const one of ['ArrowUp', 'ArrowRight', 'ArrowDown', 'ArrowLeft']) key(canvas, one);"
        "key(canvas, '+'); r.push(view.zoom > 1); key(canvas, '0'); r.push(view.zoom);"
        "const box = canvas.getBoundingClientRect(), [x, y] = placed(7);"
        "canvas.dispatchEvent(new PointerEvent('pointermove', {clientX: box.left + x,"
        "  clientY: box.top + y, pointerId: 1, bubbles: true}));"
        "r.push(Math.hypot(placed(current)[0] - x, placed(current)[1] - y) < 3);"
        "const legend = document.querySelectorAll('#legend button'); r.push(legend.length);"
        "legend[1].click(); r.push(only); legend[1].click(); r.push(only)",
    )
    assert answer == [True, True, 1, True, 3, 1, None]
