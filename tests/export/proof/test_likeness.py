"""What a cosine means is measured on copies of photos, and stands in the file."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edgefeat import FeatureExtractor
from edgefeat.model.shipped import default_model, sample_photos
from edgefeat_export.proof import copies, likeness


def test_every_change_makes_another_picture_of_the_same_thing() -> None:
    photo = cv2.imread(str(sample_photos()[0]))
    height, width = photo.shape[:2]
    for change in copies.CHANGES:
        copy = copies.changed(photo, change)
        assert copy.dtype == np.uint8
        assert copy.shape[2] == 3
        assert copy.shape != photo.shape or not np.array_equal(copy, photo)
    assert copies.changed(photo, "half the size").shape[:2] == (height // 2, width // 2)
    cropped = copies.changed(photo, "20 % of the area cropped").shape
    assert cropped[0] * cropped[1] == pytest.approx(0.8 * height * width, rel=0.01)
    mirrored = copies.changed(photo, "mirrored")[:, ::-1].astype(int)
    assert np.abs(mirrored - photo).mean() < 3
    brighter = copies.changed(photo, "a quarter brighter").mean()
    assert brighter == pytest.approx(np.minimum(photo * 1.25, 255).mean(), rel=0.01)


def test_photos_are_the_same_each_time_and_windows_keep_their_origin() -> None:
    first, second = (list(copies.photos(None, say=print)) for _ in range(2))
    assert len(first) == copies.PHOTOS
    assert all(
        a == b and np.array_equal(p, q) for (a, p), (b, q) in zip(first, second, strict=True)
    )
    assert len({origin for origin, _ in first}) < len(first)
    assert all(max(photo.shape) <= 800 for _, photo in first)


def test_a_users_photos_are_taken_and_unreadable_ones_left_out(tmp_path: Path) -> None:
    for number in range(3):
        photo = np.random.default_rng(number).integers(256, size=(900, 40, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / f"{number}.png"), photo)
    (tmp_path / "1.png").write_bytes(b"no picture")
    said: list[str] = []
    found = list(copies.photos(tmp_path, say=said.append))
    assert [origin for origin, _ in found] == [0, 2]
    assert [photo.shape for _, photo in found] == [(800, 36, 3)] * 2
    (line,) = said
    assert line.startswith("note: 1 of 3 photos cannot be read and are left out, such as ")
    assert "1.png: " in line


def copies_with(**cosines: np.ndarray) -> dict[str, np.ndarray]:
    """Return cosines of 48 photos to their copies: .999, but for the changes that are named."""
    named = {name.replace("_", " "): values for name, values in cosines.items()}
    return {change: named.get(change, np.full(48, 0.999)) for change in copies.CHANGES}


def test_levels_are_quantiles_rounded_down() -> None:
    found = copies_with(
        JPEG_of_quality_75=np.linspace(0.901, 1.0, 48),
        half_the_size=np.full(48, 0.857),
        written_on=np.full(48, 0.703),
    )
    levels = likeness.thresholds(found, np.linspace(0, 0.5004, 10_000))
    assert (levels.same, levels.near, levels.look) == (0.91, 0.85, 0.70)
    assert levels.other_p999 == 0.50


@pytest.mark.parametrize("change", ["JPEG_of_quality_30", "mirrored", "a_quarter_brighter"])
def test_near_finds_the_worst_copy_of_each_of_its_changes(change: str) -> None:
    found = copies_with(**{change: np.array([0.826, *[0.95] * 47])})
    assert likeness.thresholds(found, np.zeros(10)).near == 0.82


def test_one_odd_photo_draws_no_level_down_among_different_photos() -> None:
    found = copies_with(half_the_size=np.array([0.1, *[0.95] * 47]), written_on=np.full(48, 0.2))
    levels = likeness.thresholds(found, np.linspace(0, 0.6004, 10_000))
    assert levels.other_p999 == 0.60
    assert levels.near == 0.80  # half way from other photos to `same`, which is 0.99
    assert levels.look == 0.60


def test_levels_never_cross() -> None:
    found = copies_with(JPEG_of_quality_75=np.full(48, 0.6))
    levels = likeness.thresholds(found, np.zeros(10))
    assert levels.look <= levels.near <= levels.same == 0.6


def test_the_shipped_models_levels_are_what_is_measured() -> None:
    """Every CPU gives the same features, so the figures in its file can be checked here."""
    said: list[str] = []
    levels = likeness.measure(Path(default_model()), None, said.append)
    with FeatureExtractor() as extractor:
        assert levels == extractor.spec.similarity
    assert said == []


def test_a_model_that_tells_nothing_apart_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    same = ({change: np.full(9, 0.8) for change in copies.CHANGES}, np.full(99, 0.9))
    monkeypatch.setattr(likeness, "measure_cosines", lambda _extractor, _folder, *, say: same)
    said: list[str] = []
    assert likeness.measure(Path(default_model()), None, said.append) is None
    assert said == [
        "note: different photos are as alike as copies are (cosines of 0.9 and 0.8), so the file "
        "says nothing about near-duplicates"
    ]
