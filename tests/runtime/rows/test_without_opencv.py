"""A device for tables alone needs no OpenCV, and a start for rows does not load it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_BLOCK = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "cv2":
            raise ModuleNotFoundError("No module named 'cv2'", name="cv2")
sys.meta_path.insert(0, Block())
"""


def run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _BLOCK + code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_rows_need_no_opencv(people: Path) -> None:
    done = run(
        "import edgefeat\n"
        "fx = edgefeat.FeatureExtractor(sys.argv[1])\n"
        "print(fx.self_test().passed, fx.extract(dict(age=41, rooms=3, city='Rome', note='')))\n"
        "print(len(fx.extract_batch({'age': [1], 'rooms': [2], 'city': ['Rome'], 'note': ['']})))\n"
        "fx.close()",
        people,
    )
    assert done.stderr == ""
    assert done.stdout == "True [0.1 3.  3.  0. ]\n1\n"


@pytest.mark.parametrize("words", [["info", "--self-test"], ["doctor", "--model"]])
def test_commands_that_prove_a_model_of_rows_need_no_opencv(people: Path, words: list[str]) -> None:
    code = "from edgefeat.cli.main import main; sys.exit(main(sys.argv[1:]))"
    done = run(code, *words, people)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "passed" in done.stdout


def test_a_picture_still_says_what_is_missing(photos: Path) -> None:
    done = run("import edgefeat; edgefeat.extract(sys.argv[1])", photos / "coffee.jpg")
    assert "DependencyError: OpenCV" in done.stderr
