"""The commands as a user meets them: real processes, real photos, every exit code."""

from __future__ import annotations

import csv
import json
import os
import pty
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import edgefeat


def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-P", "-m", "edgefeat", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        **options,
    )


@pytest.fixture
def folder(photos: Path, tmp_path: Path) -> Path:
    """Three photos, one of them in a sub-folder; hidden and foreign files beside them."""
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    shutil.copy(photos / "chelsea.jpg", folder / "a.jpg")
    shutil.copy(photos / "coffee.jpg", folder / "deep" / "b.JPEG")
    shutil.copy(photos / "rocket.jpg", folder / "c.jpg")
    (folder / ".hidden.jpg").write_bytes(b"no")
    (folder / "notes.txt").write_text("no picture")
    return folder


@pytest.fixture(scope="module")
def expected(photos: Path) -> np.ndarray:
    names = ("chelsea", "rocket", "coffee")
    return edgefeat.FeatureExtractor().extract_batch([photos / f"{n}.jpg" for n in names])


def read_set(path: Path) -> tuple[list[str], np.ndarray, str]:
    """Read a feature file as any program would: paths, features, fingerprint."""
    if path.suffix == ".npz":
        with np.load(path) as data:
            return data["paths"].tolist(), data["features"], str(data["fingerprint"])
    if path.suffix == ".jsonl":
        records = [json.loads(line) for line in path.read_text().splitlines()]
        features = np.array([record["features"] for record in records], np.float32)
        return [r["path"] for r in records], features, records[0]["fingerprint"]
    sidecar = json.loads(path.with_name(path.name + ".json").read_text())
    if path.suffix == ".npy":
        return sidecar["paths"], np.load(path), sidecar["fingerprint"]
    with path.open(newline="") as file:
        header, *rows = list(csv.reader(file))
    assert header[:2] == ["path", "f0000"]
    assert len(header) == 1281
    features = np.array([row[1:] for row in rows], np.float32)
    return [row[0] for row in rows], features, sidecar["fingerprint"]


@pytest.mark.parametrize("suffix", [".npz", ".npy", ".csv", ".jsonl"])
def test_a_folder_becomes_a_feature_file(
    folder: Path, tmp_path: Path, expected: np.ndarray, suffix: str
) -> None:
    output = tmp_path / f"features{suffix}"
    done = run("extract", folder, "-o", output)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert f"3 x 1280 features in {output}" in done.stderr
    paths, features, fingerprint = read_set(output)
    assert paths == [str(folder / name) for name in ("a.jpg", "c.jpg", "deep/b.JPEG")]
    assert features.dtype == np.float32
    assert np.array_equal(features, expected)
    assert fingerprint == edgefeat.FeatureExtractor().fingerprint
    assert [p.name for p in tmp_path.iterdir() if p.name.endswith(".part")] == []


def test_bad_pictures_are_named_and_the_rest_done(folder: Path, tmp_path: Path) -> None:
    (folder / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    output = tmp_path / "features.npz"
    done = run("extract", folder, tmp_path / "none.jpg", tmp_path / "*.gif", "-o", output, "--json")
    assert done.returncode == 1
    summary = json.loads(done.stdout)
    assert summary["written"] == 3
    assert summary["failed"] == [
        {
            "path": f"{tmp_path}/*.gif",
            "reason": "this pattern names no file. Check it, and quote it.",
        },
        {
            "path": str(folder / "b.png"),
            "reason": "the PNG header is damaged. Check the file, or convert it to JPEG or PNG.",
        },
        {"path": str(tmp_path / "none.jpg"), "reason": "no such file. Check the path."},
    ]
    for failure in summary["failed"]:
        assert f"edgefeat: {failure['path']}: {failure['reason']}" in done.stderr
    assert len(read_set(output)[0]) == 3


def test_a_folder_without_pictures_writes_nothing(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "notes.txt").write_text("no picture")
    done = run("extract", empty, "-o", tmp_path / "f.npz")
    assert done.returncode == 1
    assert (
        f"edgefeat: {empty}: the only file below it is no picture that is read: 1 unknown."
        in done.stderr
    )
    assert "nothing written" in done.stderr
    assert not (tmp_path / "f.npz").exists()


def test_patterns_reach_into_folders(folder: Path, tmp_path: Path) -> None:
    done = run("extract", f"{folder}/**/*.jp*g", f"{folder}/**/*.JPEG", "-o", tmp_path / "f.npz")
    assert done.returncode == 0, done.stderr
    assert len(read_set(tmp_path / "f.npz")[0]) == 3


def test_without_output_json_lines_go_into_a_pipe(photos: Path, expected: np.ndarray) -> None:
    done = run("extract", photos / "chelsea.jpg", photos / "rocket.jpg")
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["path"] for record in records] == [
        str(photos / "chelsea.jpg"), str(photos / "rocket.jpg"),
    ]  # fmt: skip
    assert np.array_equal(np.array([r["features"] for r in records], np.float32), expected[:2])


def on_a_terminal(*arguments: object) -> str:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "edgefeat", *map(str, arguments)],
        stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the other end was closed
            break
        if not part:
            break
        seen += part
    os.close(ours)
    assert process.wait(60) == 0
    return seen.decode()


