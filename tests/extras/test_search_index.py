"""Search by an index: what it finds, where it is kept, and that half a file is never believed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgefeat import FeatureSet, SinkError
from edgefeat.errors import DependencyError, OptionError
from edgefeat.options.output import Store
from edgefeat.search import index as indexes
from edgefeat.sets.info import OutputInfo
from edgefeat.sets.record import FeatureRecord
from edgefeat.sets.shards import ShardSink
from sets_support import info_of

DIM, COUNT = 64, 3000
INFO = info_of([OutputInfo(name="features", shape=(DIM,))], store=Store.I8)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEFEAT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "indexes"


def written(folder: Path, *, seed: int = 0) -> FeatureSet:
    draw = np.random.default_rng(seed)
    with ShardSink(folder, INFO) as sink:
        for number in range(COUNT):
            features = draw.normal(size=DIM).astype(np.float32)
            sink.write(
                FeatureRecord(
                    features=features, index=number, fingerprint="a" * 64, name=f"{number}.jpg"
                )
            )
        sink.commit()
    return FeatureSet.read(folder)


def test_an_index_finds_what_the_whole_search_finds(cache: Path, tmp_path: Path) -> None:
    there = written(tmp_path / "set")
    asked = there[list(range(0, COUNT, 100))]
    nearly, exactly = there.search(asked, k=5, approximate=True), there.search(asked, k=5)
    shared = [len(set(a) & set(b)) for a, b in zip(nearly.rows, exactly.rows, strict=True)]
    assert np.mean(shared) / 5 > 0.97
    assert nearly.rows[:, 0].tolist() == exactly.rows[:, 0].tolist()
    same = nearly.rows == exactly.rows
    assert nearly.scores[same] == pytest.approx(exactly.scores[same], abs=1e-6)  # ranked exactly
    one = there.search(there[7], k=5, approximate=True)
    assert (one[0].path, len(one)) == ("7.jpg", 5)
    assert one[0].score == pytest.approx(1, abs=1e-6)
    assert len(there[:3].search(there[1], k=9, approximate=True)) == 3
    assert len(there[:0].search(there[1], k=9, approximate=True)) == 0


def test_it_is_built_once_for_each_content(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = written(tmp_path / "set")
    expected = there.search(there[3], k=4, approximate=True)
    assert len(list(cache.glob("*.usearch"))) == 1
    built: list[int] = []
    keep = indexes._keep

    def noted(*given: Any) -> None:
        built.append(1)
        keep(*given)

    monkeypatch.setattr(indexes, "_keep", noted)
    again = FeatureSet.read(tmp_path / "set")
    assert again.search(there[3], k=4, approximate=True).paths == expected.paths
    assert built == []
    other = written(tmp_path / "other", seed=1)  # another content never meets the first's index
    assert other.search(other[3], k=1, approximate=True).paths == ("3.jpg",)
    assert built == [1]
    assert len(list(cache.glob("*.usearch"))) == 2


def test_building_tells_its_rows_and_leaves_nothing_when_it_is_stopped(
    cache: Path, tmp_path: Path
) -> None:
    there = written(tmp_path / "set")
    told: list[int] = []

    def stop(count: int) -> None:
        told.append(count)
        if sum(told) > COUNT // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        there.search(there[3], k=4, approximate=True, on_rows=stop)
    assert COUNT // 2 < sum(told) < COUNT
    assert not cache.exists()
    told.clear()
    found = there.search(there[3], k=4, approximate=True, on_rows=told.append)
    assert sum(told) == COUNT
    assert found[0].path == "3.jpg"
    assert len(list(cache.iterdir())) == 2
    there.search(there[3], k=4, approximate=True, on_rows=told.append)
    assert sum(told) == COUNT  # it is open already


@pytest.mark.parametrize("delay_s", [0.0, 0.01, 0.02, 0.03])
def test_ctrl_c_is_one_inside_usearch_too(cache: Path, tmp_path: Path, delay_s: float) -> None:
    """usearch takes the signal itself and raises another error."""
    there = written(tmp_path / "set")
    timer = threading.Timer(delay_s, os.kill, (os.getpid(), signal.SIGINT))

    def slowly(_count: int) -> None:
        if not timer.is_alive() and timer.ident is None:
            timer.start()

    def build() -> None:
        there.search(there[3], k=4, approximate=True, on_rows=slowly)
        timer.join()  # a fast machine has built it before the signal came
        time.sleep(0.1)

    with pytest.raises(KeyboardInterrupt):
        build()
    timer.join()
    assert not list(cache.glob("*.part"))


def test_a_stop_while_it_is_written_leaves_no_part(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = written(tmp_path / "set")

    def stopped(_file: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", stopped)
        with pytest.raises(KeyboardInterrupt):
            there.search(there[3], k=4, approximate=True)
    assert list(cache.iterdir()) == []
    assert there.search(there[3], k=4, approximate=True)[0].path == "3.jpg"


@pytest.mark.parametrize("damage", ["cut", "no word", "word of another", "no text"])
def test_half_an_index_is_made_anew(cache: Path, tmp_path: Path, damage: str) -> None:
    there = written(tmp_path / "set")
    there.search(there[3], k=4, approximate=True)
    (file,), (word,) = cache.glob("*.usearch"), cache.glob("*.json")
    whole = file.stat().st_size
    if damage == "cut":
        file.write_bytes(file.read_bytes()[: whole // 2])
    elif damage == "no word":
        word.unlink()
    elif damage == "no text":
        word.write_bytes(b"\xff\xfe")
    else:
        word.write_text(json.dumps({**json.loads(word.read_text()), "rows": 5}))
    again = FeatureSet.read(tmp_path / "set")
    assert again.search(there[3], k=4, approximate=True)[0].path == "3.jpg"
    assert file.stat().st_size == whole
    assert json.loads(word.read_text())["bytes"] == whole
    assert not list(cache.glob(".*part"))


def test_without_a_cache_it_serves_once(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEFEAT_CACHE", "off")
    there = written(tmp_path / "set")
    assert there.search(there[3], k=1, approximate=True).paths == ("3.jpg",)
    assert not cache.exists()


def test_what_an_index_cannot_do_is_said_or_done_exactly(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = written(tmp_path / "set")
    found = there.search(there[3], k=2, where="4?.jpg", approximate=True)
    assert {path[0] for path in found.paths} == {"4"}
    assert not cache.exists()
    with pytest.raises(OptionError) as metric:
        there.search(there[3], metric="euclidean", approximate=True)
    assert str(metric.value) == "approximate: an index finds by cosine alone."
    monkeypatch.setitem(sys.modules, "usearch", None)
    with pytest.raises(DependencyError) as missing:
        there.search(there[3], approximate=True)
    assert str(missing.value) == (
        "searching by an index needs usearch. Install it with `pip install 'edgefeat[search]'`."
    )
    other = FeatureSet.read(tmp_path / "set")
    with pytest.raises(SinkError, match="cannot be compared"):
        other.search(_of_another_model(tmp_path), approximate=True)


def test_a_photo_can_be_extracted_after_an_index_was_loaded(tmp_path: Path) -> None:
    """usearch before ONNX Runtime crashes the process: edgefeat loads them in the other order."""
    code = (
        "import numpy as np, edgefeat\n"
        "from edgefeat.search.index import open_index\n"
        "from edgefeat.search.rows import Rows\n"
        "from edgefeat.sets.encoding import Stored\n"
        "rows = Rows([[Stored(numbers=np.eye(9, dtype=np.float32))]])\n"
        "print(open_index(rows, 'x', None).find_best(np.eye(9, dtype=np.float32)[:1], 1)[0])\n"
        "print(edgefeat.FeatureExtractor().dim)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[[0]]\n1280\n"), done.stderr


def _of_another_model(tmp_path: Path) -> FeatureSet:
    info = info_of([OutputInfo(name="features", shape=(DIM,))], model="other", fingerprint="b")
    with ShardSink(tmp_path / "another", info) as sink:
        sink.write(
            FeatureRecord(
                features=np.ones(DIM, np.float32), index=0, fingerprint="b" * 64, name="a"
            )
        )
        sink.commit()
    return FeatureSet.read(tmp_path / "another")
