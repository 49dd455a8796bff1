"""Sets read back: every format, search, and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import edgefeat
from edgefeat import FeatureExtractor, FeatureSet, SinkError
from edgefeat.sets.base import SetInfo
from edgefeat.sets.encoding import Store
from edgefeat.sets.formats import is_folder, open_sink
from edgefeat.sets.shards import ShardSink

INFO = SetInfo(model="toy", fingerprint="a" * 64, dim=5)
NAMES = ["a.jpg", "b, c.jpg", "caf\udce9.jpg", "ü.jpg"]
ROWS = np.random.default_rng(3).normal(size=(4, 5)).astype(np.float32)


def write(path: Path, info: SetInfo = INFO, names: list[str] = NAMES) -> FeatureSet:
    sink = open_sink(path, info) if path.suffix else ShardSink(path, info, shard_sources=3)
    try:
        for name, row in zip(names, ROWS, strict=False):
            sink.write(name, row)
        sink.commit()
    finally:
        sink.close()
    return FeatureSet.read(path)


@pytest.mark.parametrize("store", list(Store), ids=str)
@pytest.mark.parametrize("name", ["f.npz", "f.npy", "f.csv", "f.jsonl", "folder"])
def test_what_is_written_is_read(tmp_path: Path, name: str, store: Store) -> None:
    info = SetInfo(model="toy", fingerprint="a" * 64, dim=5, store=store)
    holds = {"f.csv": [Store.F32], "f.jsonl": [Store.F32], "f.npy": [Store.F32, Store.F16]}
    if store not in holds.get(name, list(Store)):
        with pytest.raises(SinkError, match=f"cannot hold {store}, only f32"):
            write(tmp_path / name, info)
        return
    features = write(tmp_path / name, info)
    assert list(features.paths) == NAMES
    assert features.info.fingerprint == info.fingerprint
    assert features.info.store is store
    assert features.features().dtype == np.float32
    tolerance = {Store.F32: 0, Store.F16: 1e-3, Store.I8: 0.01}[store]
    assert features.features() == pytest.approx(ROWS, abs=tolerance)


def test_equal_sets_are_equal_bytes(tmp_path: Path) -> None:
    write(tmp_path / "a.npz")
    write(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_search_finds_what_a_full_sort_finds(
    monkeypatch: pytest.MonkeyPatch, metric: edgefeat.sets.featureset.Metric
) -> None:
    monkeypatch.setattr(edgefeat.sets.featureset, "_BLOCK_ROWS", 7)  # several blocks
    draw = np.random.default_rng(4)
    rows, wanted = (draw.normal(size=(n, 5)).astype(np.float32) for n in (50, 3))
    library, queries = (
        FeatureSet(
            info=INFO,
            paths=tuple(map(str, range(len(part)))),
            parts=(edgefeat.sets.encoding.Stored(numbers=part),),
        )
        for part in (rows, wanted)
    )
    found = library.nearest(queries, k=4, metric=metric)
    if metric == "cosine":
        scores = library.cosine_similarity(queries).T
        best = np.argsort(-scores, axis=1)[:, :4]
    else:
        scores = library.euclidean_distance(queries).T
        best = np.argsort(scores, axis=1)[:, :4]
    assert found.indices.tolist() == best.tolist()
    assert found.scores == pytest.approx(np.take_along_axis(scores, best, axis=1), abs=1e-6)
    assert library.nearest(queries, k=99).indices.shape == (3, 50)
    with pytest.raises(ValueError, match="k: expected 1 or more, got 0"):
        library.nearest(queries, k=0)
    with pytest.raises(ValueError, match="metric: expected cosine or euclidean, got 'dot'"):
        library.nearest(queries, metric="dot")  # type: ignore[arg-type]


MIXED: dict[str, Callable[[FeatureSet, FeatureSet], object]] = {
    "cosine": lambda a, b: a.cosine_similarity(b),
    "euclidean": lambda a, b: a.euclidean_distance(b),
    "search": lambda a, b: a.nearest(b),
    "join": lambda a, b: a.joined(b),
}


@pytest.mark.parametrize("how", MIXED)
def test_sets_of_two_fingerprints_never_meet(tmp_path: Path, how: str) -> None:
    a = write(tmp_path / "a.npz")
    b = write(tmp_path / "b.npz", SetInfo(model="other", fingerprint="b" * 64, dim=5))
    with pytest.raises(SinkError) as caught:
        MIXED[how](a, b)
    assert str(caught.value) == (
        "fingerprint: one set has aaaaaaaaaaaa (model toy), the other bbbbbbbbbbbb (model other). "
        "Vectors of different models or preprocessing cannot be compared: extract both with one "
        "model and one set of options."
    )
    MIXED[how](a, a)


def test_joined_sets_keep_both(tmp_path: Path) -> None:
    i8 = SetInfo(model="toy", fingerprint="a" * 64, dim=5, store=Store.I8)
    both = write(tmp_path / "a.npz").joined(write(tmp_path / "b.npz", i8))
    assert both.paths == (*NAMES, *NAMES)
    assert both.info.store is Store.F32
    assert both.features() == pytest.approx(np.vstack([ROWS, ROWS]), abs=0.01)


def test_a_line_of_another_fingerprint_is_found(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl")
    write(tmp_path / "b.jsonl", SetInfo(model="other", fingerprint="b" * 64, dim=5))
    with (tmp_path / "a.jsonl").open("a") as file:
        file.write((tmp_path / "b.jsonl").read_text())
    with pytest.raises(SinkError, match="line 5: fingerprint: the lines before have aaaaaaaaaaaa"):
        FeatureSet.read(tmp_path / "a.jsonl")


def test_an_extractor_searches_its_own_sets(photos: Path, extractor: FeatureExtractor) -> None:
    names = sorted(str(path) for path in photos.glob("*.jpg"))
    library = FeatureSet.of(extractor.extract_batch(names), extractor, paths=names)
    assert len(library) == 3
    query = FeatureSet.of(extractor.extract(names[1]), extractor)
    found = library.nearest(query, k=1)
    assert library.paths[found.indices[0, 0]] == names[1]
    assert found.scores[0, 0] == pytest.approx(1, abs=1e-6)
    other = edgefeat.FeatureExtractor(normalize=True)
    with pytest.raises(SinkError, match="cannot be compared"):
        library.nearest(FeatureSet.of(other.extract(names[1]), other))
    with pytest.raises(ValueError, match=r"features: expected shape \(2, 1280\), got \(3, 1280\)"):
        FeatureSet.of(library.features(), extractor, paths=["a", "b"])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("f.npz", b"junk", "not a feature set that edgefeat wrote"),
        ("f.npy", b"junk", "f.npy.json: no such file. A feature set needs it."),
        ("f.jsonl", b'{"path": "a"}\n', "not a feature set that edgefeat wrote: 'fingerprint'"),
        ("f.jsonl", b"", "no rows, and so no fingerprint"),
        ("f.doc", b"", "expected a folder or a file in .npz, .npy, .csv, .jsonl, .parquet."),
    ],
    ids=["npz", "npy-alone", "jsonl-foreign", "jsonl-empty", "suffix"],
)
def test_what_is_no_set(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SinkError) as caught:
        FeatureSet.read(tmp_path / name)
    assert message in str(caught.value)


def test_names_and_arrays_must_agree(tmp_path: Path) -> None:
    write(tmp_path / "f.npy")
    sidecar = tmp_path / "f.npy.json"
    facts = json.loads(sidecar.read_text())
    sidecar.write_text(json.dumps(facts | {"paths": facts["paths"][:2]}))
    with pytest.raises(SinkError, match=r"2 names of vectors of 5, but arrays \(4, 5\)"):
        FeatureSet.read(tmp_path / "f.npy")
    (tmp_path / "none").mkdir()
    with pytest.raises(SinkError, match=r"not a feature set: it holds no manifest.json"):
        FeatureSet.read(tmp_path / "none")


def test_a_shard_that_was_cut_is_found(tmp_path: Path) -> None:
    write(tmp_path / "set", SetInfo(model="toy", fingerprint="a" * 64, dim=5, store=Store.I8))
    for name, said in (
        ("shard-00001.scales.npy", "its content is not what the manifest says. Restore the folder"),
        ("shard-00000.npy", "its length is not what the manifest says. Restore the folder"),
    ):
        path = tmp_path / "set" / name
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(SinkError, match=f"{name}: {said}"):
            FeatureSet.read(tmp_path / "set")
        path.unlink()
        with pytest.raises(SinkError, match=f"{name}: .*o such file"):
            FeatureSet.read(tmp_path / "set")
        shutil.rmtree(tmp_path / "set")
        write(tmp_path / "set", SetInfo(model="toy", fingerprint="a" * 64, dim=5, store=Store.I8))


def test_outputs_that_are_folders(tmp_path: Path) -> None:
    (tmp_path / "set.v2").mkdir()
    (tmp_path / "set.npz").mkdir()
    named = {"features/": True, "features": True, "f.npz": False, "f.xyz": False}
    named |= {f"{tmp_path}/set.v2": True, f"{tmp_path}/set.npz": False}
    assert {name: is_folder(name) for name in named} == named


def test_an_array_is_not_a_set() -> None:
    part = edgefeat.sets.encoding.Stored(numbers=np.eye(2, 5, dtype=np.float32))
    library = FeatureSet(info=INFO, paths=("a", "b"), parts=(part,))
    with pytest.raises(TypeError) as caught:
        library.nearest(library.features())  # type: ignore[arg-type]
    assert str(caught.value) == (
        "expected a FeatureSet, got ndarray. FeatureSet.of(vectors, extractor) makes one, which "
        "says whose vectors they are."
    )
