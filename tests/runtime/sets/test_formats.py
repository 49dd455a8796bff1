"""Every format gives back what it was given."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgefeat import FeatureSet, SinkError
from edgefeat.errors import OptionError
from edgefeat.sets.encoding import Store
from edgefeat.sets.formats import open_sink
from edgefeat.sets.frames import COLUMNS
from edgefeat.sets.info import OutputInfo
from edgefeat.sets.json_lines import JsonLinesStreamSink
from edgefeat.sets.names import decode_name, encode_name
from edgefeat.sets.record import FeatureRecord
from sets_support import (
    FORMATS,
    ONE,
    SEVERAL,
    features_of,
    file_of,
    info_of,
    record_of,
    write_set,
)

ALL = (*FORMATS, *(["f.parquet"] if find_spec("pyarrow") else []))
TOLERANCE = {Store.F32: 0.0, Store.F16: 3e-3, Store.I8: 0.03, Store.U8: 0.015}

file_names = st.binary(min_size=1, max_size=20).map(os.fsdecode)
names = st.one_of(
    file_names,
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    st.sampled_from(
        ["a,b.jpg", 'a"b.jpg', "a\nb.jpg", "caf\udce9.jpg", "bytes:%41", "a%41", " a "]
    ),
)


def run(code: str, *arguments: object) -> str:
    """Run Python code that may import what the tests may; return what it prints."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout


@settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@pytest.mark.parametrize("form", ALL)
@given(data=st.data())
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, form: str, data: st.DataObject
) -> None:
    store = data.draw(st.sampled_from(Store), label="store")
    outputs = data.draw(st.sampled_from([ONE, SEVERAL[:2], SEVERAL, SEVERAL[1:2], SEVERAL[2:]]))
    timed = data.draw(st.booleans(), label="timed")
    called = data.draw(st.lists(names, min_size=1, max_size=7), label="names")
    info = info_of(outputs, store=store, timed=timed)
    path = tmp_path_factory.mktemp("set") / form
    refused = (
        (form == "f.npy" and (store.has_scales or len(outputs) > 1))
        or (form == "f.csv" and (store is not Store.F32 or any(len(o.shape) > 1 for o in outputs)))
    )  # fmt: skip
    if refused:
        with pytest.raises(OptionError, match=r"cannot hold|holds one output"):
            write_set(path, info, called, live=timed)
        assert list(path.parent.iterdir()) == []
        return
    write_set(path, info, called, live=timed)
    there = FeatureSet.read(path)
    assert there.info == info
    assert list(there.paths) == called
    expected = np.stack([features_of(info, row) for row in range(len(called))])
    assert there.features.dtype == np.float32
    assert there.features.shape == expected.shape
    assert there.features == pytest.approx(expected, abs=TOLERANCE[store])
    flat = info.split(expected.reshape(len(called), -1))
    for output, part in zip(outputs, flat, strict=True):
        one = there.output(output.name).features
        assert one.shape == (len(called), *output.shape)
        assert one.reshape(part.shape) == pytest.approx(part, abs=TOLERANCE[store])
    for row, record in enumerate(there):
        given_record = record_of(info, row, called[row])
        for name in ("path", *COLUMNS):
            assert getattr(record, name) == getattr(given_record, name), name


@pytest.mark.parametrize("timed", [False, True], ids=["pictures", "stream"])
@pytest.mark.parametrize("form", ALL)
def test_equal_sets_are_equal_bytes(tmp_path: Path, form: str, timed: bool) -> None:
    info = info_of(timed=timed)
    contents = []
    for place in ("one", "other"):
        (tmp_path / place).mkdir()
        write_set(tmp_path / place / form, info, ["a", "b", "c", "d"], live=timed)
        files = sorted((tmp_path / place).rglob("*"))
        contents.append({f.name: f.read_bytes() for f in files if f.is_file()})
    assert contents[0] == contents[1]


@given(names)
def test_names_are_written_as_text_and_read_as_they_were(name: str) -> None:
    written = encode_name(name)
    written.encode()  # is text
    assert "\0" not in written
    assert decode_name(written) == name


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_usual_names_are_written_as_they_are(name: str) -> None:
    assert encode_name(name) == (name if not name.startswith("bytes:") else encode_name(name))


def test_how_an_odd_name_is_written() -> None:
    assert encode_name("caf\udce9 ü.jpg") == "bytes:caf%E9 %C3%BC.jpg"
    with pytest.raises(SinkError, match="neither text nor bytes"):
        encode_name("\ud800")


