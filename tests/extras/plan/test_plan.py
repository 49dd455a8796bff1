"""Plans in a folder: cut, done in any order, twice, by several; read back as one set."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections import Counter
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import edgefeat
from edgefeat.cli.main import main
from edgefeat.errors import SinkError
from edgefeat.places.opening import open_place
from edgefeat.sets.part_set import read_parts

from .conftest import PHOTOS

PARTS = 3


def plan(*more: str, place: str = "set", sources: tuple[str, ...] = ("photos/",)) -> int:
    return main(["plan", *sources, "-o", place, "--part-size", "4", *more])


def extract(part: str, *more: str, place: str = "set") -> int:
    return main(["extract", "--plan", place, "--part", part, *more])


def whole(corpus: Path, *sources: str) -> edgefeat.FeatureSet:
    """What one machine makes of the same pictures."""
    main(["extract", *sources, "-o", "whole.npz", "-q", "--overwrite"])
    return edgefeat.FeatureSet.read("whole.npz")


def check_same(found: edgefeat.FeatureSet, wanted: edgefeat.FeatureSet) -> None:
    assert list(found.paths) == list(wanted.paths)
    assert found.info.fingerprint == wanted.info.fingerprint
    assert np.array_equal(found.features, wanted.features)


def read(place: str) -> edgefeat.FeatureSet:
    with pytest.warns(UserWarning, match="1 pictures have an error and no vector"):
        return edgefeat.FeatureSet.read(place)


def test_parts_make_the_set_that_one_machine_makes(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plan() == 0
    said = capsys.readouterr().err
    assert f"{PHOTOS} pictures in {PARTS} parts of 4" in said
    assert "1 file not taken" in said
    assert main(["plan", "--status", "set"]) == 1
    assert "0 of 3 parts" in capsys.readouterr().out
    assert extract("2") == 1  # the bad picture is its last but one
    assert "bad.jpg" in capsys.readouterr().err
    assert extract("missing") == 0
    assert main(["plan", "--status", "set", "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert (status["rows"], status["failed"], status["missing"]) == (PHOTOS - 1, 1, [])
    assert status["failures"][0]["examples"] == ["photos/b/bad.jpg"]
    check_same(read("set"), whole(corpus, "photos/"))


def test_a_part_done_twice_is_the_same_file(corpus: Path) -> None:
    plan()
    extract("1")
    file = Path("set/part-000001.parquet")
    first, written = file.read_bytes(), file.stat().st_mtime_ns
    extract("1")
    assert file.stat().st_mtime_ns == written  # it is there: nothing to do
    extract("1", "--overwrite", "--workers", "1", "--batch", "3")
    assert hashlib.sha256(file.read_bytes()).digest() == hashlib.sha256(first).digest()
    assert file.stat().st_mtime_ns > written


def test_shares_cover_every_part_once(corpus: Path) -> None:
    plan()
    assert extract("0/2", "-q") in (0, 1)
    assert sorted(path.name for path in Path("set").glob("part-*")) == [
        "part-000000.parquet",
        "part-000002.parquet",
    ]
    assert extract("1/2", "-q") in (0, 1)
    assert len(list(Path("set").glob("part-*"))) == PARTS


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (("--part-size", "5"), "part size"),
        (("--store", "i8"), "form of the numbers"),
        (("--normalize",), "model"),
        (("--max-pixels", "5000"), "options"),
        (("--on-damaged", "fail"), "on_damaged"),
        (("--exclude", "3.png"), "number of pictures"),
    ],
)
def test_another_plan_in_the_place_is_refused(
    corpus: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], what: str
) -> None:
    plan("-q")
    before = sorted((path, path.read_bytes()) for path in Path("set").rglob("*.*"))
    assert plan(*more) == 3
    assert f"a plan with another {what} is here" in capsys.readouterr().err
    assert sorted((path, path.read_bytes()) for path in Path("set").rglob("*.*")) == before


def test_the_same_plan_again_changes_nothing(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan("-q")
    before = Path("set/plan.json").stat().st_mtime_ns
    assert plan() == 0
    assert "as was planned before" in capsys.readouterr().err
    assert Path("set/plan.json").stat().st_mtime_ns == before
    Path("photos/0.png").rename("photos/zero.png")
    assert plan() == 3
    assert "another list of pictures" in capsys.readouterr().err


def test_another_model_is_refused(
    corpus: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan("-q")
    content = json.loads(Path("set/plan.json").read_text())
    content["info"]["fingerprint"] = "0" * 64
    Path("set/plan.json").write_text(json.dumps(content))
    assert extract("0") == 3
    assert "fingerprint: the plan in set has 000000000000" in capsys.readouterr().err
    assert not list(Path("set").glob("part-*"))


def test_what_the_plan_fixes_is_refused_to_a_part(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan("-q")
    for words in (["--normalize"], ["--store", "i8"], ["-o", "x.npz"], ["--resume"], ["photos/"]):
        assert main(["extract", "--plan", "set", "--part", "0", *words]) == 2
    for part in ("3", "2/2", "x", "0/0", "1/", ""):
        assert extract(part) == 2
    assert extract("missing", place="nowhere") == 3
    assert "no plan is here" in capsys.readouterr().err


def test_a_plain_tar_and_its_shards(corpus: Path) -> None:
    for number, half in enumerate((slice(0, 6), slice(6, None))):
        with tarfile.open(f"shard-{number}.tar", "w") as shard:
            for path in sorted(Path("photos").rglob("*.*"))[half]:
                shard.add(path, arcname=path.name)
    assert plan("-q", sources=("shard-0.tar", "shard-1.tar")) == 0
    extract("missing", "-q")
    check_same(read("set"), whole(corpus, "shard-0.tar", "shard-1.tar"))


def test_a_packed_archive_is_refused_by_name(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with tarfile.open("shard.tar.gz", "w:gz") as shard:
        shard.add("photos")
    assert plan(sources=("shard.tar.gz",)) == 3
    assert "cannot be read one by one" in capsys.readouterr().err


def test_pictures_in_a_column_with_their_labels(corpus: Path) -> None:
    paths = sorted(str(path) for path in Path("photos").rglob("*.png"))
    table = pa.table(
        {
            "id": [f"id-{i}" for i in range(len(paths))],
            "picture": [Path(path).read_bytes() for path in paths],
            "label": [i % 3 for i in range(len(paths))],
        }
    )
    pq.write_table(table, "pictures.parquet", row_group_size=3)
    assert plan("-q", sources=("pictures.parquet",)) == 2  # no column is named
    more = ("--image-column", "picture", "--key-column", "id", "--keep", "label")
    assert plan("-q", *more, sources=("pictures.parquet",)) == 0
    assert extract("missing", "-q") == 0
    found = edgefeat.FeatureSet.read("set")
    assert list(found.paths) == table["id"].to_pylist()
    with edgefeat.FeatureExtractor() as extractor:
        assert np.array_equal(found.features, extractor.extract_batch(paths))
    parts = pa.concat_tables(pq.read_table(one) for one in sorted(Path("set").glob("part-*")))
    assert parts["label"].to_pylist() == table["label"].to_pylist()


def test_sources_inside_each_other_are_refused(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plan(sources=("photos/", "photos/b")) == 3
    assert "its pictures would be done twice" in capsys.readouterr().err
    assert not Path("set").exists()


def test_a_picture_that_went_away_is_its_own_error(corpus: Path) -> None:
    plan("-q")
    Path("photos/0.png").unlink()
    assert extract("0", "-q") == 1
    errors = pq.read_table("set/part-000000.parquet")["error"].to_pylist()
    assert [error is None for error in errors] == [False, True, True, True]
    assert errors[0].startswith("no such file")


@pytest.mark.parametrize("store", ["f16", "i8", "u8"])
def test_smaller_numbers_are_those_of_one_machine(corpus: Path, store: str) -> None:
    plan("-q", "--store", store)
    extract("missing", "-q")
    main(["extract", "photos/", "-o", "whole.parquet", "-q", "--store", store])
    check_same(read("set"), edgefeat.FeatureSet.read("whole.parquet"))


def test_rows_are_read_where_they_are_looked_at(corpus: Path) -> None:
    plan("-q")
    extract("missing", "-q")
    found, wanted = read("set"), whole(corpus, "photos/")
    rows = [7, 0, 9, 3, 3]
    assert np.array_equal(found[rows].features, wanted[rows].features)
    assert np.array_equal(found["photos/b/3.png"].features, wanted["photos/b/3.png"].features)
    near = found.search("photos/b/3.png", k=3)
    assert near.paths == wanted.search("photos/b/3.png", k=3).paths
    assert near.paths[0] == "photos/b/3.png"
    groups = [found.duplicates(threshold=0.3).groups, wanted.duplicates(threshold=0.3).groups]
    assert groups[0]
    assert repr(groups[0]) == repr(groups[1])


class CountingPlace:
    """A folder that counts how often each file is opened."""

    def __init__(self, folder: str) -> None:
        self._place = open_place(folder)
        self.name = self._place.name
        self.opened: Counter[str] = Counter()

    def open(self, name: str) -> IO[bytes]:
        self.opened[name] += 1
        return self._place.open(name)

    def read(self, name: str) -> bytes | None:
        return self._place.read(name)

    def write(self, name: str, content: bytes) -> None:
        self._place.write(name, content)

    def names(self, folder: str = "") -> list[str]:
        return self._place.names(folder)

    def written(self) -> dict[str, float | None]:
        return self._place.written()


@pytest.mark.parametrize("store", ["f32", "i8"])
def test_each_part_is_opened_once_for_its_names_and_scales(corpus: Path, store: str) -> None:
    plan("-q", "--store", store)
    extract("missing", "-q")
    place = CountingPlace("set")
    with pytest.warns(UserWarning, match="1 pictures have an error and no vector"):
        there = read_parts(place)
    assert place.opened == {f"part-{number:06}.parquet": 1 for number in range(PARTS)}
    assert there.paths == list(read("set").paths)
    there.columns[0][1].numbers[:]
    assert place.opened["part-000001.parquet"] == 2  # vectors are read when they are wanted


def test_a_half_done_plan_says_what_is_missing(corpus: Path) -> None:
    plan("-q")
    with pytest.raises(SinkError, match="a plan of which no part is done"):
        edgefeat.FeatureSet.read("set")
    extract("0", "-q")
    with pytest.warns(UserWarning, match="2 of 3 parts are not done"):
        assert len(edgefeat.FeatureSet.read("set")) == 4


def test_mixed_fingerprints_are_refused(corpus: Path) -> None:
    plan("-q")
    extract("0", "-q")
    plan("-q", "--normalize", place="other")
    extract("1", "-q", place="other")
    Path("other/part-000001.parquet").rename("set/part-000001.parquet")
    not_done = pytest.warns(UserWarning, match="parts are not done")
    with not_done, pytest.raises(SinkError, match="fingerprint"):
        edgefeat.FeatureSet.read("set")


def test_a_damaged_part_is_named(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan("-q")
    extract("missing", "-q")
    file = Path("set/part-000001.parquet")
    file.write_bytes(file.read_bytes()[:-20])
    assert main(["plan", "--status", "set"]) == 3
    assert "part-000001.parquet: not a part that edgefeat wrote whole" in capsys.readouterr().err
    with pytest.raises(SinkError, match=r"part-000001\.parquet"):
        edgefeat.FeatureSet.read("set")


def test_the_page_shows_parts_and_failures(corpus: Path) -> None:
    plan("-q")
    extract("2", "-q")
    assert main(["plan", "--status", "set", "--html", "status.html", "-q"]) == 1
    page = Path("status.html").read_text()
    assert page.count("<i class='done'") == 1
    assert page.count("<i ") == PARTS
    assert "photos/b/bad.jpg" in page
    assert "<script" not in page


def test_a_stopped_part_is_not_there(corpus: Path) -> None:
    from edgefeat.places.opening import open_place
    from edgefeat.plan.part import do_part
    from edgefeat.plan.plan import read_plan

    plan("-q")
    place = open_place("set")
    with edgefeat.FeatureExtractor() as extractor:
        assert do_part(place, read_plan(place), 0, extractor, stop=lambda: True) is None
    assert not list(Path("set").glob("part-*"))


def test_odd_names_come_back(corpus: Path) -> None:
    odd = b"photos/caf\xe9 \n.png"
    Path("photos/0.png").rename(odd.decode("utf-8", "surrogateescape"))
    plan("-q")
    extract("missing", "-q")
    check_same(read("set"), whole(corpus, "photos/"))


def test_a_list_of_names_is_taken_in_its_order(corpus: Path) -> None:
    names = ["photos/b/3.png", "photos/0.png", "photos/b/1.png"]
    Path("names.txt").write_text("\n".join(names))
    assert main(["plan", "--files-from", "names.txt", "-o", "set", "-q"]) == 0
    extract("missing", "-q")
    assert list(edgefeat.FeatureSet.read("set").paths) == names


def test_another_program_reads_the_parts(corpus: Path) -> None:
    import duckdb

    plan("-q")
    extract("missing", "-q")
    query = "select path, error, len(features) from 'set/part-*.parquet' order by path"
    rows = duckdb.connect().execute(query).fetchall()
    assert len(rows) == PHOTOS
    assert [row[2] for row in rows if row[1] is None] == [1280] * (PHOTOS - 1)
