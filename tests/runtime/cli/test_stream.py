"""`edgefeat stream` as a user meets it: what it reads, writes and says."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import edgefeat
from edgefeat.cli.main import main
from edgefeat.testing.faults import numbered_frame

COMMAND = [sys.executable, "-P", "-m", "edgefeat", "stream"]


def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=60, **options
    )


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def watched(tmp_path: Path, photos: Path) -> Path:
    """A folder with one picture that is watched: a source that never ends."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jpg").write_bytes((photos / "coffee.jpg").read_bytes())
    return folder


def test_a_folder_becomes_json_lines(photos: Path, extractor: edgefeat.FeatureExtractor) -> None:
    done = run(photos)
    assert done.returncode == 0
    rows = records(done.stdout)
    assert [row["path"] for row in rows] == [
        str(photos / f"{n}.jpg") for n in ("chelsea", "coffee", "rocket")
    ]
    expected = extractor.extract(photos / "chelsea.jpg")
    np.testing.assert_array_equal(np.array(rows[0]["features"], np.float32), expected)
    assert {row["fingerprint"] for row in rows} == {extractor.fingerprint}
    assert "ended: no more frames" in done.stderr
    assert "3 records" in done.stderr.splitlines()[-1]


def test_what_a_folder_has_besides_is_counted(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "shot").write_bytes((photos / "coffee.jpg").read_bytes())
    (tmp_path / "in" / "draft.psd").write_bytes(b"8BPS")
    (tmp_path / "in" / "notes.txt").write_text("Tuesday")
    done = run(tmp_path / "in", "-o", tmp_path / "a.jsonl")
    assert done.returncode == 0
    assert (
        f"edgefeat: 1 file not taken: photoshop, a picture that is not read, such as "
        f"{tmp_path}/in/draft.psd. Convert it to JPEG or PNG.\n" in done.stderr
    )
    assert "edgefeat: 1 file not taken: unknown, no picture, such as " in done.stderr
    quiet = run(tmp_path / "in", "-o", tmp_path / "b.jsonl", "--quiet")
    assert "photoshop" in quiet.stderr
    assert "unknown" not in quiet.stderr


def test_a_damaged_picture_is_named_and_exits_one(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes((photos / "coffee.jpg").read_bytes())
    (tmp_path / "b.jpg").write_bytes((photos / "coffee.jpg").read_bytes()[:5000])
    done = run(tmp_path, "--store", "f16")
    assert done.returncode == 1
    assert len(records(done.stdout)) == 1
    assert f"garbage: {tmp_path / 'b.jpg'}: the file is truncated" in done.stderr


@pytest.mark.parametrize("name", ["a.jsonl", "a", "a.npz", "a.npy", "a.csv"])
def test_every_form_is_read_back_with_names_and_times(
    photos: Path, tmp_path: Path, extractor: edgefeat.FeatureExtractor, name: str
) -> None:
    output = tmp_path / name
    done = run(photos, "-o", output)
    assert done.returncode == 0, done.stderr
    assert f"edgefeat: 3 x 1280 features in {output}" in done.stderr.splitlines()
    there = edgefeat.FeatureSet.read(output)
    assert there.paths == tuple(str(photos / f"{n}.jpg") for n in ("chelsea", "coffee", "rocket"))
    assert np.array_equal(there[1].features, extractor.extract(photos / "coffee.jpg"))
    assert there.frames is not None
    assert there.frames.index.tolist() == [0, 1, 2]
    assert (abs(there.frames.wall_time - time.time()) < 60).all()
    again = run(photos, "-o", output)
    assert again.returncode == 3
    assert "--resume, overwrite it" in again.stderr or "with --overwrite" in again.stderr
    assert run(photos, "-o", output, "--overwrite").returncode == 0
    assert len(edgefeat.FeatureSet.read(output)) == 3


@pytest.mark.parametrize("name", ["a.jsonl", "a"])
def test_an_output_is_continued(photos: Path, tmp_path: Path, name: str) -> None:
    for _ in range(2):
        done = run(photos, "-o", tmp_path / name, "--resume")
        assert done.returncode == 0, done.stderr
    said = f"edgefeat: 6 x 1280 features in {tmp_path / name}, 3 of them there before"
    assert said in done.stderr.splitlines()
    there = edgefeat.FeatureSet.read(tmp_path / name)
    assert [record.index for record in there] == [0, 1, 2, 0, 1, 2]


def test_a_stream_without_a_record_writes_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "-", "--size", "192x64", "-o", tmp_path / "a.npz"],
        input=b"", capture_output=True, timeout=60,
    )  # fmt: skip
    assert f"no record came: nothing written to {tmp_path / 'a.npz'}" in done.stderr.decode()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["stream", "extract"])
