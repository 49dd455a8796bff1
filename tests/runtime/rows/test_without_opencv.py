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


def test_sets_answers_and_benchmarks_of_rows_need_no_opencv(people: Path, tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("age,rooms,city,note\n41,3,Rome,good\n")
    code = "from edgefeat.cli.main import main; sys.exit(main(sys.argv[1:]))"
    quick = ["--duration", "0.01", "--processes", "2", "--cold-starts", "1"]
    for words in (
        ["extract", table, "-o", tmp_path / "set.npz", "--model", people],
        ["bench", table, "--model", people, *quick],
        ["bench", "--model", people, *quick],
    ):
        done = run(code, *words)
        assert done.returncode == 0, done.stderr + done.stdout
        assert "OpenCV" not in done.stderr
    # A fresh process of `bench` is not under the block above: what it imports is told here.
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "edgefeat.bench.cold_start",
         f'{{"model": "{people}", "options": {{}}, '
         '"item": {"age": 1, "rooms": 2, "city": "Rome", "note": ""}}'],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert "cv2" not in done.stderr


def test_a_picture_still_says_what_is_missing(photos: Path) -> None:
    done = run("import edgefeat; edgefeat.extract(sys.argv[1])", photos / "coffee.jpg")
    assert "DependencyError: OpenCV" in done.stderr
