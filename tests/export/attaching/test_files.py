"""Saved pipelines: skops as data, pickles only where they are trusted, in a process apart."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.utils import all_estimators

from edgefeat.model.file import read_model_file
from edgefeat.sklearn import ImageFeatures
from edgefeat_export.attaching.kinds import KNOWN_ESTIMATORS
from edgefeat_export.attaching.opening import open_head
from edgefeat_export.cli.main import main

Parts = tuple[Any, Any]


def pipeline(parts: Parts, estimator: Any = None) -> Pipeline:
    numbers = make_pipeline(SimpleImputer(), FunctionTransformer(np.abs), StandardScaler())
    columns = ColumnTransformer(
        [
            ("photo", ImageFeatures(), ["path"]),
            ("numbers", numbers, ["width", "price"]),
            ("shop", OneHotEncoder(handle_unknown="ignore"), ["shop"]),
        ]
    )
    fit, _ = parts
    return make_pipeline(columns, LogisticRegression() if estimator is None else estimator).fit(
        fit, fit["kind"]
    )


@pytest.fixture
def rows(parts: Parts, tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    parts[1].to_csv(path, index=False)
    return path


def test_a_skops_file_is_attached(
    parts: Parts, rows: Path, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = tmp_path / "head.skops"
    skops.io.dump(pipeline(parts), head)
    words = ["attach", model, str(head), "--rows", str(rows), "-o", str(tmp_path / "out")]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "takes a photo, width, price, shop; answers one of 3 classes" in said
    assert "9 rows as in scikit-learn: every label equal, probabilities within " in said
    (out,) = (tmp_path / "out").iterdir()
    assert out.name == "efficientnet_lite0_224_int8_head.onnx"
    assert [one.name for one in read_model_file(out).spec.columns] == ["width", "price", "shop"]


@pytest.mark.parametrize(
    "estimator",
    [
        RandomForestClassifier(3, random_state=0),
        pytest.param(
            HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=2), marks=pytest.mark.full
        ),
    ],
    ids=["forest", "histograms"],
)
def test_trees_survive_skops(
    estimator: Any, parts: Parts, rows: Path, model: str, tmp_path: Path
) -> None:
    head, out = tmp_path / "head.skops", tmp_path / "out.onnx"
    skops.io.dump(pipeline(parts, estimator), head)
    assert main(["attach", model, str(head), "--rows", str(rows), "-o", str(out)]) == 0
    assert out.exists()


METHODS = [{"method": "sigmoid"}, {"method": "isotonic"}]
TREES = [{"algorithm": name} for name in ("brute", "kd_tree", "ball_tree")]
SOLVERS = [{"solver": name, "max_iter": 2} for name in ("adam", "sgd", "lbfgs")]
LOSSES = ("squared_error", "absolute_error", "huber", "quantile")
HISTOGRAM_LOSSES = ("squared_error", "absolute_error", "poisson", "gamma", "quantile")
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "CalibratedClassifierCV": METHODS,
    "GradientBoostingClassifier": [{"n_estimators": 1}],
    "GradientBoostingRegressor": [{"n_estimators": 1, "loss": name} for name in LOSSES],
    "HistGradientBoostingClassifier": [{"max_iter": 1}],
    "HistGradientBoostingRegressor": [
        {"max_iter": 1, "loss": name, "quantile": 0.5} for name in HISTOGRAM_LOSSES
    ],
    "KNeighborsClassifier": TREES,
    "KNeighborsRegressor": TREES,
    "MLPClassifier": SOLVERS,
    "MLPRegressor": SOLVERS,
    "StackingClassifier": [{"estimators": [("l", LogisticRegression())]}],
    "StackingRegressor": [{"estimators": [("r", Ridge())]}],
    "VotingClassifier": [{"estimators": [("l", LogisticRegression())]}],
    "VotingRegressor": [{"estimators": [("r", Ridge())]}],
}
OF_SCIKIT_LEARN = dict(all_estimators())


@pytest.mark.parametrize("name", [one for one in KNOWN_ESTIMATORS if one in OF_SCIKIT_LEARN])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning:sklearn.linear_model")
def test_whatever_can_be_attached_can_be_read_from_skops(name: str, tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(60, 3))
    for options in OPTIONS.get(name, [{}]):
        for truth in (rows[:, 0] > 0, 1 + (rows[:, 0] > 0) + (rows[:, 1] > 0)):
            fitted = OF_SCIKIT_LEARN[name](**options).fit(rows, truth.astype(int) + 1)
            skops.io.dump(fitted, tmp_path / "head.skops")
            opened = open_head(tmp_path / "head.skops", trust_pickle=False)
            assert opened.predict(rows).tolist() == fitted.predict(rows).tolist()


class Harmful:
    """Runs a command where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


