"""Gates of an attached file: what they find, and what they say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler

from edgefeat.model.file import read_model_file
from edgefeat_export import attach
from edgefeat_export.attaching import gates
from edgefeat_export.errors import VerificationError
from edgefeat_export.proof import stamp
from head_pipelines import columns, imputed, small_photo, tail_answers

Parts = tuple[Any, Any]


def test_a_missed_gate_names_the_step_and_the_row(parts: Parts, model: str, out: Path) -> None:
    fit, rows = parts
    pipeline = make_pipeline(columns(imputed()), LogisticRegression()).fit(fit, fit["kind"])
    taken, got, features = tail_answers(pipeline, rows)
    name = taken.tail.checkpoints["numbers"].name
    got[name] = got[name].copy()
    got[name][4, 1] += 1e-3
    with pytest.raises(VerificationError, match=r"step 'numbers': row 4, number 1: scikit-learn"):
        gates.check_steps(taken, got, rows, features)
    wanted = {"label": np.array([0, 1, 2]), "probabilities": np.eye(3)}
    wrong = {"label": np.array([0, 2, 2]), "probabilities": np.eye(3)}
    with pytest.raises(VerificationError, match="label of 1 of 3 rows differ, first row 1"):
        gates.check_answers(wrong, wanted, where="the file")
    near = {"label": np.array([0, 1, 2]), "probabilities": np.eye(3) + 2e-5}
    with pytest.raises(VerificationError, match="probabilities of 3 of 3 rows differ"):
        gates.check_answers(near, wanted, where="the file")


def test_steps_behind_the_photo_and_behind_the_columns_are_held_alone(parts: Parts) -> None:
    fit, rows = parts
    joined = ColumnTransformer(
        [("photo", small_photo(), ["path"]), ("rest", "passthrough", ["when"])]
    )
    scaled = Pipeline(
        [("columns", joined), ("scaled", MinMaxScaler()), ("end", LogisticRegression())]
    )
    taken, got, features = tail_answers(scaled.fit(fit, fit["kind"]), rows)
    gates.check_steps(taken, got, rows, features)
    # Each is compared on what the file gives it, so nothing behind it differs for its sake.
    for where, name in [(one.where, one.after.name) for one in taken.later]:
        wrong = {**got, name: got[name].copy()}
        wrong[name][3, 2] += 1e-2
        with pytest.raises(VerificationError, match=rf"step '{where}': row 3, number 2: "):
            gates.check_steps(taken, wrong, rows, features)
    assert [one.where for one in taken.later] == [
        "columns.photo: StandardScaler",
        "columns.photo: PCA",
        "scaled: MinMaxScaler",
    ]


def test_a_tie_is_told() -> None:
    wanted = {"label": np.array([0, 2]), "probabilities": np.array([[1.0, 0, 0], [0.2, 0.4, 0.4]])}
    got = {**wanted, "label": np.array([0, 1])}
    with pytest.raises(VerificationError, match=r"the file 1; a tie of two classes\. Leave such"):
        gates.check_answers(got, wanted, where="the file")


def test_a_file_is_held_to_its_own_self_test(parts: Parts, model: str, out: Path) -> None:
    fit, rows = parts
    pipeline = make_pipeline(columns(imputed()), LogisticRegression()).fit(fit, fit["kind"])
    attach(pipeline, model, rows, out)
    gates.check_self(out)
    spec = read_model_file(out).spec
    assert spec.probe is not None
    assert spec.probe.labels is not None
    wrong = tuple((label + 1) % 3 for label in spec.probe.labels)
    stamp.stamp(onnx.load(out), replace(spec, probe=replace(spec.probe, labels=wrong)), out)
    with pytest.raises(VerificationError, match=r"self-test failed: .* 4 labels wrong"):
        gates.check_self(out)
