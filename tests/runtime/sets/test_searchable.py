"""Search and near-duplicates as a user asks for them: by photo, record, vector and set."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgefeat import FeatureExtractor, FeatureSet, SinkError
from edgefeat.errors import OptionError
from edgefeat.sets.duplicates import Level
from sets_support import info_of, record_of, written_set


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Path:
    """A folder with three photos, and with copies of two of them."""
    folder = tmp_path_factory.mktemp("album")
    for path in sorted(photos.glob("*.jpg")):
        (folder / path.stem).mkdir()
        photo = cv2.imread(str(path))
        cv2.imwrite(str(folder / path.stem / "photo.jpg"), photo)
        if path.stem != "rocket":
            cv2.imwrite(str(folder / path.stem / "mirrored.png"), photo[:, ::-1])
            half = cv2.resize(photo, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(folder / path.stem / "small.jpg"), half)
    return folder


@pytest.fixture(scope="module")
def library(album: Path, extractor: FeatureExtractor) -> FeatureSet:
    names = sorted(str(path) for path in album.rglob("*.*"))
    return FeatureSet.of(extractor.extract_batch(names), extractor, paths=names)


def test_a_photo_is_found(library: FeatureSet, album: Path) -> None:
    query = str(album / "coffee" / "photo.jpg")
    found = library.search(query, k=4)
    assert len(found) == 4
    assert found[0].path == query
    assert found[0].score == pytest.approx(1, abs=1e-6)
    assert {Path(match.path).parent.name for match in found[:3]} == {"coffee"}
    assert Path(found[3].path).parent.name != "coffee"
    assert [match.score for match in found] == sorted((m.score for m in found), reverse=True)
    assert library.paths[found[2].row] == found[2].path
    assert [match.path for match in library.search(Path(query), k=4)] == list(found.paths)


def test_a_record_a_vector_and_a_set_find_the_same(library: FeatureSet) -> None:
    expected = library.search(library[3], k=3)
    assert library.search(library[3].features, k=3).paths == expected.paths
    both = library.search(library[2:4], k=3)
    assert both.queries == library.paths[2:4]
    assert both[1].paths == both.paths[1] == expected.paths
    assert [len(matches) for matches in both] == [3, 3]
    assert both[1:].queries == library.paths[3:4]
    assert both[1:][0].paths == expected.paths
    with pytest.raises(
        ValueError, match=r"query: expected a vector of shape \(1280,\), got \(2,\)"
    ):
        library.search(np.ones(2, np.float32))


def test_filters_come_before_the_choice(library: FeatureSet, album: Path) -> None:
    query = library[str(album / "coffee" / "photo.jpg")]
    assert {Path(one.path).name for one in library.search(query, where="*.png")} == {"mirrored.png"}
    inner = library.search(query, where="chelsea/*")
    assert {Path(match.path).parent.name for match in inner} == {"chelsea"}
    assert len(library.search(query, label="chelsea", where="*.jpg")) == 2
    assert len(library.search(query, label="nothing")) == 0
    with pytest.raises(OptionError) as caught:
        library.search(query, until=5)
    assert str(caught.value) == (
        "until: the set has pictures, which have no times; only a stream's frames do."
    )


def test_frames_are_found_by_time(tmp_path: Path) -> None:
    info = info_of(timed=True)
    frames = written_set(tmp_path / "f.npz", info, [None] * 4)
    found = frames.search(record_of(info, 0), k=9, since=1.7e9 + 1 / 8, until=1.7e9 + 3 / 8)
    assert sorted(found.rows.tolist()) == [1, 2]


def test_a_photo_is_refused_where_no_model_is_known(tmp_path: Path, photos: Path) -> None:
    toy = written_set(tmp_path / "f.npz", info_of(), ["a"])
    with pytest.raises(SinkError) as caught:
        toy.search(str(photos / "rocket.jpg"))
    assert str(caught.value) == (
        "fingerprint: the set has aaaaaaaaaaaa (model toy), which the shipped model does not give. "
        "Name the model file that made the set with model."
    )


def test_another_extractors_photo_is_refused(
    library: FeatureSet, photos: Path, extractor: FeatureExtractor
) -> None:
    unit = FeatureExtractor(normalize=True)
    with pytest.raises(SinkError, match="use the extractor that made the set"):
        library.search(str(photos / "rocket.jpg"), extractor=unit)
    vectors = unit.extract_batch([str(photos / "rocket.jpg"), str(photos / "coffee.jpg")])
    units = FeatureSet.of(vectors, unit, paths=["r", "c"])
    assert units.search(str(photos / "coffee.jpg"), k=1).paths == ("c",)  # its options are found


def test_near_duplicates_come_as_groups(library: FeatureSet, album: Path) -> None:
    found = library.duplicates()
    assert (found.level, found.rows) == (Level.NEAR, 7)
    assert found.fingerprint == library.info.fingerprint
    groups = {
        Path(group.keep.path).parent.name: {Path(copy.path).name for copy in group.copies}
        for group in found.groups
    }
    everything = {"photo.jpg", "mirrored.png", "small.jpg"}
    assert groups == {"chelsea": everything, "coffee": everything}
    for group in found.groups:
        assert group.medoid.score == 1
        assert all(copy.score >= found.threshold for copy in group.copies)
        assert Path(group.keep.path).name == "mirrored.png"  # as many pixels, and more bytes
        assert {Path(copy.path).name for copy in group.others} == {"photo.jpg", "small.jpg"}
    assert len(found.others) == 4
    assert found.background.p999 is None  # 21 pairs are too few
    assert not found.is_crowded
    lines = [json.loads(line) for line in found.json_lines()]
    assert [line["group"] for line in lines] == [0, 1]
    member = lines[0]["members"][0]
    assert set(member) == {"path", "score", "level", "height", "width", "bytes"}


def test_a_level_or_a_threshold_is_asked_for(library: FeatureSet) -> None:
    strict, loose = library.duplicates("same"), library.duplicates("look")
    assert strict.threshold > library.duplicates().threshold > loose.threshold
    assert all(copy.level is Level.SAME for one in strict.groups for copy in one.copies)
    own = library.duplicates(threshold=-0.5)
    assert (len(own.groups), len(own.groups[0].copies), own.level) == (1, 7, None)
    assert own.groups[0].copies[1].level is None
    with pytest.raises(OptionError) as both:
        library.duplicates("near", threshold=0.9)
    assert str(both.value) == "threshold: stands in the place of a level; both were given."
    with pytest.raises(OptionError, match="level: expected 'same' or 'near' or 'look', got 'far'"):
        library.duplicates("far")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="threshold: expected a number above -1, got -1"):
        library.duplicates(threshold=-1)
    with pytest.raises(OptionError, match="threshold: a cosine is at most 1, got 97"):
        library.duplicates(threshold=97)


@pytest.mark.parametrize(
    ("query", "got"),
    [
        ([1.0, 2.0], "got list"),
        (None, "got NoneType"),
        (3, "got int"),
        (np.ones(1280, int), "int64"),
    ],
    ids=["list", "nothing", "number", "whole numbers"],
)
def test_what_is_no_query_is_refused(library: FeatureSet, query: object, got: str) -> None:
    with pytest.raises(TypeError, match=rf"^query: expected a .*{got}$"):
        library.search(query)  # type: ignore[call-overload]
    with pytest.raises(OptionError, match="label: expected text, got 3"):
        library.search(library[0], label=3)  # type: ignore[call-overload]


def test_a_set_of_another_model_needs_a_threshold(tmp_path: Path) -> None:
    toy = written_set(tmp_path / "f.npz", info_of(), ["a", "b", "a copy of neither"])
    with pytest.raises(SinkError, match="which the shipped model does not give"):
        toy.duplicates()
    found = toy.duplicates(threshold=-0.99)
    assert found.groups[0].keep is found.groups[0].medoid  # there are no files
    assert found.groups[0].keep.facts is None


def test_alike_pictures_are_called_a_crowd(extractor: FeatureExtractor) -> None:
    draw = np.random.default_rng(0)
    belt = draw.normal(size=extractor.dim) + 0.05 * draw.normal(size=(120, extractor.dim))
    found = FeatureSet.of(belt.astype(np.float32), extractor).duplicates()
    assert found.is_crowded
    assert found.background.pairs == 120 * 119 // 2
    assert found.background.median is not None
    assert found.background.median > 0.98
