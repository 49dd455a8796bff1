"""Every output has one rule for what is there: refused, gone on with, or replaced whole."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import pytest

from edgefeat import FeatureSet, SinkError
from edgefeat.errors import OptionError
from edgefeat.options.output import OutputOptions
from edgefeat.sets.encoding import Store
from edgefeat.sets.formats import OutputPlan, is_folder, open_sink
from edgefeat.sets.record import Failure
from sets_support import (
    FORMATS,
    info_of,
    killed_at,
    record_of,
    write_set,
)

ALL = (*FORMATS, *(["f.parquet"] if find_spec("pyarrow") else []))


def run(code: str, *arguments: object) -> str:
    """Run Python code that may import what the tests may; return what it prints."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout


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
