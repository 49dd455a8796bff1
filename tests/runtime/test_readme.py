"""The README's blocks are run as they stand, and their output is what they show."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import edgefeat

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, flags=re.DOTALL | re.MULTILINE)
PYTHON = [body for language, body in BLOCKS if language == "python"]
CONSOLE = [body for language, body in BLOCKS if language == "console"]


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that has the repository's files, but not its package on the path."""
    for name in ("tests", "models"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)


def test_there_are_blocks_to_run() -> None:
    assert PYTHON
    assert CONSOLE
    assert {language for language, _ in BLOCKS} <= {"python", "console", "sh", "text"}


def test_python_blocks_show_their_output() -> None:
    """One session, as a reader would type them."""
    session = "\n".join(PYTHON)
    test = doctest.DocTestParser().get_doctest(session, {}, "README.md", "README.md", 0)
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    result = runner.run(test, out=said.append)
    assert result.attempted > 0
    assert result.failed == 0, "".join(said)


@pytest.mark.parametrize("block", CONSOLE, ids=range(len(CONSOLE)))
def test_console_blocks_show_their_output(block: str) -> None:
    """Each `$ edgefeat ...` line runs; lines up to the next one are what it prints."""
    commands = re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", block, flags=re.MULTILINE)
    assert commands
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    source = str(Path(edgefeat.__file__).parent.parent)
    for command, expected in commands:
        done = subprocess.run(  # noqa: S602 - the README's own lines
            command, shell=True, capture_output=True, text=True, timeout=120,
            env={**os.environ, "PATH": path, "PYTHONPATH": source},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        pattern = ".*".join(re.escape(part) for part in expected.strip().split("..."))
        assert re.fullmatch(pattern, (done.stdout + done.stderr).strip(), flags=re.DOTALL)
