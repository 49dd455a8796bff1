"""The pages' examples run as they stand, and their output is what they show."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import edgefeat

ROOT = Path(__file__).parents[2]
PAGES = {
    str(page.relative_to(ROOT / "docs")): page.read_text()
    for page in sorted((ROOT / "docs").rglob("*.md"))
    if "commands" not in page.parts
}
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
RUN = [name for name, text in PAGES.items() if BLOCK.search(text)]


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that has the repository's data, but not its packages."""
    for name in ("tests", "models"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EDGEFEAT_CACHE", str(tmp_path / ".cache"))


def test_there_are_pages_to_run() -> None:
    assert len(RUN) >= 5


# Keras 3.15 hands TensorFlow's variables to NumPy 2 in a way that NumPy deprecates.
@pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
    ":keras.src.backend.tensorflow.core"
)
@pytest.mark.parametrize("name", RUN)
def test_a_pages_blocks_show_their_output(name: str) -> None:
    """Blocks run in order, in one session and one folder, as a reader would type them."""
    session: dict[str, object] = {}
    for language, body in BLOCK.findall(PAGES[name]):
        if language == "python":
            _python(name, body, session)
        else:
            _console(body)


def _python(name: str, body: str, session: dict[str, object]) -> None:
    test = doctest.DocTestParser().get_doctest(body, session, name, name, 0)
    said: list[str] = []
    result = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append, clear_globs=False)
    session.update(test.globs)
    assert result.attempted > 0
    assert result.failed == 0, "".join(said)


def _console(body: str) -> None:
    source = str(Path(edgefeat.__file__).parent.parent)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    commands = re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", body, flags=re.MULTILINE)
    assert commands
    for command, expected in commands:
        done = subprocess.run(  # noqa: S602 - the pages' own lines
            command, shell=True, capture_output=True, text=True, timeout=120,
            env={**os.environ, "PATH": path, "PYTHONPATH": source},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        pattern = ".*".join(re.escape(part) for part in expected.strip().split("..."))
        assert re.fullmatch(pattern, (done.stdout + done.stderr).strip(), flags=re.DOTALL)
