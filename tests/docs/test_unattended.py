"""The page on cameras that run for years names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`(?:python )?(tests/\S+\.py)(?: -k (\w+))?`")


def test_every_command_chooses_a_test() -> None:
    found = NAMED.findall((ROOT / "docs" / "unattended.md").read_text())
    assert len(found) > 20
    for name, chosen in found:
        tests = re.findall(r"^def (test_\w+)", (ROOT / name).read_text(), re.MULTILINE)
        if chosen:
            assert any(chosen in test for test in tests), f"{name} -k {chosen}"
        else:
            assert tests or name.startswith(("tests/bench/", "tests/cameras/")), name
