"""The scikit-learn transformer on pictures: inputs, frames, pipelines, pickles, failures."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import edgefeat
from edgefeat import ImageError, ModelError
from edgefeat.errors import OutputWarning
from edgefeat.sklearn import ImageFeatures


@pytest.fixture(scope="module")
def paths(photos: Path) -> list[str]:
    return sorted(str(path) for path in photos.glob("*.jpg"))


@pytest.fixture(scope="module")
def expected(paths: list[str]) -> np.ndarray:
    with edgefeat.FeatureExtractor() as extractor:
        return extractor.extract_batch(paths)


@pytest.fixture(scope="module")
def pixels(photos: Path) -> np.ndarray:
    """Twelve windows cut out of two photos: uint8 `(12, 60, 60, 3)`."""
    import cv2

    return np.stack(
        [
            cv2.imread(str(photos / f"{name}.jpg"))[at : at + 60, at : at + 60]
            for name in ("chelsea", "rocket")
            for at in range(0, 240, 40)
        ]
    )


def as_columns(paths: list[str]) -> dict[str, object]:
    in_bytes = np.empty(len(paths), dtype=object)
    in_bytes[:] = [Path(path).read_bytes() for path in paths]
    return {
        "list": paths,
        "paths": [Path(path) for path in paths],
        "text": np.array(paths),
        "column": np.array(paths, dtype=object).reshape(-1, 1),
        "bytes": in_bytes,
        "series": pd.Series(paths, index=range(7, 7 + len(paths))),
        "frame": pd.DataFrame({"photo": paths}),
        "arrow": pd.Series(paths, dtype="string"),
        "polars": pl.Series(paths),
        "polars-frame": pl.DataFrame({"photo": paths}),
    }


@pytest.mark.parametrize("kind", as_columns([]))
def test_any_column_of_pictures(paths: list[str], expected: np.ndarray, kind: str) -> None:
    column = as_columns(paths)[kind]
    features = ImageFeatures(n_jobs=2).fit_transform(column)
    assert features.dtype == np.float32
    assert np.array_equal(features, expected)


def test_pixels_in_one_array(pixels: np.ndarray) -> None:
    with edgefeat.FeatureExtractor() as extractor:
        bgr = extractor.extract_batch(pixels)
        grey = extractor.extract_batch(pixels[..., 0])
    assert np.array_equal(ImageFeatures().fit_transform(pixels), bgr)
    assert np.array_equal(ImageFeatures(colour="rgb").fit_transform(pixels[..., ::-1]), bgr)
    assert np.array_equal(ImageFeatures().fit_transform(pixels[..., 0]), grey)


def test_names_and_frames(paths: list[str], expected: np.ndarray) -> None:
    assert list(ImageFeatures().fit(paths).get_feature_names_out()[:2]) == [
        "image_f0000", "image_f0001",
    ]  # fmt: skip
    frame = pd.DataFrame({"photo": paths}, index=["a", "b", "c"])
    transformer = ImageFeatures().set_output(transform="pandas").fit(frame)
    features = transformer.transform(frame)
    assert list(features.index) == ["a", "b", "c"]
    assert list(features.columns[[0, -1]]) == ["photo_f0000", "photo_f1279"]
    assert np.array_equal(features.to_numpy(), expected)
    assert list(transformer.get_feature_names_out(["photo"])) == list(features.columns)
    with pytest.raises(ValueError, match="input_features is not equal to feature_names_in_"):
        transformer.get_feature_names_out(["face"])
    with pytest.raises(ValueError, match="length equal to number of features"):
        transformer.get_feature_names_out(["photo", "face"])
    with pytest.raises(ValueError, match="expected 'photo', got 'face'"):
        transformer.transform(frame.rename(columns={"photo": "face"}))
    polars = ImageFeatures().set_output(transform="polars").fit_transform(frame)
    assert polars.shape == (3, 1280)


@pytest.mark.parametrize("column", ["photo", ["photo"]], ids=["series", "frame"])
def test_beside_tabular_columns(paths: list[str], expected: np.ndarray, column: object) -> None:
    rows = pd.DataFrame({"photo": paths, "age": [30.0, 40.0, 50.0]})
    columns = ColumnTransformer(
        [("image", ImageFeatures(), column), ("table", StandardScaler(), ["age"])]
    ).set_output(transform="pandas")
    features = columns.fit_transform(rows)
    assert list(features.columns) == list(columns.get_feature_names_out())
    assert list(features.columns[[0, -1]]) == ["image__photo_f0000", "table__age"]
    assert np.array_equal(features.to_numpy()[:, :-1].astype(np.float32), expected)


@pytest.mark.filterwarnings("ignore:Persisting input arguments took")  # a slow disk is no fault
def test_a_search_over_parameters_with_processes(pixels: np.ndarray, tmp_path: Path) -> None:
    rows = pd.DataFrame({"photo": list(pixels), "age": np.arange(12.0)})
    kinds = ["cat"] * 6 + ["rocket"] * 6
    columns = ColumnTransformer(
        [("image", ImageFeatures(), "photo"), ("table", StandardScaler(), ["age"])]
    )
    steps = [("columns", columns), ("model", LogisticRegression(max_iter=200))]
    search = GridSearchCV(
        Pipeline(steps, memory=str(tmp_path)),
        {"columns__image__normalize": [False, True], "model__C": [0.01, 1.0]},
        cv=2,
        n_jobs=2,
        error_score="raise",
    )
    search.fit(rows, kinds)
    assert len(search.cv_results_["params"]) == 4
    assert search.best_score_ > 0.8
    assert list(search.predict(rows)) == kinds


def test_a_pickle_holds_the_fingerprint_and_not_the_model(
    paths: list[str], expected: np.ndarray, tmp_path: Path
) -> None:
    model = tmp_path / "model.onnx"
    shipped = edgefeat.FeatureExtractor()
    model.write_bytes(shipped.path.read_bytes())
    fitted = ImageFeatures(model=model).fit(paths)
    pickled = pickle.dumps(fitted)
    assert len(pickled) < 2000
    again = pickle.loads(pickled)  # noqa: S301
    assert np.array_equal(again.transform(paths), expected)
    assert again.fingerprint_ == shipped.fingerprint
    assert not hasattr(clone(fitted), "fingerprint_")
    fitted.set_params(normalize=True)
    changed = pickle.loads(pickle.dumps(fitted))  # noqa: S301
    with pytest.raises(ModelError, match=r"model.onnx: fingerprint: this ImageFeatures was fitted"):
        changed.transform(paths)
    model.unlink()
    with pytest.raises(ModelError, match=r"model.onnx: no such file"):
        pickle.loads(pickled).transform(paths)  # noqa: S301


EMPTY = {"none": None, "nan": float("nan"), "na": pd.NA, "text": "", "nat": pd.NaT}


@pytest.mark.parametrize("kind", EMPTY)
def test_a_missing_picture(paths: list[str], expected: np.ndarray, kind: str) -> None:
    column = [paths[0], EMPTY[kind], paths[1]]
    with pytest.raises(
        ImageError, match=r"row 1: no picture. Fill or drop it, or pass on_error='skip'."
    ):
        ImageFeatures().fit_transform(column)
    features = ImageFeatures(on_error="skip", n_jobs=2).fit_transform(column)
    assert np.isnan(features[1]).all()
    assert np.array_equal(features[[0, 2]], expected[:2])


def test_a_bad_picture(paths: list[str], expected: np.ndarray, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    with pytest.raises(ImageError, match=f"row 1: {bad}: not a picture of a known format"):
        ImageFeatures(n_jobs=2).fit_transform([paths[0], bad] + paths * 20)
    features = ImageFeatures(on_error="skip").fit_transform([bad, paths[2]])
    assert np.isnan(features[0]).all()
    assert np.array_equal(features[1], expected[2])
    nothing = make_pipeline(ImageFeatures(on_error="skip")).fit_transform([None, None])
    assert np.isnan(nothing).all()


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("cat.jpg", "X: expected a column of pictures, got one. Put it into a list"),
        (np.zeros((3, 4)), r"X: expected a column of pictures, got an array float64 \(3, 4\)"),
        (np.array([b"x"]), r"X: expected a column of pictures, got an array \|S1 \(1,\)"),
        (np.array([["a", "b"]]), r"X: expected one column of pictures, got shape \(1, 2\)"),
        (pd.DataFrame({"a": ["x"], "b": ["y"]}), "X: expected one column of pictures, got 2."),
    ],
    ids=["one", "numbers", "fixed-bytes", "two", "two-columns"],
)
def test_what_is_no_column(column: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ImageFeatures().fit(column)


def test_parameters_are_checked(paths: list[str]) -> None:
    with pytest.raises(ValueError, match="on_error: expected 'stop' or 'skip', got 'nan'"):
        ImageFeatures(on_error="nan").fit(paths)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="colour: expected 'bgr' or 'rgb', got 'bgra'"):
        ImageFeatures(colour="bgra").fit(paths)  # type: ignore[arg-type]


def test_columns_of_every_output_stand_side_by_side(root: Path, paths: list[str]) -> None:
    model = root / "tests" / "data" / "three_outputs.onnx"
    frame = pd.DataFrame({"photo": paths})
    one = ImageFeatures(model, outputs="features").fit(frame)
    assert list(one.get_feature_names_out()) == [f"photo_features_f000{i}" for i in range(3)]
    several = ImageFeatures(model, outputs=["quarters", "features"]).set_output(transform="pandas")
    columns = several.fit_transform(frame)
    assert list(columns.columns) == [
        *(f"photo_quarters_f{i:04}" for i in range(12)),
        *(f"photo_features_f{i:04}" for i in range(3)),
    ]
    with edgefeat.FeatureExtractor(model, outputs=["quarters", "features"]) as extractor:
        assert np.array_equal(columns.to_numpy(), extractor.extract_batch(paths))
    again = pickle.loads(pickle.dumps(several))  # noqa: S301
    assert list(again.get_feature_names_out()) == list(columns.columns)
    assert np.array_equal(again.transform(frame), columns)
    with pytest.warns(OutputWarning, match="left out: grid"):
        default = ImageFeatures(model).fit(frame)
    assert list(default.get_feature_names_out()) == [f"photo_f000{i}" for i in range(3)]


def test_without_scikit_learn_the_remedy_is_named() -> None:
    code = "import sys; sys.modules['sklearn'] = None; import edgefeat.sklearn"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1] == (
        "edgefeat.errors.DependencyError: edgefeat.sklearn needs scikit-learn 1.6 or newer. "
        "Install it with `pip install 'edgefeat[sklearn]'`."
    )
