"""The map names every room of both packages, and names it once."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {"edgefeat": ROOT / "edgefeat", "edgefeat_export": ROOT / "export" / "edgefeat_export"}
_OWN = {"__init__", "__main__"}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_room_is_on_the_map_once(package: str) -> None:
    text = (ROOT / "docs/map.md").read_text()
    part = text.partition(f"## {package},")[2].partition("\n## ")[0]
    first_cells = [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]
    named = Counter(name for cell in first_cells for name in re.findall(r"`([\w/.]+)`", cell))
    assert [name for name, times in named.items() if times > 1] == []
    folder = PACKAGES[package]
    rooms = {f"{path.parent.name}/" for path in folder.glob("*/__init__.py")}
    rooms |= {path.name for path in folder.glob("*.py") if path.stem not in _OWN}
    assert set(named) == rooms
