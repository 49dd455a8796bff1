"""The extractor end to end, with the shipped model on real photos."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import edgefeat
from edgefeat import FeatureExtractor, ModelError, ProviderError, cosine_similarity
from edgefeat.errors import OptionError, ProviderWarning

NAMES = ("chelsea", "coffee", "rocket")


@pytest.fixture(scope="module")
def vectors(photos: Path, extractor: FeatureExtractor) -> dict[str, np.ndarray]:
    return {name: extractor.extract(photos / f"{name}.jpg") for name in NAMES}


def test_a_photo_becomes_a_live_vector(vectors: dict[str, np.ndarray]) -> None:
    for vector in vectors.values():
        assert vector.shape == (1280,)
        assert vector.dtype == np.float32
        assert np.isfinite(vector).all()
        assert 0.1 < np.linalg.norm(vector) / np.sqrt(1280) < 10


def test_a_mirrored_photo_is_near_and_other_photos_are_far(
    photos: Path, extractor: FeatureExtractor, vectors: dict[str, np.ndarray]
) -> None:
    mirrored = np.asarray(Image.open(photos / "chelsea.jpg"))[:, ::-1]
    near = cosine_similarity(vectors["chelsea"], extractor.extract(mirrored, colour="rgb"))
    far = cosine_similarity(vectors["chelsea"], vectors["coffee"])
    assert near > 0.85
    assert far < 0.5


def test_every_form_of_one_photo_gives_one_vector(
    photos: Path, extractor: FeatureExtractor, vectors: dict[str, np.ndarray]
) -> None:
    path = photos / "chelsea.jpg"
    image = Image.open(path)
    rgb = np.asarray(image)
    exact = vectors["chelsea"]
    assert np.array_equal(extractor.extract(str(path)), exact)
    assert np.array_equal(extractor.extract(path.read_bytes()), exact)
    assert np.array_equal(edgefeat.extract(path), exact)
    # Pillow decodes JPEG with another libjpeg: a grey level here and there.
    decoded = extractor.extract(rgb, colour="rgb")
    assert cosine_similarity(decoded, exact) > 0.99
    assert np.array_equal(extractor.extract(image), decoded)
    assert np.array_equal(extractor.extract(np.ascontiguousarray(rgb[..., ::-1])), decoded)


def test_batches_keep_order_and_equal_single_calls(
    photos: Path, extractor: FeatureExtractor, vectors: dict[str, np.ndarray]
) -> None:
    names = [*NAMES, "chelsea", "rocket"]
    expected = np.stack([vectors[name] for name in names])
    images = [photos / f"{name}.jpg" for name in names]
    assert np.array_equal(extractor.extract_batch(images), expected)
    assert np.array_equal(extractor.extract_batch(iter(images)), expected)
    assert extractor.extract_batch([]).shape == (0, 1280)


def test_all_outputs_by_name(
    photos: Path, extractor: FeatureExtractor, vectors: dict[str, np.ndarray]
) -> None:
    outputs = extractor.extract_outputs(photos / "coffee.jpg")
    assert list(outputs) == [output.name for output in extractor.spec.outputs]
    assert np.array_equal(outputs["features"], vectors["coffee"])


def test_normalised_vectors_have_length_one(photos: Path, vectors: dict[str, np.ndarray]) -> None:
    with FeatureExtractor(normalize=True) as unit, FeatureExtractor() as plain:
        vector = unit.extract(photos / "coffee.jpg")
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)
        assert cosine_similarity(vector, vectors["coffee"]) > 0.999999
        assert np.array_equal(unit.extract_outputs(photos / "coffee.jpg")["features"], vector)
        assert unit.fingerprint != plain.fingerprint == plain.spec.fingerprint


def test_another_decode_policy_is_another_fingerprint(extractor: FeatureExtractor) -> None:
    assert extractor.spec.input.resize.decode == "reduced"
    with FeatureExtractor(decode="full") as overridden, FeatureExtractor(decode="reduced") as same:
        assert overridden.fingerprint != extractor.fingerprint
        assert same.fingerprint == extractor.fingerprint


def test_one_extractor_serves_many_threads(
    photos: Path, extractor: FeatureExtractor, vectors: dict[str, np.ndarray]
) -> None:
    wrong: list[str] = []

    def work() -> None:
        for name in NAMES * 4:
            if not np.array_equal(extractor.extract(photos / f"{name}.jpg"), vectors[name]):
                wrong.append(name)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_self_test_passes_and_says_how_well(extractor: FeatureExtractor) -> None:
    result = extractor.self_test()
    assert result
    assert result.passed
    assert 0 < result.relative_l2 <= result.relative_l2_max < 1
    assert result.exact is True  # the shipped model's bits are the same on every CPU


def test_the_self_test_can_fail(restamp: Callable[[Any], Path]) -> None:
    def other_image(spec: dict[str, Any]) -> None:
        spec["probe"]["seed"] += 1

    with FeatureExtractor(restamp(other_image)) as wrong:
        result = wrong.self_test()
    assert not result
    assert result.exact is False


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"probe": None}, "carries no probe to test against. Export it again."),
        (
            {"generator": "noise-9"},
            "probe.generator: expected 'edgefeat-probe-1', got 'noise-9'. "
            "Install the edgefeat that goes with this model.",
        ),
    ],
    ids=["none", "unknown"],
)
def test_a_probe_that_cannot_be_run(
    restamp: Callable[[Any], Path], change: dict[str, Any], message: str
) -> None:
    def edit(spec: dict[str, Any]) -> None:
        if "probe" in change:
            spec.update(change)
        else:
            spec["probe"].update(change)

    path = restamp(edit)
    with FeatureExtractor(path) as extractor, pytest.raises(ModelError) as caught:
        extractor.self_test()
    assert str(caught.value) == f"{path}: {message}"


def test_a_closed_extractor_says_so(model_path: Path, photos: Path) -> None:
    extractor = FeatureExtractor(model_path)
    extractor.close()
    extractor.close()
    with pytest.raises(ModelError) as caught:
        extractor.extract(photos / "coffee.jpg")
    assert str(caught.value) == f"{model_path}: this extractor was closed. Make a new one."


def test_what_runs_is_what_is_reported(extractor: FeatureExtractor) -> None:
    assert extractor.providers == ("cpu",)


def test_a_provider_that_is_not_there() -> None:
    with pytest.raises(ProviderError) as caught:
        FeatureExtractor(providers=["coreml", "cpu"])
    assert str(caught.value).startswith(
        "execution provider 'coreml' is not in the installed ONNX Runtime, which offers "
    )


@pytest.mark.parametrize("colour", ["cmyk", "grey", "BGR"])
def test_arrays_are_bgr_or_rgb(colour: Any, extractor: FeatureExtractor) -> None:
    picture = np.zeros((4, 4, 3), np.uint8)
    for extract in (extractor.extract, lambda p, **how: extractor.extract_batch([p], **how)):
        with pytest.raises(ValueError, match="colour") as caught:
            extract(picture, colour=colour)
        assert str(caught.value) == f"colour: expected 'bgr' or 'rgb', got {colour!r}."


def test_wrong_arguments() -> None:
    with pytest.raises(OptionError, match="threads: expected a whole number of 1 or more, got 0"):
        FeatureExtractor(threads=0)
    with (
        pytest.raises(OptionError, match="batch: expected a whole number from 1 to 1024, got 0"),
        FeatureExtractor() as fx,
    ):
        fx.extract_batch(["a.jpg"], batch=0)
    with pytest.raises(OptionError, match="decode: expected 'full' or 'reduced', got 'half'"):
        FeatureExtractor(decode="half")  # type: ignore[arg-type]
    assert issubclass(ProviderWarning, UserWarning)


def test_one_path_is_not_a_batch(photos: Path, extractor: FeatureExtractor) -> None:
    path = photos / "chelsea.jpg"
    for one in (str(path), path):
        with pytest.raises(TypeError) as caught:
            extractor.extract_batch(one)  # type: ignore[arg-type]
        assert str(caught.value) == (
            f"images: expected several pictures, got one {type(one).__name__}. Pass a list, or use "
            "extract."
        )


def test_a_model_may_be_given_as_bytes(
    photos: Path, model_path: Path, vectors: dict[str, np.ndarray]
) -> None:
    """As engines ship it to their workers, and again to processes of theirs."""
    with FeatureExtractor(model_path.read_bytes()) as given:
        assert "model given as bytes" in repr(given)
        copy = pickle.loads(pickle.dumps(given))  # noqa: S301 - our own bytes
        for extractor in (given, copy):
            assert np.array_equal(extractor.extract(photos / "coffee.jpg"), vectors["coffee"])
            assert extractor.self_test().passed


@pytest.mark.parametrize("content", [b"", b"no model", bytes(100)], ids=["none", "text", "zeros"])
def test_bytes_that_are_no_model_are_refused(content: bytes) -> None:
    with pytest.raises(ModelError, match=r"^model given as bytes: "):
        FeatureExtractor(content)
