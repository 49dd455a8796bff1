"""Streams of a model with a head: answers in each record, columns beside each frame, gates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgefeat
from answering_models import BACKBONE, CLASSES, PLACE, SIDE, answers_of, write_judge
from edgefeat import Predictor, RowError
from edgefeat.cli.main import main
from edgefeat.errors import OptionError
from edgefeat.sources import ArraySource
from edgefeat.streaming import Answering, Selection, Stream

LEVELS = [90, 95, 110, 120, 80, 81]


def pictures() -> list[Any]:
    return [np.full((SIDE, SIDE, 3), level, np.uint8) for level in LEVELS]


def test_each_record_has_the_answers_of_its_frame() -> None:
    with Predictor(PLACE) as p:
        records = list(edgefeat.stream(pictures(), Answering(p, {"level": 100})))
    assert {record.fingerprint for record in records} == {BACKBONE}
    for record, level in zip(records, LEVELS, strict=True):
        label, light = answers_of(level, 100)
        assert record.label == label
        assert record.probabilities == pytest.approx({"dark": 1 - light, "light": light}, abs=1e-6)
        assert record.value is None
        assert np.array_equal(record.features, np.full(3, level, np.float32))


def test_a_model_for_pictures_alone_needs_no_columns(tmp_path: Path) -> None:
    write_judge(tmp_path / "alone.onnx", column=False)
    with Predictor(tmp_path / "alone.onnx") as p:
        records = list(edgefeat.stream(pictures(), Answering(p)))
        assert [record.label for record in records] == [answers_of(n, 100)[0] for n in LEVELS]
        with pytest.raises(OptionError, match="row: does not apply"):
            Answering(p, {"level": 1})


def test_a_gate_for_labels_lets_changes_pass() -> None:
    with Predictor(PLACE) as p:
        stream = Stream(
            ArraySource(pictures()),
            Answering(p, {"level": 100}),
            selection=Selection(label_change=True),
        )
        with stream:
            records = list(stream)
        assert [(r.index, r.label, r.change) for r in records] == [
            (0, "dark", "first"), (2, "light", "change"), (4, "dark", "change"),
        ]  # fmt: skip
        assert stream.health().skipped_novelty == 3


def test_what_does_not_fit_is_refused_at_the_start(extractor: edgefeat.FeatureExtractor) -> None:
    with Predictor(PLACE) as p:
        with pytest.raises(OptionError, match="expected a row beside the picture"):
            Answering(p)
        with pytest.raises(RowError, match="column 'level': expected a number, got 'x'"):
            Answering(p, {"level": "x"})
    with pytest.raises(OptionError, match="label_change: needs a model whose head gives labels"):
        Stream(ArraySource(pictures()), extractor, selection=Selection(label_change=True))


def test_the_command_writes_answers_into_lines(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "s.jsonl"
    words = ["stream", str(photos), "--model", str(PLACE), "--set", "level=100", "-q"]
    assert main([*words, "-o", str(out)]) == 0
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(lines) == 3
    for line in lines:
        label, light = answers_of(line["features"][0], 100)
        assert line["label"] == label
        assert list(line["probabilities"]) == list(CLASSES)
        assert line["probabilities"]["light"] == pytest.approx(light, abs=1e-6)
    assert len(edgefeat.FeatureSet.read(out)) == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "--set: the model takes columns beside the picture; still missing: level."),
        (["--set", "level"], "--set: expected NAME=VALUE, got 'level'"),
        (["--set", "level=1", "--set", "level=2"], "--set: 'level' is given twice"),
        (["--set", "level=x"], "--set: column 'level': expected a number, got 'x'"),
        (["--set", "level=1", "--set", "Level=1"], "Did you mean 'level'?"),
        (["--set", "level=1", "-o", "x.npz"], "--output: the model has a head, and answers are"),
        (["--set", "level=1", "--outputs", "all"], "--outputs: does not apply to a model with a"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else None,
)
def test_wrong_usage_is_told_in_one_line(
    photos: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["stream", str(photos), "--model", str(PLACE), *words]) == 2
    assert message in capsys.readouterr().err


def test_a_model_without_a_head_takes_no_columns(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["stream", str(photos), "--set", "level=1"]) == 2
    assert "--set: does not apply: the model has no head" in capsys.readouterr().err
