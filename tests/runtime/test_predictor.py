"""A label and probabilities for pictures, rows, and pictures with rows: by hand the same."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgefeat
from answering_models import BACKBONE, CLASSES, SIDE, answers_of, write_judge
from edgefeat import FeatureExtractor, ModelError, Predictor, RowError
from edgefeat.errors import OptionError
from edgefeat.model.probe import GENERATOR
from edgefeat.model.spec import Probe


def flat(level: int) -> Any:
    return np.full((SIDE, SIDE, 3), level, np.uint8)


@pytest.fixture
def judge(tmp_path: Path) -> Path:
    path = tmp_path / "judge.onnx"
    write_judge(path)
    return path


def check(found: Any, mean: float, level: float) -> None:
    label, light = answers_of(mean, level)
    assert isinstance(found, edgefeat.prediction.Prediction)
    assert found.label == label
    assert found.value is None
    assert found.probabilities is not None
    assert found.probabilities == pytest.approx({"dark": 1 - light, "light": light}, abs=1e-6)
    assert found.probability == found.probabilities[label]
    assert np.array_equal(found.features, np.full(3, mean, np.float32))


def test_a_picture_with_a_row(judge: Path) -> None:
    with Predictor(judge) as p:
        check(p.predict(flat(101), {"level": 100}), 101, 100)
        check(p.predict(flat(101), {"level": 103}), 101, 103)
        assert p.classes == CLASSES
        assert p.unseen == {}
        assert repr(p) == f"<Predictor {str(judge)!r}: judge, fp32, 2 classes>"
        found = p.predict(flat(101), {"level": 99})
        assert repr(found) == "<Prediction label='light', probability=0.881: of 3 features>"


def test_the_features_are_the_backbones_and_need_no_row(judge: Path) -> None:
    with FeatureExtractor(judge) as fx, Predictor(judge) as p:
        assert fx.fingerprint == p.fingerprint == BACKBONE
        assert fx.outputs == {"features": (3,)}
        row = {"level": 7.0}
        assert np.array_equal(fx.extract(flat(55)), p.predict(flat(55), row).features)
        assert list(fx.extract_outputs(flat(55))) == ["features"]
        with pytest.raises(OptionError, match="features of this model do not depend on a row"):
            fx.extract(flat(55), row)


@pytest.mark.parametrize("workers", [1, 2, None])
def test_several_pictures_with_rows_in_any_form(judge: Path, workers: int | None) -> None:
    means, levels = [10, 100, 200, 101], [10.5, 99, 250, 101]
    forms: list[Any] = [
        [{"level": level} for level in levels],
        {"level": levels},
        np.array([(level,) for level in levels], dtype=[("level", "f4")]),
    ]
    with Predictor(judge) as p:
        for rows in forms:
            found = p.predict_batch([flat(mean) for mean in means], rows, workers=workers)
            for one, mean, level in zip(found, means, levels, strict=True):
                check(one, mean, level)


def test_a_bad_picture_or_row_ends_no_batch(judge: Path, tmp_path: Path) -> None:
    pictures: list[Any] = [flat(100), tmp_path / "none.jpg", flat(100), flat(100)]
    rows = [{"level": 99}, {"level": 99}, {"level": "high"}, {"level": 101}]
    with Predictor(judge) as p:
        found = p.predict_batch(pictures, rows, on_error="skip")
        assert [type(one).__name__ for one in found] == [
            "Prediction", "ImageError", "RowError", "Prediction",
        ]  # fmt: skip
        assert str(found[2]).startswith("row 2: column 'level': expected a number, got 'high'")
        with pytest.raises(edgefeat.ImageError, match=r"none\.jpg"):
            p.predict_batch(pictures, rows)
        with pytest.raises(ValueError, match="zip"):
            p.predict_batch(pictures[:1], rows)


def test_a_picture_alone(tmp_path: Path, photos: Path) -> None:
    path = tmp_path / "alone.onnx"
    write_judge(path, column=False)
    with Predictor(path) as p:
        check(p.predict(flat(99)), 99, 100)
        found = p.predict_batch([photos / "coffee.jpg", flat(120)])
        check(found[1], 120, 100)
        with pytest.raises(OptionError, match="row: does not apply: the model takes a picture al"):
            p.predict(flat(1), {"level": 3})


def test_a_row_alone(tmp_path: Path) -> None:
    path = tmp_path / "rows.onnx"
    write_judge(path, picture=False)
    with Predictor(path) as p:
        check(p.predict({"level": 101}), 101, 100)
        found = p.predict_batch({"level": [99, float("inf"), 101]}, on_error="skip")
        check(found[0], 99, 100)
        check(found[2], 101, 100)
        assert isinstance(found[1], RowError)
        assert found[1].row == 1
        with pytest.raises(RowError, match="expected a finite number, got inf"):
            p.predict_batch({"level": [99, float("inf")]})


def test_what_lacks_a_row_or_a_head_is_refused(judge: Path, model_path: Path) -> None:
    with Predictor(judge) as p, pytest.raises(OptionError) as caught:
        p.predict(flat(1))
    assert str(caught.value) == (
        f"{judge}: row: expected a row beside the picture, with the columns level."
    )
    with pytest.raises(ModelError) as missing:
        Predictor(model_path)
    assert str(missing.value) == (
        f"{model_path}: gives features and no answers: it has no head. Make one with `edgefeat "
        "teach`, or `edgefeat-export attach`; for features use FeatureExtractor or `edgefeat "
        "extract`."
    )


def test_a_predictor_goes_through_a_pickle(judge: Path) -> None:
    again = pickle.loads(pickle.dumps(Predictor(judge)))  # noqa: S301 - our own
    check(again.predict(flat(101), {"level": 100}), 101, 100)


def test_the_self_test_looks_at_answers(tmp_path: Path) -> None:
    import base64

    from edgefeat.model.probe import probe_image

    path = tmp_path / "judge.onnx"
    mean = probe_image(1, (SIDE, SIDE), 3).reshape(-1, 3).mean(axis=0)
    levels = [float(mean[0]) + 1, float(mean[0]) - 1]
    lights = [answers_of(float(mean[0]), level)[1] for level in levels]
    chances = np.array([[1 - light, light] for light in lights], "<f4")
    probe = Probe(
        generator=GENERATOR,
        seed=1,
        size_hw=(SIDE, SIDE),
        rows=tuple({"level": level} for level in levels),
        expected=base64.b64encode(mean.astype("<f4").tobytes()).decode(),
        expected_dtype="float32",
        relative_l2_max=1e-5,
        labels=(0, 1),
        probabilities=base64.b64encode(chances.tobytes()).decode(),
        probability_difference_max=1e-5,
    )
    write_judge(path, probe=probe)
    with Predictor(path) as p:
        result = p.self_test()
        assert result
        assert (result.wrong_labels, result.relative_l2 < 1e-5) == (0, True)
        assert result.probability_difference is not None
    wrong: list[dict[str, Any]] = [
        {"labels": (1, 1)},
        {"probabilities": base64.b64encode(chances[::-1].tobytes()).decode()},
    ]
    for changes in wrong:
        write_judge(path, probe=replace(probe, **changes))
        with FeatureExtractor(path) as fx:
            assert not fx.self_test()
