"""`edgefeat extract table.csv`: rows become a set, by name; what fails is in the ledger."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from column_models import PLACE, features_of
from edgefeat import FeatureSet
from edgefeat.cli.main import main

TABLE = """id,age,rooms,city,note
a,41,3,Rome,good
b,,2,Paris,
c,old,1,Rome,bad
d,20.5,-1,Oslo,bad
"""
EXPECTED = [
    features_of({"age": 41.0, "rooms": 3, "city": "Rome", "note": "good"}),
    features_of({"age": None, "rooms": 2, "city": "Paris", "note": ""}),
    features_of({"age": 20.5, "rooms": -1, "city": "Oslo", "note": "bad"}),
]
REASON = "row 2: column 'age': expected a number, got 'old'. Make it a number first."


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "t.csv"
    path.write_text(TABLE)
    return path


def extract(*words: object) -> int:
    return main(["extract", *map(str, words), "--model", str(PLACE)])


@pytest.mark.parametrize("output", ["f.npz", "f.csv", "f.jsonl", "f/"])
def test_rows_become_a_set(
    table: Path, tmp_path: Path, output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / output
    assert extract(table, "-o", f"{place}/" if output.endswith("/") else place) == 1
    said = capsys.readouterr().err
    assert f"edgefeat: {table}#2: {REASON}" in said
    assert "columns that the model does not take are left out: id" in said
    assert "column 'city': 1 value never seen" in said
    found = FeatureSet.read(place)
    assert list(found.paths) == [f"{table}#{i}" for i in (0, 1, 3)]
    assert np.array_equal(found.features, np.array(EXPECTED, np.float32))
    ledger = place / "errors.jsonl" if place.is_dir() else Path(f"{place}.errors.jsonl")
    assert json.loads(ledger.read_text()) == {"path": f"{table}#2", "reason": REASON}


def test_a_key_names_rows_and_a_folder_is_resumed(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [table, "--key", "id", "-o", f"{tmp_path}/f/"]
    assert extract(*words) == 1
    with table.open("a") as file:
        file.write("e,1,1,Rome,\na,2,2,Rome,\n")
    assert extract(*words, "--resume") == 1
    assert list(FeatureSet.read(tmp_path / "f").paths) == ["a", "b", "d", "e"]
    assert "4 x 4 features" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--exclude", "x"], 2, "--exclude: applies to pictures alone; this model takes rows."),
        (["--retries", "2"], 2, "--retries: applies to pictures alone; this model takes rows."),
        (["--sync", "-o", "FOLDER"], 2, "--sync: applies to pictures alone."),
        (["--key", "name"], 3, "no column 'name'; there is 'id', 'age', 'rooms', 'city', 'note'."),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_does_not_apply_is_refused(
    table: Path,
    tmp_path: Path,
    words: list[str],
    code: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [f"{tmp_path}/f/" if word == "FOLDER" else word for word in words]
    assert extract(table, *given) == code
    assert message in capsys.readouterr().err


def test_the_first_failure_ends_a_run_where_that_is_asked_for(table: Path, tmp_path: Path) -> None:
    assert extract(table, "-o", tmp_path / "f.npz", "--on-error", "stop") == 1


def test_pictures_for_a_model_of_rows_and_the_other_way(
    table: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert extract(photos) == 2
    assert "expected tables (.csv, .tsv, .parquet), for the model takes" in capsys.readouterr().err
    assert main(["extract", str(photos), "--key", "id"]) == 2
    assert "--key: does not apply: the model takes pictures" in capsys.readouterr().err
