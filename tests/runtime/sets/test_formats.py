"""Every format gives back what it was given, and every output has one rule for what is there."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgefeat import FeatureSet, SinkError
from edgefeat.errors import OptionError
from edgefeat.options.output import OutputOptions
from edgefeat.sets.encoding import Store
from edgefeat.sets.formats import OutputPlan, is_folder, open_sink
from edgefeat.sets.frames import COLUMNS
from edgefeat.sets.info import OutputInfo
from edgefeat.sets.json_lines import JsonLinesStreamSink
from edgefeat.sets.names import decode_name, encode_name
from edgefeat.sets.record import Failure, FeatureRecord
from sets_support import (
    FORMATS,
    ONE,
    SEVERAL,
    features_of,
    file_of,
    info_of,
    killed_at,
    record_of,
    write_set,
)

ALL = (*FORMATS, *(["f.parquet"] if find_spec("pyarrow") else []))
TOLERANCE = {Store.F32: 0.0, Store.F16: 3e-3, Store.I8: 0.03}

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
        (form == "f.npy" and (store is Store.I8 or len(outputs) > 1))
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
def test_nothing_is_left_of_a_set_that_was_given_up(tmp_path: Path, form: str) -> None:
    info = info_of()
    with open_sink(tmp_path / form, info) as sink:
        sink.write(record_of(info, 0))
        sink.close()
        sink.close()
    left = {path.name for path in tmp_path.rglob("*")}
    assert left == ({"folder", "errors.jsonl", "manifest.json"} if form == "folder" else set())


@pytest.mark.parametrize("form", ALL)
def test_records_of_another_model_or_shape_are_refused(tmp_path: Path, form: str) -> None:
    with open_sink(tmp_path / form, info_of()) as sink:
        with pytest.raises(SinkError, match=f"{form}: fingerprint: the set has aaaaaaaaaaaa, the"):
            sink.write(record_of(info_of(fingerprint="b"), 0))
        with pytest.raises(ValueError, match=r"features: expected shape \(5,\), got \(2, 3, 4\)"):
            sink.write(record_of(info_of(SEVERAL[2:]), 0))


@pytest.mark.parametrize("form", ALL)
def test_what_is_there_is_refused_unless_it_may_go(tmp_path: Path, form: str) -> None:
    path, info = tmp_path / form, info_of()
    write_set(path, info, ["old"] * 7)
    before = {p.name: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    with pytest.raises(SinkError) as caught:
        write_set(path, info, ["new"])
    assert str(caught.value) == (
        f"{path}: holds a finished feature set of 7 rows. Go on with it by resume=True, overwrite "
        "it, or name another folder."
        if form == "folder"
        else f"{path}: exists already. Replace it with overwrite=True, or name another file."
    )
    assert {p.name: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    write_set(path, info, ["new"], overwrite=True)
    assert FeatureSet.read(path).paths == ("new",)
    others = {".npy": {"f.npy.json"}, ".csv": {"f.csv.json"}}.get(path.suffix, set())
    if form != "folder":
        assert {p.name for p in tmp_path.iterdir()} == {form} | others


def test_a_live_file_is_gone_on_with_or_replaced(tmp_path: Path) -> None:
    path, info = tmp_path / "f.jsonl", info_of(timed=True)
    write_set(path, info, [None], live=True)
    with pytest.raises(SinkError) as caught:
        write_set(path, info, [None], live=True)
    assert str(caught.value) == (
        f"{path}: exists already. Go on with it by resume=True, overwrite it, or name another file."
    )
    write_set(path, info, [None, None], live=True, resume=True)
    assert len(FeatureSet.read(path)) == 3
    write_set(path, info, [None, None], live=True, overwrite=True)
    assert len(FeatureSet.read(path)) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"output": "f.xlsx"},
            "output: expected a folder or a file ending in .npz, .npy, .csv, .jsonl, .parquet, got "
            "'f.xlsx'.",
        ),
        ({"output": "f/", "resume": True, "overwrite": True}, "resume: does not go with overwrite"),
        ({"output": "f.npz", "resume": True}, "resume: goes on with a folder, not with 'f.npz'."),
        (
            {"output": "f.npz", "resume": True, "live": True},
            "resume: goes on with a folder or a .jsonl file, not with 'f.npz'.",
        ),
        ({"output": "-", "resume": True}, "resume: goes on with a folder, not with '-'."),
        ({"output": "-", "overwrite": True}, "overwrite: there is nothing to replace on '-'."),
        (
            {"output": "f.npz", "shard_size": 8},
            "shard_size: needs a folder as output, such as features/.",
        ),
        (
            {"output": "f.csv", "store": Store.I8},
            "store: a .csv file cannot hold i8, only f32. Choose .npz, .parquet, .jsonl or a "
            "folder.",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)  # fmt: skip
def test_options_that_do_not_go_with_an_output(options: dict[str, object], message: str) -> None:
    plan = {name: options[name] for name in ("output", "live") if name in options}
    rest = {name: value for name, value in options.items() if name not in plan}
    with pytest.raises(OptionError) as caught:
        OutputPlan(**plan, options=OutputOptions(**rest))  # type: ignore[arg-type]
    assert str(caught.value).startswith(message)


def test_outputs_that_are_folders(tmp_path: Path) -> None:
    (tmp_path / "set.v2").mkdir()
    (tmp_path / "set.npz").mkdir()
    named = {"features/": True, "features": True, "f.npz": False, "f.xyz": False}
    named |= {f"{tmp_path}/set.v2": True, f"{tmp_path}/set.npz": False, "/dev/null": False}
    assert {name: is_folder(name) for name in named} == named
    with pytest.raises(SinkError, match=r"set\.npz: a folder, expected a file\. Name a file"):
        open_sink(tmp_path / "set.npz", info_of())


def test_pipes_and_devices_get_json_lines(tmp_path: Path) -> None:
    info, pipe = info_of(), tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_set(pipe, info, ["a", "b"], shard_size=None)
    reader.join()
    assert [line[:12] for line in got[0].splitlines()] == [b'{"path": "a"', b'{"path": "b"']
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    write_set(Path("/dev/null"), info, ["a"], shard_size=None)
    with pytest.raises(SinkError, match="/dev/full: cannot be written: No space left on device"):
        write_set(Path("/dev/full"), info, ["a"], shard_size=None)


@pytest.mark.parametrize("output", ["-", "/dev/stdout"])
def test_stdout_is_not_closed(output: str) -> None:
    code = (
        "from sets_support import info_of, record_of\n"
        "from edgefeat.sets.formats import open_sink\n"
        f"with open_sink({output!r}, info_of()) as sink: sink.write(record_of(info_of(), 0))\n"
        "print('after')"
    )
    line, after = run(code).splitlines()
    assert line.startswith('{"path": "0.jpg", "index": 0, "model": "toy", "fingerprint": "aaaa')
    assert after == "after"


@pytest.mark.parametrize("form", FORMATS)
def test_failures_are_listed_beside_a_file_and_go_with_the_next_set(
    tmp_path: Path, form: str
) -> None:
    info, path = info_of(), tmp_path / form
    ledger = path / "errors.jsonl" if form == "folder" else tmp_path / f"{form}.errors.jsonl"
    with open_sink(path, info) as sink:
        sink.write(record_of(info, 0))
        sink.fail(Failure(path="caf\udce9", reason="It is bad."))
        sink.commit()
        summary = sink.summary()
    assert (summary.rows, summary.resumed, summary.failures) == (1, 0, 1)
    assert ledger.read_text() == '{"path": "bytes:caf%E9", "reason": "It is bad."}\n'
    write_set(path, info, ["a"], overwrite=True)
    assert not ledger.exists() or ledger.read_text() == ""


def test_a_set_of_nothing_but_failures_leaves_the_old_file(tmp_path: Path) -> None:
    path, info = tmp_path / "f.npz", info_of()
    write_set(path, info, ["old"])
    with open_sink(path, info, overwrite=True) as sink:
        sink.fail(Failure(path="a", reason="It is bad."))
        sink.commit()
        assert sink.summary().rows == 0
    assert FeatureSet.read(path).paths == ("old",)


def test_a_file_that_came_meanwhile_is_kept(tmp_path: Path) -> None:
    path, info = tmp_path / "f.npz", info_of()
    with open_sink(path, info) as sink:
        sink.write(record_of(info, 0))
        path.write_text("of another program")
        with pytest.raises(SinkError, match=r"something of this name exists\. Choose"):
            sink.commit()
    assert path.read_text() == "of another program"


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    info = info_of()
    for name, live in (("f.npz", False), ("f.jsonl", True)):
        with (
            open_sink(tmp_path / name, info, live=live),
            pytest.raises(SinkError, match=f"{name}: another program is writing it"),
        ):
            open_sink(tmp_path / name, info, live=live, overwrite=True)


@pytest.mark.parametrize("form", FORMATS)
def test_a_kill_at_any_step_leaves_the_old_set_or_the_new_one(tmp_path: Path, form: str) -> None:
    """Of `.npy` and `.csv`, which are two files, it may also leave one that says it is half."""
    info, seen = info_of(), set()
    for step in count():
        path = tmp_path / str(step) / form
        path.parent.mkdir()
        write_set(path, info, ["old"])
        killed = killed_at(step, lambda path=path: write_set(path, info, ["new"], overwrite=True))  # type: ignore[misc]
        if form in ("f.npy", "f.csv") and not path.with_name(form + ".json").exists():
            with pytest.raises(SinkError, match="which says whose features these are, is missing"):
                FeatureSet.read(path)
        else:
            seen.add(FeatureSet.read(path).paths)
        write_set(path, info, ["newer"], overwrite=True)
        assert FeatureSet.read(path).paths == ("newer",)
        assert [p.name for p in tmp_path.rglob("*.part")] == []
        if not killed:
            break
    assert {("old",), ("new",)} <= seen
    assert seen <= {("old",), ("new",), ()}  # a folder may be begun anew


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
