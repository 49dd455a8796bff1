"""`edgefeat predict`: photos and rows are joined by key, answered, and written whole."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from answering_models import PLACE, answers_of, write_judge
from edgefeat import Predictor
from edgefeat.cli.main import main

NAMES = ("chelsea", "coffee", "rocket")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    path.write_text("who,file,level\na,chelsea.jpg,255\nb,coffee.jpg,50\nc,rocket.jpg,50\n")
    return path


def predict(*words: object) -> int:
    return main(["predict", *map(str, words)])


def test_the_committed_judge_is_what_its_script_writes(tmp_path: Path) -> None:
    write_judge(tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == PLACE.read_bytes()


def test_photos_with_rows_in_csv_and_lines(
    table: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.csv"
    words = [photos, "--model", PLACE, "--rows", table, "--key", "file"]
    assert predict(*words, "-o", out) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "columns that the model does not take are left out: who." in said.err
    assert "edgefeat: 3 predictions in" in said.err
    assert not (tmp_path / "out.csv.errors.jsonl").exists()
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["path", "label", "p_dark", "p_light"]
    levels = {"chelsea": 255.0, "coffee": 50.0, "rocket": 50.0}
    with Predictor(PLACE) as p:
        for row, name in zip(rows, NAMES, strict=True):
            assert row["path"] == str(photos / f"{name}.jpg")
            found = p.predict(row["path"], {"level": levels[name]})
            mean = float(found.features[0])
            assert (row["label"], found.label) == (answers_of(mean, levels[name])[0],) * 2
            assert found.probabilities is not None
            assert np.isclose(float(row["p_light"]), found.probabilities["light"], atol=1e-6)
    assert predict(*words) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["label"] for line in lines] == [row["label"] for row in rows]
    assert list(lines[0]) == ["path", "label", "probabilities"]


def test_what_fails_is_named_and_the_rest_goes_on(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "photos"
    for place in ("a", "b"):
        shutil.copytree(photos, folder / place)
    (folder / "broken.jpg").write_bytes((photos / "coffee.jpg").read_bytes()[:300])
    table = tmp_path / "t.csv"
    table.write_text(
        "file;level\na/chelsea.jpg;1\nb/chelsea.jpg;high\ncoffee.jpg;1\ncoffee.jpg;2\n"
        "broken.jpg;1\nother.jpg;1\nb/rocket.jpg\n"
    )
    out = tmp_path / "out.jsonl"
    code = predict(folder, "--model", PLACE, "--rows", table, "--key", "file", "-o", out)
    said = capsys.readouterr().err
    assert code == 1
    assert [json.loads(line)["path"] for line in out.read_text().splitlines()] == [
        str(folder / "a/chelsea.jpg")
    ]
    ledger = [json.loads(line) for line in Path(f"{out}.errors.jsonl").read_text().splitlines()]
    found = {line["path"].removeprefix(f"{folder}/"): line for line in ledger}
    assert set(found) == {
        "a/coffee.jpg", "a/rocket.jpg", "b/chelsea.jpg", "b/coffee.jpg", "b/rocket.jpg",
        "broken.jpg",
    }  # fmt: skip
    bad = found["b/chelsea.jpg"]
    assert (bad["row"], bad["column"], bad["value"]) == (1, "level", "'high'")
    assert bad["reason"].startswith("row 1: column 'level': expected a number, got 'high'")
    assert "expected one row, got 2 with this key: 2, 3" in found["a/coffee.jpg"]["reason"]
    assert "has this file" in found["a/rocket.jpg"]["reason"]
    assert "expected 2 cells, as in the header, got 1" in found["b/rocket.jpg"]["reason"]
    assert "row" not in found["broken.jpg"]
    assert "columns are separated by ';'" in said
    assert "1 of 7 rows of" in said
    assert all(f"edgefeat: {folder}/{name}: " in said for name in found)


def test_a_table_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, table = tmp_path / "rows.onnx", tmp_path / "t.csv"
    write_judge(model, picture=False)
    table.write_text("id,level\nx,99\ny,\nz,101\n")
    assert predict(table, "--model", model, "--json", "-o", tmp_path / "a.jsonl") == 1
    facts = json.loads(capsys.readouterr().out)
    assert facts["labels"] == {"dark": 1, "light": 1}
    assert facts["failed"] == [
        {
            "path": f"{table}#1",
            "reason": "row 1: column 'level': expected a number, got None: a value is missing, and "
            "the model has no rule for that. Fill it in, or leave the row out.",
            "row": 1,
            "column": "level",
            "value": None,
        }
    ]
    assert predict(table, "--model", model, "--key", "id") == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["path"], line["label"]) for line in lines] == [("x", "dark"), ("z", "light")]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model", PLACE], "expected a table with a row for each picture: the model takes level"),
        ([], "expected a model with a head: the shipped one gives features and no answers."),
        (["--model", PLACE, "--rows", "TABLE"], "--key: expected the column of the table that"),
        (
            ["--model", PLACE, "--rows", "TABLE", "--key", "file", "-o", "a.txt"],
            "--output: expected a file that ends in .csv, .jsonl, .parquet, got 'a.txt'",
        ),
        (["--model", PLACE, "--json"], "--json: needs an output other than stdout"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_wrong_usage_is_told_in_one_line(
    words: list[Any],
    message: str,
    table: Path,
    photos: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [table if word == "TABLE" else word for word in words]
    assert predict(photos, *given) == 2
    assert message in capsys.readouterr().err


def test_an_output_that_is_there_stays(
    table: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.csv"
    out.write_text("mine")
    words = [photos, "--model", PLACE, "--rows", table, "--key", "file", "-o", out]
    assert predict(*words) == 3
    assert "is there already" in capsys.readouterr().err
    assert out.read_text() == "mine"
    assert predict(*words, "--overwrite") == 0
    assert out.read_text().startswith("path,label")
