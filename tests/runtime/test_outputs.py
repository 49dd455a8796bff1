"""Every output of a model: which make the vector, what is left out, and that it is said."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from edgefeat import FeatureExtractor
from edgefeat.errors import OptionError, OutputWarning


@pytest.fixture(scope="session")
def three(root: Path) -> Path:
    """A model whose outputs are means of a picture: `tests/support/write_three_outputs.py`."""
    return root / "tests" / "data" / "three_outputs.onnx"


@pytest.fixture(scope="session")
def picture() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (32, 32, 3), np.uint8)


@pytest.fixture(scope="session")
def means(picture: np.ndarray) -> dict[str, np.ndarray]:
    """What the outputs are, computed from the picture: RGB means of the whole and of quarters."""
    quarters = picture[..., ::-1].astype(np.float64).reshape(2, 16, 2, 16, 3).mean(axis=(1, 3))
    return {
        "features": quarters.mean(axis=(0, 1)),
        "grid": quarters,
        "quarters": quarters.reshape(-1),
    }


def test_the_first_output_is_the_default_and_the_others_are_named(
    three: Path, picture: np.ndarray, means: dict[str, np.ndarray]
) -> None:
    with pytest.warns(OutputWarning) as warned:
        extractor = FeatureExtractor(three)
    assert [str(one.message) for one in warned] == [
        f"{three}: the vector is the first output, features (3); left out: grid (2 x 2 x 3), "
        "quarters (12). Choose with outputs: names, or all."
    ]
    assert warned[0].filename == __file__
    assert extractor.outputs == {"features": (3,)}
    assert extractor.dim == 3
    assert extractor.extract(picture) == pytest.approx(means["features"], rel=1e-6)
    assert extractor.fingerprint == extractor.spec.fingerprint


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("features", ["features"]),
        ("quarters", ["quarters"]),
        ("all", ["features", "grid", "quarters"]),
        ("quarters, features", ["quarters", "features"]),
        (["grid", "features"], ["grid", "features"]),
    ],
    ids=str,
)
def test_chosen_outputs_stand_side_by_side(
    asked: str | list[str],
    names: list[str],
    three: Path,
    picture: np.ndarray,
    means: dict[str, np.ndarray],
) -> None:
    with FeatureExtractor(three, outputs=asked) as extractor:
        assert extractor.outputs == {name: means[name].shape for name in names}
        assert list(extractor.outputs) == names
        expected = np.concatenate([means[name].reshape(-1) for name in names])
        assert extractor.dim == len(expected)
        assert extractor.extract(picture) == pytest.approx(expected, rel=1e-6)
        rows = extractor.extract_batch([picture, b"bad", picture], on_error="skip")
        assert rows.shape == (3, len(expected))
        assert np.isnan(rows[1]).all()
        assert np.array_equal(rows[2], extractor.extract(picture))
        assert np.array_equal(rows[:1], extractor.extract_prepared(picture[None, ..., ::-1].copy()))
        copy = pickle.loads(pickle.dumps(extractor))  # noqa: S301 - our own bytes
        assert copy.outputs == extractor.outputs
        assert copy.fingerprint == extractor.fingerprint
        copy.close()


def test_a_single_map_keeps_its_shape(
    three: Path, picture: np.ndarray, means: dict[str, np.ndarray]
) -> None:
    with FeatureExtractor(three, outputs="grid") as extractor:
        assert extractor.extract(picture) == pytest.approx(means["grid"], rel=1e-6)
        assert extractor.extract_batch([]).shape == (0, 2, 2, 3)
        assert extractor.dim == 12


def test_other_outputs_are_another_fingerprint(three: Path) -> None:
    found = {}
    for names in ("features", "grid", "quarters", "all", "features,quarters", "quarters,features"):
        with FeatureExtractor(three, outputs=names) as extractor:
            found[names] = extractor.fingerprint
            assert extractor.spec.fingerprint == found["features"]
    assert len(set(found.values())) == len(found)


def test_every_vector_is_normalised_and_no_map(
    three: Path, picture: np.ndarray, means: dict[str, np.ndarray]
) -> None:
    with FeatureExtractor(three, outputs="all", normalize=True) as extractor:
        assert np.linalg.norm(extractor.extract(picture)) == pytest.approx(1, abs=1e-6)
        outputs = extractor.extract_outputs(picture)
        prepared = extractor.outputs_prepared(extractor.prepare(picture)[np.newaxis])
    assert list(outputs) == ["features", "grid", "quarters"]
    for name, got in outputs.items():
        assert np.array_equal(got, prepared[name][0])
        length = 1 if name == "grid" else np.linalg.norm(means[name])
        assert got == pytest.approx(means[name] / length, rel=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"outputs": "block_6"},
            "{0}: outputs: the model has no output 'block_6'; it has features, grid, quarters.",
        ),
        (
            {"outputs": ["all", "grid"]},
            "outputs: 'all' takes every output and stands alone, got 'all,grid'. Name the outputs, "
            "or only 'all'.",
        ),
        (
            {"outputs": "grid,grid"},
            "outputs: expected each name once, got 'grid,grid'.",
        ),
        ({"outputs": 3}, "outputs: expected names, such as 'features,block_6', got 3."),
        (
            {"outputs": "grid", "normalize": True},
            "{0}: normalize: the output 'grid' is a feature map, which has no unit length. Choose "
            "an output that is a vector, or normalise the map yourself.",
        ),
    ],
    ids=["unknown", "all-and-one", "twice", "no-name", "map"],
)
def test_outputs_that_cannot_be_chosen(
    options: dict[str, object], message: str, three: Path
) -> None:
    with pytest.raises(OptionError) as caught:
        FeatureExtractor(three, **options)  # type: ignore[arg-type]
    assert str(caught.value) == message.format(three)
