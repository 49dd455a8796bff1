"""scikit-learn's pipelines behind a model: equal answers, equal features, and clear refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

import edgefeat
from edgefeat.engine.cpu import open_session, session_options
from edgefeat.model.columns import CategoryInput, NumberInput, Unseen
from edgefeat.model.file import read_model_file
from edgefeat.sklearn import ImageFeatures
from edgefeat_export import attach
from edgefeat_export.attaching import gates
from edgefeat_export.attaching.graphs import add_unseen, alone
from edgefeat_export.attaching.rows import tensor_of
from edgefeat_export.attaching.taking_apart import take_apart
from edgefeat_export.errors import ConversionError, ExportError, VerificationError

Frame = Any
Parts = tuple[Frame, Frame]


def imputed(**options: Any) -> Any:
    return make_pipeline(SimpleImputer(strategy="median", **options), StandardScaler())


def columns(numbers: Any, *others: Any) -> ColumnTransformer:
    return ColumnTransformer(
        [
            ("photo", ImageFeatures(), ["path"]),
            ("numbers", numbers, ["width", "price"]),
            ("shop", OneHotEncoder(handle_unknown="ignore"), ["shop"]),
            *others,
        ]
    )


def small_photo() -> Any:
    return make_pipeline(ImageFeatures(), StandardScaler(), PCA(8, random_state=0, whiten=True))


FAMILIES: dict[str, Any] = {
    "logistic": lambda: (columns(imputed()), LogisticRegression(max_iter=300)),
    "indicator": lambda: (columns(imputed(add_indicator=True)), LogisticRegression(max_iter=300)),
    "pca": lambda: (columns(imputed()), StandardScaler(), PCA(5), LogisticRegression(max_iter=300)),
    "forest": lambda: (columns(imputed()), RandomForestClassifier(9, random_state=0)),
    "forest with gaps": lambda: (columns("passthrough"), RandomForestClassifier(9, random_state=0)),
    "extra trees": lambda: (columns(imputed()), ExtraTreesClassifier(9, random_state=0)),
    "tree": lambda: (columns(imputed()), DecisionTreeClassifier(random_state=0)),
    "boosted": lambda: (columns(imputed()), GradientBoostingClassifier(n_estimators=3)),
    "histograms": lambda: (
        columns("passthrough"),
        HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=2),
    ),
    "perceptron": lambda: (
        columns(imputed()),
        StandardScaler(),
        MLPClassifier((6,), max_iter=2000, random_state=0),
    ),
    "neighbours": lambda: (columns(imputed()), KNeighborsClassifier(3)),
    "vectors": lambda: (columns(imputed()), SVC(probability=True, random_state=0)),
    "polynomials": lambda: (columns(imputed()), SVC(kernel="poly", degree=2)),
    "margins": lambda: (columns(imputed()), LinearSVC()),
    "reduced photo": lambda: (
        ColumnTransformer([("photo", small_photo(), ["path"]), ("rest", "passthrough", ["when"])]),
        MinMaxScaler(),
        LogisticRegression(),
    ),
}


ONE_OF_EACH = (
    "logistic",
    "indicator",
    "forest with gaps",
    "histograms",
    "vectors",
    "reduced photo",
)


@pytest.mark.parametrize(
    "family",
    [
        name if name in ONE_OF_EACH else pytest.param(name, marks=pytest.mark.full)
        for name in FAMILIES
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:The `probability` parameter:FutureWarning")
def test_a_family_answers_as_in_scikit_learn(
    family: str, parts: Parts, model: str, out: Path
) -> None:
    fit, rows = parts
    pipeline = make_pipeline(*FAMILIES[family]()).fit(fit, fit["kind"])
    done = attach(pipeline, model, rows, out)
    assert done.rows == len(rows)
    assert done.differences["label"] == 0
    assert done.differences.get("probabilities", 0) < (1e-4 if family == "vectors" else 1e-6)
    spec = read_model_file(out).spec
    assert spec.outputs[1].classes == ("chelsea", "coffee", "rocket")
    with edgefeat.FeatureExtractor(model) as before:
        assert spec.features_fingerprint == before.fingerprint
        vector = before.extract(rows["path"][0])
        pixels = before.prepare(rows["path"][0])[np.newaxis]
    feeds: dict[str, Any] = {"image": pixels}
    for name in done.columns:
        value = rows[name][0]
        kind = object if isinstance(value, str) else np.float64
        feeds[name] = np.array([[value]], dtype=kind)
    got = open_session(str(out), session_options()).run(None, feeds)
    assert got[0][0].tobytes() == vector.tobytes()
    assert spec.outputs[1].classes[got[1][0]] == pipeline.predict(rows[:1])[0]


def test_the_predictor_takes_a_photo_and_a_row(parts: Parts, model: str, out: Path) -> None:
    fit, rows = parts
    pipeline = make_pipeline(columns(imputed()), LogisticRegression()).fit(fit, fit["kind"])
    attach(pipeline, model, rows, out)
    wanted = pipeline.predict_proba(rows)
    with edgefeat.Predictor(out) as predictor:
        for number in range(len(rows)):
            row = rows[["width", "price", "shop"]].iloc[number].to_dict()
            said = predictor.predict(rows["path"][number], row)
            assert said.label == pipeline.predict(rows)[number]
            assert said.probabilities is not None
            assert list(said.probabilities.values()) == pytest.approx(wanted[number], abs=1e-6)
        assert predictor.self_test()


@pytest.mark.parametrize(
    "model_of_numbers",
    [
        Ridge(),
        pytest.param(KNeighborsRegressor(3), marks=pytest.mark.full),
        pytest.param(RandomForestRegressor(5, random_state=0), marks=pytest.mark.full),
        pytest.param(
            HistGradientBoostingRegressor(max_iter=4, min_samples_leaf=2), marks=pytest.mark.full
        ),
    ],
    ids=["ridge", "neighbours", "forest", "histograms"],
)
def test_a_number_is_answered_too(
    model_of_numbers: Any, parts: Parts, model: str, out: Path
) -> None:
    fit, rows = parts
    pipeline = make_pipeline(columns(imputed()), model_of_numbers).fit(fit, fit["width"])
    done = attach(pipeline, model, rows, out)
    assert done.differences["value"] < 1e-3
    assert [one.name for one in read_model_file(out).spec.outputs] == ["features", "value"]


def test_photos_alone_need_no_columns(parts: Parts, model: str, out: Path) -> None:
    fit, rows = parts
    pipeline = make_pipeline(ImageFeatures(), LogisticRegression()).fit(list(fit.path), fit.kind)
    done = attach(pipeline, model, [{"path": path} for path in rows.path], out)
    assert (done.columns, done.rows) == ((), len(rows))


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        SVC(probability=True, random_state=0),
        pytest.param(GradientBoostingClassifier(n_estimators=2), marks=pytest.mark.full),
        pytest.param(MLPClassifier((4,), max_iter=2000), marks=pytest.mark.full),
    ],
    ids=["logistic", "vectors", "boosted", "perceptron"],
)
@pytest.mark.filterwarnings("ignore:The `probability` parameter:FutureWarning")
def test_two_classes_of_numbers_become_names(
    estimator: Any, parts: Parts, model: str, out: Path
) -> None:
    fit, rows = parts
    truth = (fit["kind"] == "rocket").astype(int)
    pipeline = make_pipeline(columns(imputed()), estimator).fit(fit, truth)
    assert attach(pipeline, model, rows, out).classes == ("0", "1")


def test_the_spec_tells_the_rule_of_each_column(parts: Parts, model: str, out: Path) -> None:
    fit, rows = parts
    others = (
        ("sizes", OrdinalEncoder(), ["size"]),
        ("when", RobustScaler(), ["when"]),
        ("root", FunctionTransformer(np.log1p), ["width"]),
    )
    chain = make_pipeline(columns(imputed(), *others), LogisticRegression(max_iter=300))
    attach(chain.fit(fit, fit["kind"]), model, rows, out)
    there = {one.name: one for one in read_model_file(out).spec.columns}
    price, when, width = there["price"], there["when"], there["width"]
    assert isinstance(price, NumberInput)
    assert isinstance(when, NumberInput)
    assert isinstance(width, NumberInput)
    assert (price.missing, when.missing, width.missing) == ("nan", "refuse", "refuse")
    assert when.range == (rows["when"].min(), rows["when"].max())
    shop, size = there["shop"], there["size"]
    assert isinstance(shop, CategoryInput)
    assert isinstance(size, CategoryInput)
    assert (shop.unseen, size.unseen) == (Unseen.ZEROS, Unseen.REFUSE)
    assert (shop.values, size.values, size.missing) == (3, 3, "refuse")


def rows_of_times(fit: Frame, count: int) -> tuple[Frame, Any]:
    draw = np.random.default_rng(1)
    picked = draw.integers(0, len(fit), count)
    frame = fit.iloc[picked].reset_index(drop=True)
    frame["when"] = 1.7e9 + draw.integers(0, 10**8, count) / 7
    truth = np.where(frame["when"] % 1000 > 500, "late", "early")
    return frame, truth


class Remembered(ImageFeatures):
    """The same transformer, which reads each photo once."""

    known: dict[str, Any] = {}  # noqa: RUF012

    def transform(self, X: Any) -> Any:
        paths = [row[0] for row in np.asarray(X, object)]
        new = [path for path in dict.fromkeys(paths) if path not in self.known]
        if new:
            self.known.update(zip(new, super().transform(new), strict=True))
        return np.stack([self.known[path] for path in paths])


def tail_answers(pipeline: Any, frame: Frame) -> tuple[Any, dict[str, Any], Any]:
    photo = pipeline.steps[0][1].named_transformers_["photo"]
    features = photo.transform(frame[["path"]])
    taken = take_apart(pipeline, photo.fingerprint_, 1280)
    add_unseen(taken)
    feeds = {name: tensor_of(frame, one) for name, one in taken.columns.items()}
    small = alone(taken, 1280).SerializeToString()
    return taken, gates.run(small, {"features": features, **feeds}, where="tail"), features


@pytest.mark.parametrize(
    "trees_of_times",
    [
        RandomForestClassifier(20, max_features=8, random_state=0),
        pytest.param(
            HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=8), marks=pytest.mark.full
        ),
    ],
    ids=["forest", "histograms"],
)
def test_trees_on_times_take_the_same_branches(trees_of_times: Any, parts: Parts) -> None:
    """Of 2,000 rows none; by float32 arithmetic some take other ones."""
    frame, truth = rows_of_times(parts[0], 2000)
    times = StandardScaler()
    trees = [("photo", Remembered(), ["path"]), ("when", times, ["when"])]
    pipeline = make_pipeline(ColumnTransformer(trees), trees_of_times).fit(frame, truth)
    wanted = pipeline.predict_proba(frame)
    _, got, _ = tail_answers(pipeline, frame)
    assert np.abs(got["probabilities"] - wanted).max() < 1e-6


@pytest.mark.parametrize(
    "encoder",
    [
        OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=4),
        OneHotEncoder(handle_unknown="ignore", drop="first"),
        OneHotEncoder(handle_unknown="ignore", max_categories=2),
        OneHotEncoder(handle_unknown="warn"),
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
        make_pipeline(
            SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")
        ),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Found unknown categories")
def test_words_are_encoded_as_by_scikit_learn(encoder: Any, parts: Parts) -> None:
    fit, rows = parts[0].copy(), parts[1].copy()
    fit.loc[3, "shop"] = "Oslo"
    rows["shop"] = ["Rome", "Paris", "rome", "Köln", "東京", "", "Oslo", "Köln\0", "nan"]
    if not isinstance(encoder, OneHotEncoder | OrdinalEncoder):
        fit.loc[4, "shop"] = None
        rows.loc[1, "shop"] = None
    steps = [("photo", Remembered(), ["path"]), ("words", encoder, ["shop", "size"])]
    pipeline = make_pipeline(ColumnTransformer(steps), LogisticRegression()).fit(fit, fit["kind"])
    taken, got, features = tail_answers(pipeline, rows)
    gates.check_steps(taken, got, rows, features)
    assert set(taken.steps) == {"words"}
    known = set(fit["shop"].dropna())
    expected = [int(not pd.isna(word) and word not in known) for word in rows["shop"]]
    assert got["unseen"][:, 0].tolist() == expected


def test_missing_words_that_were_fitted_are_a_category(parts: Parts) -> None:
    fit, rows = parts[0].copy(), parts[1].copy()
    fit.loc[2:4, "shop"] = None
    rows.loc[2:4, "shop"] = None
    steps = [("photo", Remembered(), ["path"]), ("words", OneHotEncoder(), ["shop"])]
    pipeline = make_pipeline(ColumnTransformer(steps), LogisticRegression()).fit(fit, fit["kind"])
    taken, got, features = tail_answers(pipeline, rows)
    gates.check_steps(taken, got, rows, features)
    assert taken.columns["shop"].described(None).missing == "token"


def lower(values: Any) -> Any:
    return values


class Own(LogisticRegression):
    """Somebody's own estimator."""


