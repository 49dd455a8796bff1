"""Options that the pages name exist: in a command, a script of the tests, or another program."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from edgefeat.cli import main as runtime
from edgefeat_export.cli import main as exporter

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md")),
    ROOT / "models" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
OPTION = re.compile(r"(?<![\w`-])--[a-z][a-z0-9-]*|`(--[a-z][a-z0-9-]*)")
FOREIGN = {
    *("--depth", "--list-formats-ext"),  # git; v4l2-ctl
    *("--add-data", "--collect-data"),  # PyInstaller
    *("--codec", "--height", "--width"),  # rpicam-vid
    *("--array", "--cpus-per-task", "--mem", "--requeue"),  # Slurm
}


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    return {flag for action in parser._actions for flag in action.option_strings}


@pytest.fixture(scope="module")
def known() -> set[str]:
    found: set[str] = set()
    for program in (runtime, exporter):
        parser, commands = program.build_parser()
        found |= options_of(parser)
        for command in commands.choices.values():
            found |= options_of(command)
    for script in (ROOT / "tests").rglob("*.py"):  # the benchmarks have options too
        found.update(re.findall(r'"(--[a-z][a-z0-9-]*)"', script.read_text()))
    return found | FOREIGN


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_a_page_names_no_option_that_is_gone(page: Path, known: set[str]) -> None:
    if "commands" in page.parts:  # written from the parsers
        return
    unknown = {
        match[1] or match[0]
        for line in page.read_text().splitlines()
        for match in OPTION.finditer(line)
    }
    assert unknown - known == set()
