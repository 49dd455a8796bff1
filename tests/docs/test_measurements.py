"""Every benchmark has its row in docs/measurements.md, and every one that a page names is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMED = re.compile(r"tests/bench/[a-z0-9_/]+\.py")


def test_every_benchmark_has_its_row() -> None:
    listed = set(NAMED.findall((ROOT / "docs" / "measurements.md").read_text()))
    there = {str(path.relative_to(ROOT)) for path in (ROOT / "tests/bench").glob("bench_*.py")}
    by_make = {"tests/bench/bench_honesty.py"}  # `make bench-honesty`
    assert there - listed - by_make == set()


def test_every_benchmark_that_a_page_names_is_there() -> None:
    for page in PAGES:
        missing = [name for name in NAMED.findall(page.read_text()) if not (ROOT / name).is_file()]
        assert missing == [], page


def test_every_target_of_make_that_a_page_names_is_there() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        named = set(re.findall(r"`make ([a-z][a-z0-9-]*)", page.read_text()))
        assert named - targets == set(), page