REFUSED: dict[str, tuple[Any, str]] = {
    "categories of histograms": (
        (
            columns("passthrough"),
            HistGradientBoostingClassifier(categorical_features=[1280], max_iter=2),
        ),
        "histgradientboostingclassifier: HistGradientBoostingClassifier(categorical_features=...) "
        "is not known. Encode these columns, by OrdinalEncoder or OneHotEncoder, and fit without",
    ),
    "texts": (
        (columns(imputed(), ("note", TfidfVectorizer(), "kind")), LogisticRegression()),
        "columntransformer.note: TfidfVectorizer cannot be put into the file; known are ",
    ),
    "functions": (
        (columns(FunctionTransformer(lower)), HistGradientBoostingClassifier(max_iter=2)),
        "columntransformer.numbers: FunctionTransformer of lower: only NumPy's log1p,",
    ),
    "other imputers": (
        (columns(KNNImputer()), LogisticRegression(max_iter=300)),
        "columntransformer.numbers: KNNImputer cannot be put into the file; known are ",
    ),
    "other estimators": (
        (columns(imputed()), GaussianNB()),
        "gaussiannb: GaussianNB cannot end a file; known are ",
    ),
    "weighted neighbours": (
        (columns(imputed()), KNeighborsClassifier(3, weights="distance")),
        "kneighborsclassifier: KNeighborsClassifier(weights='distance', metric='euclidean'): known "
        "are uniform weights and Euclidean distances.",
    ),
    "estimators of one's own": (
        (columns(imputed()), Own(max_iter=300)),
        "Own cannot end a file; known are ",
    ),
    "a photo scaled to length 1": (
        (
            ColumnTransformer([("photo", ImageFeatures(normalize=True), ["path"])]),
            LogisticRegression(),
        ),
        "because of normalize, outputs or decode, the model has 97d4d59ce2f4. Fit it with "
        "ImageFeatures(model=...) of this very file",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_right_is_refused_by_name(
    case: str, parts: Parts, model: str, out: Path
) -> None:
    steps, message = REFUSED[case]
    fit, rows = parts
    fit = fit.assign(width=(fit["width"] // 20).abs())
    pipeline = make_pipeline(*steps).fit(fit, fit["kind"])
    with pytest.raises(ConversionError) as caught:
        attach(pipeline, model, rows, out)
    assert message in str(caught.value)
    assert list(out.parent.iterdir()) == []


def test_rows_that_do_not_fit_are_named(parts: Parts, model: str, out: Path) -> None:
    fit, rows = parts
    pipeline = make_pipeline(columns(imputed()), LogisticRegression()).fit(fit, fit["kind"])
    for changed, message in (
        (rows.drop(columns="price"), "no column 'price'; there is 'path', 'kind', 'width',"),
        (rows.assign(price="cheap"), "row 0: column 'price': expected a number, got 'cheap'."),
        (rows.assign(shop=3), "row 0: column 'shop': expected a word, got 3."),
        (rows.iloc[:0], "rows: no rows to compare on."),
    ):
        with pytest.raises(ExportError) as caught:
            attach(pipeline, model, changed, out)
        assert message in str(caught.value)


def test_a_gap_that_nothing_takes_is_named(parts: Parts, model: str, out: Path) -> None:
    fit, rows = parts
    whole = fit.fillna({"price": 0.0})
    pipeline = make_pipeline(columns("passthrough"), LogisticRegression()).fit(whole, whole["kind"])
    assert rows["price"].isna().any()
    with pytest.raises(ExportError, match="'price': missing, and neither a step nor the estimator"):
        attach(pipeline, model, rows, out)


def test_a_missed_gate_names_the_step_and_the_row(parts: Parts, model: str, out: Path) -> None:
    fit, rows = parts
    pipeline = make_pipeline(columns(imputed()), LogisticRegression()).fit(fit, fit["kind"])
    taken, got, features = tail_answers_of(pipeline, rows)
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


def tail_answers_of(pipeline: Any, frame: Frame) -> tuple[Any, dict[str, Any], Any]:
    return tail_answers(pipeline, frame)


def test_a_table_file_is_read_and_paths_start_at_it(parts: Parts, model: str, out: Path) -> None:
    fit, rows = parts
    root = Path(rows["path"][0]).parent
    table = root / "rows.csv"
    rows.assign(path=[Path(one).name for one in rows["path"]]).to_csv(table, index=False)
    pipeline = make_pipeline(columns(imputed()), LogisticRegression()).fit(fit, fit["kind"])
    assert attach(pipeline, model, table, out).rows == len(rows)


def test_pandas_own_missing_values_are_missing(parts: Parts, model: str, out: Path) -> None:
    fit, rows = parts
    pipeline = make_pipeline(columns(imputed()), LogisticRegression()).fit(fit, fit["kind"])
    rows = rows.assign(price=pd.array(rows["price"], dtype="Float64"))
    column = take_apart(pipeline, pipeline[0].named_transformers_["photo"].fingerprint_, 1280)
    tensor = tensor_of(rows, column.columns["price"])
    assert np.isnan(tensor[:, 0]).tolist() == rows["price"].isna().tolist()