def test_a_terminal_shows_a_bar_or_readable_lines(photos: Path, tmp_path: Path) -> None:
    with_output = on_a_terminal("extract", photos, "-o", tmp_path / "f.npz")
    assert "photos [########################] 3/3" in with_output
    without = on_a_terminal("extract", photos / "coffee.jpg")
    assert f"{photos / 'coffee.jpg'}  1280 features  " in without
    quiet = on_a_terminal("extract", photos, "-o", tmp_path / "f.npz", "--overwrite", "--quiet")
    assert quiet == ""
    for_programs = on_a_terminal("extract", photos / "coffee.jpg", "-o", "-")
    assert json.loads(for_programs)["path"] == str(photos / "coffee.jpg")


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (
            "no/such/folder/f.npz",
            "the folder {0}/no/such/folder does not exist. Create it, or choose another place.",
        ),
        ("there.npz", "exists already. Replace it with --overwrite, or name another file."),
        (
            "there/",
            "holds 'mine' and no feature set. Name an empty or a new folder.",
        ),
        ("taken.npz", "a folder, expected a file. Name a file inside it."),
    ],
    ids=["no-folder", "there", "foreign-folder", "is-a-folder"],
)
def test_output_that_cannot_be(photos: Path, tmp_path: Path, output: str, message: str) -> None:
    (tmp_path / "taken.npz").mkdir()
    (tmp_path / "there").mkdir()
    for name in ("there.npz", "there/mine"):
        (tmp_path / name).write_text("mine")
    done = run("extract", photos, "-o", f"{tmp_path}/{output}")
    assert done.returncode == 3
    said = message.format(tmp_path)
    assert done.stderr.splitlines()[-1] == f"edgefeat: error: {tmp_path / output}: {said}"


def test_a_full_disk_keeps_the_old_file(photos: Path, tmp_path: Path) -> None:
    """A limit on file size fails a write as a full disk does: with an OSError in the middle."""
    output = tmp_path / "f.csv"
    output.write_text("old but good")

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = run("extract", photos, "-o", output, "--overwrite", preexec_fn=limit)
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1] == (
        f"edgefeat: error: {output}: cannot be written: File too large. Nothing was replaced. "
        "Free some space, or choose a place on another disk."
    )
    assert output.read_text() == "old but good"
    assert [path.name for path in tmp_path.iterdir()] == ["f.csv"]


def test_ctrl_c_leaves_the_old_file_and_no_other(photos: Path, tmp_path: Path) -> None:
    output, many = tmp_path / "out" / "f.npz", tmp_path / "many"
    for folder in (output.parent, many):
        folder.mkdir()
    for number in range(900):
        (many / f"{number}.jpg").symlink_to(photos / "coffee.jpg")
    output.write_bytes(b"old but good")
    command = [
        sys.executable,
        "-P",
        "-m",
        "edgefeat",
        "extract",
        str(many),
        "-o",
        str(output),
        "--overwrite",
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while len(list(output.parent.iterdir())) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors.splitlines()[-1].startswith("edgefeat: nothing written, interrupted")
    assert "Traceback" not in errors
    assert output.read_bytes() == b"old but good"
    assert [path.name for path in output.parent.iterdir()] == ["f.npz"]


def test_a_reader_that_has_enough_is_no_error(photos: Path, tmp_path: Path) -> None:
    for number in range(12):  # 170 kB of JSON: more than a pipe holds
        (tmp_path / f"{number}.jpg").write_bytes((photos / "rocket.jpg").read_bytes())
    command = f"{sys.executable} -P -m edgefeat extract {tmp_path} | head -c 100"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)  # noqa: S602
    assert done.stdout.startswith('{"path": ')
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["extract"], "expected a SOURCE, or names by --files-from FILE"),
        (["extract", "a.jpg", "--threads", "0"], "expected a whole number of 1 or more, got 0."),
        (
            ["extract", "a.jpg", "--decode", "half"],
            "--decode: expected 'full' or 'reduced', got 'half'.",
        ),
    ],
    ids=["no-source", "threads", "decode"],
)
def test_wrong_usage_is_explained(arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unusable_model_is_one_line(tmp_path: Path, photos: Path) -> None:
    done = run("extract", photos, "--model", tmp_path / "none.onnx")
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.startswith(f"edgefeat: error: {tmp_path}/none.onnx: no such file.")
    assert len(done.stderr.splitlines()) == 1


def test_info_shows_the_spec_and_the_self_test(model_path: Path) -> None:
    done = run("info", "--self-test")
    assert done.returncode == 0, done.stderr
    rows = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert rows["file"].startswith(str(model_path))
    assert rows["input"] == "uint8 224 x 224 x 3 (rgb)"
    assert rows["output"].startswith("features: 1280 from ")
    assert rows["self-test"].startswith("passed: relative L2 ")
    as_json = json.loads(run("info", model_path, "--json", "--self-test").stdout)
    assert as_json["spec"]["outputs"][0]["shape"] == [1280]
    assert as_json["self_test"]["passed"] is True
    assert "self_test" not in json.loads(run("info", "--json").stdout)


def test_version_and_help() -> None:
    assert run("--version").stdout == f"edgefeat {edgefeat.__version__}\n"
    help_text = run("extract", "--help").stdout
    assert "examples:" in help_text
    assert "exit codes:" in help_text


def test_a_full_stdout_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-P", "-m", "edgefeat", "info"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    said = (
        "edgefeat: error: output cannot be written in full: No space left on device. Free some "
        "space, or write elsewhere.\n"
    )
    assert (done.returncode, done.stderr) == (3, said)