def test_a_pickle_runs_nothing_unless_it_is_trusted(
    parts: Parts, rows: Path, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mark, head, out = tmp_path / "mark", tmp_path / "head.pkl", tmp_path / "out.onnx"
    head.write_bytes(pickle.dumps(Harmful(mark)))
    words = ["attach", model, str(head), "--rows", str(rows), "-o", str(out)]
    assert main(words) == 3
    assert capsys.readouterr().err == (
        f"edgefeat-export: error: {head}: a pickle, which runs whatever code it holds. Save the "
        "pipeline by skops.io.dump(pipeline, 'head.skops'); or pass --trust-pickle if you made the "
        "file yourself.\n"
    )
    assert not mark.exists()
    assert main([*words, "--trust-pickle"]) == 3  # trusted it runs, and is no pipeline
    assert mark.exists()
    assert "expected a Pipeline, got builtins.NoneType" in capsys.readouterr().err
    joblib.dump(pipeline(parts), tmp_path / "head.joblib")
    words[2] = str(tmp_path / "head.joblib")
    assert main([*words, "--trust-pickle", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["classes"] == ["chelsea", "coffee", "rocket"]


def test_unknown_types_in_a_skops_file_are_refused(
    parts: Parts, rows: Path, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = pipeline(parts)
    made.steps.insert(1, ("own", FunctionTransformer(os.system)))
    head = tmp_path / "head.skops"
    skops.io.dump(made, head)
    words = ["attach", model, str(head), "--rows", str(rows), "-o", str(tmp_path / "out.onnx")]
    assert main(words) == 3
    assert "holds types that are not known to be safe: posix.system" in capsys.readouterr().err
    head.write_bytes(b"PK no zip")
    assert main(words) == 3
    assert f"{head}: cannot be opened: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "message"),
    [("gone.skops", "no such file. Check the path."), ("head.zip", "got '.zip'. Save it by skops")],
)
def test_other_files_are_refused(
    name: str, message: str, rows: Path, model: str, tmp_path: Path, capsys: Any
) -> None:
    if name == "head.zip":
        (tmp_path / name).write_bytes(b"PK")
    words = ["attach", model, str(tmp_path / name), "--rows", str(rows), "-o", str(tmp_path / "o")]
    assert main(words) == 3
    assert message in capsys.readouterr().err


def test_whatever_the_rows_make_scikit_learn_raise_is_one_line(
    parts: Parts, rows: Path, model: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    made, head = pipeline(parts), tmp_path / "head.skops"
    made.set_params(columntransformer__shop__handle_unknown="error")
    skops.io.dump(made.fit(parts[0], parts[0]["kind"]), head)
    table = parts[1].assign(shop="Atlantis")
    table.to_csv(rows, index=False)
    words = ["attach", model, str(head), "--rows", str(rows), "-o", str(tmp_path / "out.onnx")]
    assert main(words) == 3
    assert "Traceback" not in (said := capfd.readouterr().err)
    assert "Atlantis" in said
    assert main([*words, "--classes", "a,b"]) == 2
    assert "does not apply: the pipeline names its classes" in capfd.readouterr().err
