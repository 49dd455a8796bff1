"""A source that never came leaves nothing behind, takes nothing away, and blocks no later try."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import edgefeat
from edgefeat.cli.main import main

COMMAND = [sys.executable, "-P", "-m", "edgefeat", "stream"]
NOBODY = "rtsp://127.0.0.1:1/live"
OUTPUTS = ["a.jsonl", "a", "a/b", "a.npz", "a.csv"]


def run(*arguments: object) -> int:
    return main(["stream", *map(str, arguments)])


def content(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.parametrize("output", OUTPUTS)
def test_nothing_is_left_and_the_next_try_works(
    output: str, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a").mkdir() if output == "a/b" else None
    before = sorted(tmp_path.rglob("*"))
    for more in ([], [], ["--overwrite"]):
        assert run(NOBODY, "-o", tmp_path / output, *more) == 3
        said = capsys.readouterr().err
        assert "no record came: nothing written" in said
        assert "refused or not a video stream" in said.splitlines()[-1]
        assert sorted(tmp_path.rglob("*")) == before
    assert run(photos, "-o", tmp_path / output) == 0
    assert len(edgefeat.FeatureSet.read(tmp_path / output)) == 3


@pytest.mark.parametrize("more", [["--rotate", "1d"], ["--rotate", "1d", "--overwrite"]])
@pytest.mark.parametrize("output", ["a.jsonl", "a"])
def test_a_part_without_a_record_is_left_neither(
    output: str, more: list[str], tmp_path: Path
) -> None:
    assert run(NOBODY, "-o", tmp_path / output, *more) == 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", ["--overwrite", "--resume"])
@pytest.mark.parametrize("output", ["a.jsonl", "a", "a.npz"])
def test_what_was_there_stays(output: str, how: str, photos: Path, tmp_path: Path) -> None:
    assert run(photos, "-o", tmp_path / output) == 0
    before = content(tmp_path)
    code = run(NOBODY, "-o", tmp_path / output, how)
    assert code == (2 if (output, how) == ("a.npz", "--resume") else 3)
    assert content(tmp_path) == before
    if output != "a.npz" or how == "--overwrite":
        assert run(photos, "-o", tmp_path / output, how) == 0
        rows = 6 if how == "--resume" else 3
        assert len(edgefeat.FeatureSet.read(tmp_path / output)) == rows


@pytest.mark.parametrize("output", ["a.jsonl", "a"])
def test_a_kill_before_the_first_record_blocks_no_later_try(
    output: str, photos: Path, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/video"
        process = subprocess.Popen([*COMMAND, url, "--timeout", "60", "-o", tmp_path / output])
        connection, _ = silent.accept()
        with connection:
            time.sleep(0.1)
            process.send_signal(signal.SIGKILL)
            process.wait()
    assert run(photos, "-o", tmp_path / output) == 0
    assert len(edgefeat.FeatureSet.read(tmp_path / output)) == 3


def test_two_that_wait_for_a_camera_do_not_take_each_others_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second one is refused; when it ends, the first one's file is still there."""
    output = tmp_path / "a.jsonl"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/video"
        first = subprocess.Popen([*COMMAND, url, "--timeout", "60", "-q", "-o", output])
        connection, _ = silent.accept()
        with connection:
            assert run(NOBODY, "-o", output) == 3
            assert "another program is writing it" in capsys.readouterr().err
            assert output.exists()
            first.send_signal(signal.SIGTERM)
            assert first.wait(timeout=20) == 0
    assert not output.exists()


def test_a_link_to_a_file_that_is_not_there_yet(photos: Path, tmp_path: Path) -> None:
    link, file = tmp_path / "a.jsonl", tmp_path / "real.jsonl"
    link.symlink_to(file)
    assert run(NOBODY, "-o", link) == 3
    assert link.is_symlink()
    assert not file.exists()
    assert run(photos, "-o", link) == 0
    assert len(edgefeat.FeatureSet.read(file)) == 3