@pytest.mark.parametrize("form", ALL)
def test_numbers_that_are_not_finite_keep_their_place(tmp_path: Path, form: str) -> None:
    odd = np.array([np.nan, np.inf, -np.inf, -0.0, 1e-45], np.float32)
    info = info_of()
    with open_sink(tmp_path / form, info) as sink:
        sink.write(record_of(info, 0))
        sink.write(FeatureRecord(features=odd, index=1, fingerprint="a" * 64, name="odd"))
        sink.commit()
    there = FeatureSet.read(tmp_path / form)["odd"].features
    assert there.tobytes() == odd.tobytes()


@pytest.mark.parametrize("form", ALL)
def test_records_of_another_model_or_shape_are_refused(tmp_path: Path, form: str) -> None:
    with open_sink(tmp_path / form, info_of()) as sink:
        with pytest.raises(SinkError, match=f"{form}: fingerprint: the set has aaaaaaaaaaaa, the"):
            sink.write(record_of(info_of(fingerprint="b"), 0))
        with pytest.raises(ValueError, match=r"features: expected shape \(5,\), got \(2, 3, 4\)"):
            sink.write(record_of(info_of(SEVERAL[2:]), 0))


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """Two thousand rows of 40 kB are 80 MB."""
    code = (
        "import resource, sys; from pathlib import Path; import numpy as np\n"
        "from sets_support import info_of\n"
        "from edgefeat.sets.formats import open_sink\n"
        "from edgefeat.sets.info import OutputInfo\n"
        "from edgefeat.sets.record import FeatureRecord\n"
        "info = info_of([OutputInfo(name='features', shape=(10_000,))])\n"
        "def rss(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10\n"
        "with open_sink(Path(sys.argv[1]), info) as sink:\n"
        "    for row in range(2000):\n"
        "        features = np.full(10_000, row, np.float32)\n"
        "        sink.write(FeatureRecord(features=features, index=row, name=str(row),\n"
        "                                 fingerprint='a' * 64))\n"
        "        if row == 20: before = rss()\n"
        "    sink.commit()\n"
        "print(rss() - before)"
    )
    for form in ("f.npz", "f.npy"):
        assert int(run(code, tmp_path / form)) < 20, form


def test_a_map_of_its_own_has_its_shape_in_numpy_files(tmp_path: Path) -> None:
    info = info_of([OutputInfo(name="map", shape=(2, 3, 4))], store=Store.F16)
    write_set(tmp_path / "f.npz", info, ["a", "b"])
    write_set(tmp_path / "f.npy", info, ["a", "b"])
    write_set(tmp_path / "folder", info, ["a", "b"])
    with np.load(tmp_path / "f.npz") as archive:
        assert archive["features"].shape == (2, 2, 3, 4)
        assert archive["outputs"].tolist() == ["map"]
        assert sorted(archive) == ["features", "fingerprint", "model", "outputs", "paths", "pixels"]
    assert np.load(tmp_path / "f.npy").shape == (2, 2, 3, 4)
    assert np.load(file_of(tmp_path / "folder", "shard-00000.npy")).shape == (2, 2, 3, 4)


def test_several_outputs_have_an_array_each(tmp_path: Path) -> None:
    info = info_of(SEVERAL, store=Store.I8)
    write_set(tmp_path / "f.npz", info, ["a", "b"])
    write_set(tmp_path / "folder", info, ["a", "b"])
    with np.load(tmp_path / "f.npz") as archive:
        shapes = {name: archive[name].shape for name in archive if name.startswith("output_")}
        assert archive["scales_block/2:0"].shape == (2,)
    assert shapes == {
        "output_features": (2, 5), "output_block/2:0": (2, 3), "output_a map": (2, 2, 3, 4),
    }  # fmt: skip
    assert np.load(file_of(tmp_path / "folder", "shard-00000.output-1.npy")).shape == (2, 3)


def test_a_line_longer_than_a_megabyte_is_gone_on_with(tmp_path: Path) -> None:
    info = info_of([OutputInfo(name="features", shape=(200_000,))], timed=True)
    path = tmp_path / "f.jsonl"
    for resume in (False, True):
        with JsonLinesStreamSink(path, info, resume=resume) as sink:
            sink.write(record_of(info, 0))
    assert len(FeatureSet.read(path)) == 2
