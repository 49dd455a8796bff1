"""Models made to do harm: none writes, reads beyond itself, runs anything, or takes much."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hostile_models import write_all

OPENER = Path(__file__).parents[2] / "support" / "open_hostile.py"
MOST_KB, MOST_SECONDS = 1_000_000, 30


def contents(folder: Path) -> dict[str, int]:
    return {str(path): path.lstat().st_mtime_ns for path in sorted(folder.rglob("*"))}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What opening all of them, one after another in one process, came to."""
    folder = tmp_path_factory.mktemp("hostile")
    empty = tmp_path_factory.mktemp("empty")
    expected = write_all(folder)
    before = contents(folder)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", OPENER, folder, *expected],
        check=True,
        capture_output=True,
        text=True,
        cwd=empty,
        env=os.environ | {"TMPDIR": str(empty), "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    outcome: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return outcome | {
        "expected": expected,
        "changed": contents(folder).items() ^ before.items(),
        "left": contents(empty),
    }


def test_each_is_refused_by_name(outcome: dict[str, Any]) -> None:
    wrong = [
        f"{name}: expected {message!r}, got {outcome['models'][name]}"
        for name, message in outcome["expected"].items()
        if outcome["models"][name]["kind"] != "BackboneError"
        or message not in outcome["models"][name]["text"]
    ]
    assert not wrong, "\n".join(wrong)
    assert len(outcome["models"]) > 40


def test_a_refusal_is_one_line(outcome: dict[str, Any]) -> None:
    assert not [one["text"] for one in outcome["models"].values() if "\n" in one["text"]]


def test_nothing_is_written_run_or_fetched(outcome: dict[str, Any]) -> None:
    assert outcome["deeds"] == []
    assert outcome["changed"] == set()
    assert outcome["left"] == {}


def test_memory_and_time_are_bounded(outcome: dict[str, Any]) -> None:
    assert outcome["kb"] < MOST_KB
    assert not [one for one in outcome["models"].values() if one["seconds"] > MOST_SECONDS]
