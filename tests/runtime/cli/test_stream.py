"""`edgefeat stream` as a user meets it: real processes, signals, pipes, files."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
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


@pytest.mark.parametrize("name", ["a.jsonl", "a", "a.npz"])
def test_what_a_kill_leaves(watched: Path, tmp_path: Path, name: str) -> None:
    output, health = tmp_path / name, tmp_path / "health.json"
    process = subprocess.Popen(
        [*COMMAND, watched, "--watch", "-q", "-o", output, "--health", health]
    )
    deadline = time.monotonic() + 30
    while not health.exists() or json.loads(health.read_text())["emitted"] < 1:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.kill()
    process.wait()
    if name == "a.npz":
        assert not output.exists()
    else:
        assert len(edgefeat.FeatureSet.read(output)) == 1
    assert run(watched, "-q", "-o", output).returncode == (0 if name == "a.npz" else 3)
    assert not list(tmp_path.glob(".a.*"))


def test_a_source_that_is_lost_does_not_cost_what_it_gave(tmp_path: Path, photos: Path) -> None:
    """Only the sink's own failure does: here the camera goes, and the file still appears."""
    code = (
        "import sys, edgefeat.cli.main as program\n"
        "from edgefeat.errors import SourceError\n"
        "from edgefeat.streaming import Stream\n"
        "real = Stream.__iter__\n"
        "def lost(self):\n"
        "    yield from real(self)\n"
        "    raise SourceError('the camera is gone')\n"
        "Stream.__iter__ = lost\n"
        "sys.exit(program.main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, "stream", photos, "-o", tmp_path / "a.npz"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 3
    assert done.stderr.splitlines()[-2:] == [
        f"edgefeat: 3 x 1280 features in {tmp_path / 'a.npz'}",
        "edgefeat: error: the camera is gone.",
    ]
    assert len(edgefeat.FeatureSet.read(tmp_path / "a.npz")) == 3


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_signal_ends_it_within_a_second_with_everything_written(
    watched: Path, tmp_path: Path, number: signal.Signals
) -> None:
    output, health = tmp_path / "out", tmp_path / "health.json"
    process = subprocess.Popen(
        [*COMMAND, watched, "--watch", "-o", output, "--health", health],
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 30
    while not health.exists() or json.loads(health.read_text())["emitted"] < 1:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    asked = time.monotonic()
    _, said = process.communicate(timeout=10)
    assert time.monotonic() - asked < 1.5  # the second, and the interpreter's own end
    assert process.returncode == 0
    assert len(edgefeat.FeatureSet.read(output)) == 1
    last = json.loads(health.read_text())
    assert (last["state"], last["emitted"], last["dropped"]) == ("ended", 1, 0)
    assert last["latency_p99_ms"] is None
    assert "Traceback" not in said
    assert "ended: stopped" in said


def test_a_stop_while_it_connects_to_a_camera_that_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"rtsp://127.0.0.1:{mute.getsockname()[1]}/live"
        process = subprocess.Popen([*COMMAND, url, "--timeout", "30"], stderr=subprocess.PIPE)
        connection, _ = mute.accept()
        with connection:
            process.send_signal(signal.SIGTERM)
            asked = time.monotonic()
            _, said = process.communicate(timeout=20)
    assert time.monotonic() - asked < 1.5
    assert process.returncode == 0
    assert said.decode().splitlines()[0] == f"edgefeat: {url}: ended: stopped"


def test_a_reader_that_stops_reading_does_not_keep_it(watched: Path, tmp_path: Path) -> None:
    """Stdout is a full pipe: the write is broken off after the second that a stop may take."""
    for n in range(40):
        (watched / f"{n}.jpg").write_bytes((watched / "a.jpg").read_bytes())
    process = subprocess.Popen(
        [*COMMAND, watched, "--watch"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    process.stdout.read(100)
    time.sleep(1.5)  # long enough to fill the pipe
    process.send_signal(signal.SIGTERM)
    asked = time.monotonic()
    process.wait(timeout=10)
    assert time.monotonic() - asked < 2
    process.stdout.close()


def test_a_reader_that_has_enough_ends_it_quietly(photos: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, photos, "-q"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.read(10) == b'{"path": "'
    process.stdout.close()
    assert process.wait(timeout=30) == 0
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["-", "--pixel", "nv12"],
            "--pixel: needs the size of the raw frames on stdin. Give it as in `--size 640x480`.",
        ),
        (
            ["-", "--size", "4x4", "--pixel", "rgb"],
            "--pixel: expected 'bgr24' or 'rgb24' or 'gray8' or 'yuyv422' or 'nv12' or 'yuv420p', "
            "got 'rgb'.",
        ),
        (
            ["clip.mp4", "--stride", "5"],
            "--stride: goes only with raw frames on stdin.",
        ),
        (["-", "--size", "4"], "--size: expected WIDTHxHEIGHT, such as 640x480, got '4'"),
        (["a.mp4", "--size", "4x4"], "--size: does not go with the source a.mp4. Leave it out."),
        (
            ["a.mp4", "--camera-fps", "4"],
            "--camera-fps: does not go with the source a.mp4. Leave it out.",
        ),
        (
            ["rtsp://u:p@h/", "--watch"],
            "--watch: does not go with the source rtsp://***@h/. Leave it out.",
        ),
        (
            ["photos", "-o", "a.npz", "--resume"],
            "--resume: goes on with a folder or a .jsonl file, not with 'a.npz'.",
        ),
        (["photos", "-o", "a.doc"], "--output: expected a folder or a file ending in .npz, .npy,"),
        (["a.mp4", "--fps", "-1"], "--fps: expected a number above 0, got -1.0."),
        (["a.mp4", "--every", "x"], "--every: expected a whole number of 1 or more, got 'x'."),
        (
            ["photos", "--fps", "2"],
            "the frames of photos have no times, so 2 a second mean nothing. "
            "Leave the rate out: --every 10 takes one frame of ten. Or choose the policy `newest`, "
            "which samples frames by their arrival.",
        ),
        (["a.mp4", "--novelty", "7"], "--novelty: expected a cosine distance up to 2, got 7."),
        (
            ["0", "--reconnect", "-1"],
            "--reconnect: expected a whole number of 0 or more, got '-1'.",
        ),
        (
            ["0", "--backoff", "60"],
            "--backoff-max: expected at least the first wait (60), got 30.",
        ),
        (
            ["photos", "--wait"],
            "--wait: does not go with photos, which is opened only once. Leave it out.",
        ),
        (
            ["photos", "--reconnect", "3"],
            "--reconnect: does not go with photos, which is opened only once. Leave it out.",
        ),
        (
            ["a.mp4", "--roi", "1,2"],
            "--roi: expected x,y,width,height inside the picture, got (1.0, 2.0).",
        ),
    ],
    ids=[
        "no-size",
        "pixel",
        "stdin-rate",
        "size",
        "camera-size",
        "camera-rate",
        "watch",
        "resume",
        "ending",
        "fps",
        "every",
        "fps-of-stills",
        "novelty",
        "retry",
        "backoff",
        "wait",
        "retry-of-stills",
        "roi",
    ],
)
def test_wrong_usage_exits_two(
    arguments: list[str],
    message: str,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(photos.parent)
    try:
        code: object = main(["stream", *arguments])
    except SystemExit as ended:  # argparse's own way
        code = ended.code
    assert code == 2
    assert message in capsys.readouterr().err


def test_a_source_that_cannot_be_opened_exits_three_and_hides_the_password() -> None:
    done = run("rtsp://me:hunter2@127.0.0.1:9/live?token=hunter2", "--timeout", "2")
    assert done.returncode == 3
    assert "hunter2" not in done.stdout + done.stderr
    assert done.stderr.splitlines()[-1] == (
        "edgefeat: error: rtsp://***@127.0.0.1:9/live?token=***: refused or not a video stream. "
        "Check address, port, path, user and password."
    )


def test_the_error_that_ends_a_stream_is_told_once() -> None:
    done = run("nope.mp4")
    assert done.returncode == 3
    assert done.stderr == "edgefeat: error: nope.mp4: no such file. Check the path.\n"


def test_another_models_output_is_refused(photos: Path, tmp_path: Path) -> None:
    output = tmp_path / "a.jsonl"
    assert run(photos, "-q", "-o", output).returncode == 0
    done = run(photos, "-q", "-o", output, "--normalize", "--resume")
    assert done.returncode == 3
    assert "Vectors of different models or preprocessing cannot be compared" in done.stderr
    assert len(records(output.read_text())) == 3


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


def test_a_camera_that_sends_no_key_frame_in_time_is_explained() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"rtsp://127.0.0.1:{mute.getsockname()[1]}/live"
        done = run(url, "--timeout", "1")
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1] == (
        f"edgefeat: error: {url}: no answer, or no key frame, in 1 s. Check address, port, path, "
        "user and password; if key frames come more rarely, raise --timeout."
    )
