"""What is no set, or not whole, is told with where, what and what to do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from edgefeat import FeatureSet, SinkError
from edgefeat.sets import reading
from edgefeat.sets.encoding import Store
from edgefeat.sets.manifest import read_manifest
from sets_support import file_of, info_of, write_set

AGAIN = "Copy the file again, or extract again."


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("f.npz", b"junk", "not a feature set that edgefeat wrote: "),
        ("f.npz", b"", "not a feature set that edgefeat wrote: "),
        (
            "f.npy",
            b"junk",
            "f.npy.json, which says whose features these are, is missing. Copy it along with the "
            "file, or extract again.",
        ),
        (
            "f.jsonl",
            b'{"path": "a", "features": [1]}\n',
            "line 1: not a line that edgefeat wrote: it has no 'model'. "
            "`edgefeat extract --schema` describes them.",
        ),
        ("f.jsonl", b"", "no lines, and so no features. Extract again."),
        ("f.jsonl", b"[1]\n", "line 1: not a line that edgefeat wrote: expected an object. "),
        ("f.jsonl", b"\xff\n", "line 1: not a line that edgefeat wrote: "),
        (
            "f.doc",
            b"",
            "expected a folder or a file ending in .npz, .npy, .csv, .jsonl, .jsonl.gz, .parquet. "
            "Name what `edgefeat extract` or `edgefeat stream` wrote.",
        ),
    ],
    ids=["npz", "npz-empty", "npy-alone", "foreign", "empty", "list", "bytes", "ending"],
)
def test_what_is_no_set(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SinkError) as caught:
        FeatureSet.read(tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name}: {message}")


def test_arrays_of_others_are_told_what_they_lack(tmp_path: Path) -> None:
    np.savez(tmp_path / "f.npz", features=np.eye(2))
    with pytest.raises(SinkError) as caught:
        FeatureSet.read(tmp_path / "f.npz")
    assert str(caught.value).startswith(
        f"{tmp_path}/f.npz: not a feature set that edgefeat wrote: "
    )
    assert "outputs" in str(caught.value)
    assert str(caught.value).endswith(AGAIN)
    np.savez(tmp_path / "f.npz", features=np.array([object()], dtype=object))
    with pytest.raises(SinkError, match="not a feature set that edgefeat wrote"):
        FeatureSet.read(tmp_path / "f.npz")


@pytest.mark.parametrize("name", ["f.npz", "f.npy", "f.csv", "f.jsonl", "folder/"])
def test_what_is_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(SinkError) as caught:
        FeatureSet.read(f"{tmp_path}/{name}")
    assert str(caught.value) == f"{tmp_path / name}: no such file. Check the path."


def test_a_line_of_another_fingerprint_is_found(tmp_path: Path) -> None:
    write_set(tmp_path / "a.jsonl", info_of(), ["a", "b"])
    write_set(tmp_path / "b.jsonl", info_of(fingerprint="b"), ["a"])
    write_set(tmp_path / "c.jsonl", info_of(store=Store.F16), ["a"])
    whole = (tmp_path / "a.jsonl").read_bytes()
    for other, problem in (
        ("b.jsonl", "line 3: fingerprint: the lines before have aaaaaaaaaaaa, this one bbbbbbbbb"),
        ("c.jsonl", "line 3: other outputs, numbers or facts than in the lines before"),
    ):
        (tmp_path / "a.jsonl").write_bytes(whole + (tmp_path / other).read_bytes())
        with pytest.raises(SinkError, match=problem):
            FeatureSet.read(tmp_path / "a.jsonl")


def test_a_cut_last_line_is_left_out_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_set(path, info_of(), ["a", "b"])
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    with pytest.warns(UserWarning, match="line 2 is cut and was left out"):
        assert FeatureSet.read(path).paths == ("a",)
    path.write_bytes(whole[:-1])  # only the line end is missing
    assert FeatureSet.read(path).paths == ("a", "b")


def test_names_and_arrays_must_agree(tmp_path: Path) -> None:
    write_set(tmp_path / "f.npy", info_of(), ["a", "b", "c", "d"])
    sidecar = tmp_path / "f.npy.json"
    facts = json.loads(sidecar.read_text())
    sidecar.write_text(json.dumps(facts | {"paths": facts["paths"][:2]}))
    with pytest.raises(SinkError, match=r"2 names of vectors of 5, but arrays \(4, 5\)"):
        FeatureSet.read(tmp_path / "f.npy")
    sidecar.write_text("{}")
    with pytest.raises(SinkError, match="not a feature set that edgefeat wrote: model: expected"):
        FeatureSet.read(tmp_path / "f.npy")
    (tmp_path / "none").mkdir()
    with pytest.raises(SinkError, match=r"not a feature set: it holds no manifest.json\. Name a"):
        FeatureSet.read(tmp_path / "none")


def test_a_table_that_was_edited_is_told_by_line(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    write_set(path, info_of(), ["a", "b"])
    header, first, second = path.read_text().splitlines()
    for lines, problem in (
        ([header, first, second + ",1"], "line 3: expected 6 cells, got 7"),
        ([header, first, second.replace(",", ",x", 1)], "not a feature set that edgefeat wrote"),
        ([header.replace("f0000", "f1"), first], "its columns are not those that f.csv.json"),
    ):
        path.write_text("\n".join(lines) + "\n")
        with pytest.raises(SinkError, match=problem):
            FeatureSet.read(path)


def test_a_shard_that_was_cut_is_found(tmp_path: Path) -> None:
    info, names = info_of(store=Store.I8), ["a", "b", "c", "d"]
    write_set(tmp_path / "set", info, names)
    for name, said in (
        ("shard-00001.scales.npy", "its content is not what the manifest says. Go on with the set"),
        ("shard-00000.npy", "its length is not what the manifest says. Go on with the set"),
    ):
        path = file_of(tmp_path / "set", name)
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(SinkError, match=f"{path.name}: {said}"):
            FeatureSet.read(tmp_path / "set")
        path.unlink()
        with pytest.raises(SinkError, match=f"{path.name}.* (is missing|No such file)"):
            FeatureSet.read(tmp_path / "set")
        shutil.rmtree(tmp_path / "set")
        write_set(tmp_path / "set", info, names)


def test_a_set_is_read_while_a_writer_replaces_its_shards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a look at the manifest and the opening of a shard, a sync takes the shard away."""
    info = info_of()
    write_set(tmp_path / "set", info, ["a", "b", "c", "d"])
    write_set(tmp_path / "other", info, ["a", "c", "d", "e", "f"])
    old = read_manifest(tmp_path / "set")
    shutil.rmtree(tmp_path / "set")
    shutil.copytree(tmp_path / "other", tmp_path / "set")
    looks = [old]
    monkeypatch.setattr(
        reading, "read_manifest", lambda path: looks.pop() if looks else read_manifest(path)
    )
    assert FeatureSet.read(tmp_path / "set").paths == ("a", "c", "d", "e", "f")