def test_the_schema_needs_no_source(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--schema"])
    assert ended.value.code == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["title"] == "One line of `edgefeat extract` or `edgefeat stream`"


def test_raw_frames_on_stdin() -> None:
    frames = b"".join(numbered_frame(n).tobytes() for n in range(3))
    done = subprocess.run(
        [*COMMAND, "-", "--size", "192x64", "-o", "-"],
        input=frames, capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0
    assert [row["index"] for row in records(done.stdout.decode())] == [0, 1, 2]


def test_on_a_terminal_it_shows_lines_for_people(photos: Path) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen([*COMMAND, photos, "-q"], stdout=slave, stderr=slave)
    os.close(slave)
    shown = b""
    while True:
        try:
            shown += os.read(master, 4096)
        except OSError:  # the other side is closed
            break
    os.close(master)
    assert process.wait(timeout=30) == 0
    lines = shown.decode().splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(f"{photos / 'chelsea.jpg'}  age ")
    assert "1280 features" in lines[0]


def test_the_live_line(watched: Path, tmp_path: Path) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, watched, "--watch", "--duration", "2.5", "-o", tmp_path / "a.jsonl"],
        stderr=slave,
    )
    os.close(slave)
    shown = b""
    while True:
        try:
            shown += os.read(master, 4096)
        except OSError:
            break
    os.close(master)
    assert process.wait(timeout=30) == 0
    assert b"\r\x1b[Kstreaming  in " in shown
    assert b"ended: 2.5 s are over" in shown


def test_a_video_is_sampled(tmp_path: Path) -> None:
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (192, 64))
    for number in range(30):
        writer.write(numbered_frame(number))
    writer.release()
    done = run(path, "--fps", "1", "--frames", "2", "--store", "f16")
    assert done.returncode == 0
    assert [(r["index"], r["media_s"]) for r in records(done.stdout)] == [(0, 0.0), (10, 1.0)]


def test_outputs_are_chosen_as_for_extract(photos: Path, root: Path) -> None:
    model = root / "tests" / "data" / "three_outputs.onnx"
    done = run(photos, "--model", model, "--outputs", "quarters,features", "--frames", "1")
    assert done.returncode == 0
    (row,) = records(done.stdout)
    features = np.array([*row["outputs"]["quarters"], *row["outputs"]["features"]], np.float32)
    with edgefeat.FeatureExtractor(model, outputs=["quarters", "features"]) as extractor:
        np.testing.assert_array_equal(features, extractor.extract(photos / "chelsea.jpg"))
        assert row["fingerprint"] == extractor.fingerprint
    done = run(photos, "--model", model, "--frames", "1")
    assert done.returncode == 0
    assert "the vector is the first output, features (3); left out: grid" in done.stderr


def test_a_live_pipe_is_sampled_by_arrival() -> None:
    camera = (
        "import sys, time\n"
        "for n in range(120):\n"
        "    sys.stdout.buffer.write(bytes([2 * n]) * 64 * 192 * 3)\n"
        "    sys.stdout.flush()\n"
        "    time.sleep(0.02)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", camera], stdout=subprocess.PIPE)
    done = run("-", "--size", "192x64", "--policy", "newest", "--fps", "5", stdin=writer.stdout)
    assert writer.stdout is not None
    writer.stdout.close()
    writer.wait()
    assert done.returncode == 0
    rows = records(done.stdout)
    times = [float(str(row["wall_time"])) for row in rows]
    assert len(rows) <= 5 * (times[-1] - times[0]) + 2
    assert len(rows) >= 5
    assert all(row["media_s"] is None for row in rows)
