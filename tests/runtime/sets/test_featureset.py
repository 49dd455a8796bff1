"""What can be done with a set: rows by name and position, search, joining, saving."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import edgefeat
from edgefeat import FeatureExtractor, FeatureSet, SinkError
from edgefeat.errors import OptionError
from edgefeat.sets.contents import SetContents
from edgefeat.sets.encoding import Store, Stored
from edgefeat.sets.info import SetInfo
from edgefeat.sets.searchable import MetricName
from sets_support import FORMATS, SEVERAL, features_of, info_of, write_set, written_set

INFO = info_of()
NAMES = ["a.jpg", "b, c.jpg", "caf\udce9.jpg", "ü.jpg", "e.jpg", "f.jpg", "g.jpg"]
ROWS = np.stack([features_of(INFO, row) for row in range(len(NAMES))])


def made(rows: np.ndarray, info: SetInfo = INFO, names: list[str] | None = None) -> FeatureSet:
    paths = names or [str(row) for row in range(len(rows))]
    columns = [[Stored(numbers=part)] for part in info.split(rows.reshape(len(rows), -1))]
    return FeatureSet(SetContents(info=info, paths=paths, frames=None, columns=columns))


@pytest.fixture(params=["folder", "f.npz"])
def library(request: pytest.FixtureRequest, tmp_path: Path) -> FeatureSet:
    """Seven rows: of a folder, in three shards of at most three."""
    return written_set(tmp_path / request.param, INFO, NAMES)


def test_rows_are_found_by_path_and_position(library: FeatureSet) -> None:
    assert len(library) == 7
    assert library.paths == tuple(NAMES)
    for key in ("caf\udce9.jpg", 2, -5, np.int64(2)):
        record = library[key]
        assert (record.path, record.index) == ("caf\udce9.jpg", 2)
        assert record.fingerprint == INFO.fingerprint
        assert np.array_equal(record.features, ROWS[2])
    assert "a.jpg" in library
    assert "nothing.jpg" not in library
    with pytest.raises(KeyError, match=r"no row is called 'nothing\.jpg'"):
        library["nothing.jpg"]
    with pytest.raises(IndexError):
        library[7]
    with pytest.raises(TypeError):
        library[1.5]  # type: ignore[call-overload]


def test_a_name_that_several_rows_have_is_not_guessed() -> None:
    library = made(ROWS[:3], names=["a", "b", "a"])
    with pytest.raises(KeyError, match="several rows are called 'a': take one by its position"):
        library["a"]
    assert library["b"].index == 1


@pytest.mark.parametrize(
    "key",
    [
        slice(2, 5),
        slice(None, None, 2),
        slice(None, None, -1),
        slice(5, 5),
        [6, 0, 0, 3],
        np.array([True, False, True, False, False, False, True]),
    ],
    ids=["slice", "step", "backwards", "nothing", "positions", "mask"],
)
def test_a_part_of_a_set_is_a_set(library: FeatureSet, key: slice | list[int] | np.ndarray) -> None:
    part = library[key]
    rows = np.arange(7)[key]
    assert part.paths == tuple(NAMES[row] for row in rows)
    assert np.array_equal(part.features, ROWS[rows])
    assert part.info == library.info
    assert [record.path for record in part] == list(part.paths)


def test_a_slice_of_a_folder_stays_on_the_disk(tmp_path: Path) -> None:
    library = written_set(tmp_path / "set", INFO, NAMES)
    for part in library[2:6]._contents.columns[0]:
        assert isinstance(part.numbers.base, np.memmap)


def test_rows_are_iterated_in_order(library: FeatureSet) -> None:
    rows = list(library)
    assert [record.path for record in rows] == NAMES
    assert [record.index for record in rows] == list(range(7))
    assert np.array_equal([record.features for record in rows], ROWS)


def test_features_are_an_attribute_that_is_made_once(library: FeatureSet) -> None:
    assert library.features.dtype == np.float32
    assert np.array_equal(library.features, ROWS)
    assert library.features is library.features


def test_a_set_shows_itself_in_one_line(tmp_path: Path) -> None:
    assert repr(made(ROWS)) == "FeatureSet(7 rows of 5, model toy, fingerprint aaaaaaaaaaaa)"
    several = written_set(tmp_path / "set", info_of(SEVERAL), ["a"])
    assert repr(several) == (
        "FeatureSet(1 row of features 5 + block/2:0 3 + a map 2 x 3 x 4, model toy, fingerprint "
        "aaaaaaaaaaaa)"
    )


def test_each_output_is_a_set_of_its_own(tmp_path: Path) -> None:
    info = info_of(SEVERAL)
    library = written_set(tmp_path / "set", info, ["a", "b"])
    assert library.outputs == ("features", "block/2:0", "a map")
    assert library.features.shape == (2, 5 + 3 + 24)
    maps = library.output("a map")
    assert maps.features.shape == (2, 2, 3, 4)
    assert np.array_equal(maps["b"].features, library["b"].outputs["a map"])
    assert np.array_equal(maps.features.reshape(2, -1), library.features[:, 8:])
    assert maps.search(maps, k=1).rows.tolist() == [[0], [1]]
    with pytest.raises(OptionError) as unknown:
        library.output("nope")
    assert str(unknown.value) == "name: expected one of features, block/2:0, a map, got 'nope'."
    with pytest.raises(SinkError) as caught:
        library.search(maps)
    assert str(caught.value) == (
        "features: one set keeps features, block/2:0, a map, the other a map. Compare the same "
        "output of both: `set.output(name)` gives one."
    )


def test_times_of_a_stream_come_along(tmp_path: Path) -> None:
    library = written_set(tmp_path / "f.npz", info_of(timed=True), [None, "a.jpg", None])
    assert library.paths == ("camera 0#0", "a.jpg", "camera 0#6")
    assert library.frames is not None
    assert library.frames.index.tolist() == [0, 3, 6]
    assert library.frames.wall_time.tolist() == [1.7e9, 1.7e9 + 1 / 8, 1.7e9 + 2 / 8]
    assert library.frames.media_s[[0, 2]].tolist() == [0, 0.5]
    assert np.isnan(library.frames.media_s[1])
    assert (library["a.jpg"].index, library["a.jpg"].media_s) == (3, None)
    late = library[1:]
    assert late.frames is not None
    assert late.frames.age_ms.tolist() == [13.5, 14.5]
    assert made(ROWS).frames is None


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_search_finds_what_a_full_sort_finds(tmp_path: Path, metric: MetricName) -> None:
    names = [str(row) for row in range(50)]
    write_set(tmp_path / "set", INFO, names, shard_size=7)  # several blocks
    library, queries = FeatureSet.read(tmp_path / "set"), made(ROWS[:3] + 1)
    found = library.search(queries, k=4, metric=metric)
    if metric == "cosine":
        scores = library.cosine_similarity(queries).T
        best = np.argsort(-scores, axis=1)[:, :4]
    else:
        scores = library.euclidean_distance(queries).T
        best = np.argsort(scores, axis=1)[:, :4]
    assert len(found) == 3
    assert found.rows.tolist() == best.tolist()
    assert found.paths == tuple(tuple(names[row] for row in rows) for rows in best)
    assert found.scores == pytest.approx(np.take_along_axis(scores, best, axis=1), abs=1e-6)
    assert library.search(queries, k=99).rows.shape == (3, 50)
    with pytest.raises(OptionError, match="k: expected a whole number of 1 or more, got 0"):
        library.search(queries, k=0)
    with pytest.raises(OptionError, match="metric: expected 'cosine' or 'euclidean', got 'dot'"):
        library.search(queries, metric="dot")  # type: ignore[call-overload]


MIXED: dict[str, Callable[[FeatureSet, FeatureSet], object]] = {
    "cosine": lambda a, b: a.cosine_similarity(b),
    "euclidean": lambda a, b: a.euclidean_distance(b),
    "search": lambda a, b: a.search(b),
    "join": lambda a, b: a.joined(b),
}


@pytest.mark.parametrize("how", MIXED)
def test_sets_of_two_fingerprints_never_meet(how: str) -> None:
    a, b = made(ROWS), made(ROWS, info_of(model="other", fingerprint="b"))
    with pytest.raises(SinkError) as caught:
        MIXED[how](a, b)
    assert str(caught.value) == (
        "fingerprint: one set has aaaaaaaaaaaa (model toy), the other bbbbbbbbbbbb (model other). "
        "Vectors of different models or preprocessing cannot be compared: extract both with one "
        "model and one set of options."
    )
    MIXED[how](a, a)


def test_an_array_is_not_a_set() -> None:
    with pytest.raises(TypeError) as caught:
        made(ROWS).joined(ROWS)  # type: ignore[arg-type]
    assert str(caught.value) == (
        "expected a FeatureSet, got ndarray. FeatureSet.of(vectors, extractor) makes one, which "
        "says whose vectors they are."
    )


def test_joined_sets_keep_both(tmp_path: Path) -> None:
    one = written_set(tmp_path / "a.npz", INFO, ["a", "b"])
    both = one.joined(written_set(tmp_path / "set", info_of(store=Store.I8), ["a", "b"]))
    assert both.paths == ("a", "b", "a", "b")
    assert both.info.store is Store.F32
    assert both.features == pytest.approx(ROWS[[0, 1, 0, 1]], abs=0.02)
    assert both[[3, 0]].features == pytest.approx(ROWS[[1, 0]], abs=0.02)
    stream = written_set(tmp_path / "s.npz", info_of(timed=True), [None])
    assert len(stream.joined(stream)) == 2
    with pytest.raises(SinkError, match="one set has frames of a stream, the other has pictures"):
        one.joined(stream)


@pytest.mark.parametrize("timed", [False, True], ids=["pictures", "stream"])
@pytest.mark.parametrize("form", FORMATS)
def test_a_saved_set_is_the_same_set(tmp_path: Path, form: str, timed: bool) -> None:
    library = written_set(tmp_path / "first.npz", info_of(timed=timed), NAMES)
    library.save(tmp_path / form)
    again = FeatureSet.read(tmp_path / form)
    assert (again.info, again.paths) == (library.info, library.paths)
    assert np.array_equal(again.features, library.features)
    if again.frames is not None and library.frames is not None:
        assert again.frames.columns() == library.frames.columns()
    with pytest.raises(SinkError, match=r"exists already|holds a finished"):
        library.save(tmp_path / form)
    library[:2].save(tmp_path / form, overwrite=True)
    assert len(FeatureSet.read(tmp_path / form)) == 2
    with pytest.raises(SinkError, match=f"{form}: a set without rows cannot be saved"):
        library[:0].save(tmp_path / form, overwrite=True)


def test_an_extractor_searches_its_own_sets(photos: Path, extractor: FeatureExtractor) -> None:
    names = sorted(str(path) for path in photos.glob("*.jpg"))
    library = FeatureSet.of(extractor.extract_batch(names), extractor, paths=names)
    assert len(library) == 3
    query = FeatureSet.of(extractor.extract(names[1]), extractor)
    found = library.search(query, k=1)
    assert found.paths == ((names[1],),)
    assert found.scores[0, 0] == pytest.approx(1, abs=1e-6)
    other = edgefeat.FeatureExtractor(normalize=True)
    with pytest.raises(SinkError, match="cannot be compared"):
        library.search(FeatureSet.of(other.extract(names[1]), other))
    with pytest.raises(ValueError, match=r"features: expected shape \(2, 1280\), got \(3, 1280\)"):
        FeatureSet.of(library.features, extractor, paths=["a", "b"])


def test_a_set_travels_to_another_process(library: FeatureSet) -> None:
    copy = pickle.loads(pickle.dumps(library))  # noqa: S301 - its own bytes
    assert copy.paths == library.paths
    assert np.array_equal(copy.features, library.features)
