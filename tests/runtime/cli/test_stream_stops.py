"""`edgefeat stream` ends within a second, by signals and by readers that have enough."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import edgefeat

SOON_S = 5  # a stop takes a second; what did not stop would take 10 and more
COMMAND = [sys.executable, "-P", "-m", "edgefeat", "stream"]


def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=60, **options
    )


@pytest.fixture
def watched(tmp_path: Path, photos: Path) -> Path:
    """A folder with one picture that is watched: a source that never ends."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jpg").write_bytes((photos / "coffee.jpg").read_bytes())
    return folder


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
    assert time.monotonic() - asked < SOON_S
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
    assert time.monotonic() - asked < SOON_S
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
    assert time.monotonic() - asked < SOON_S
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


@pytest.mark.parametrize("end", ["stdout", "fifo"])
def test_a_reader_that_must_stay_is_an_error_when_it_goes(
    end: str, watched: Path, tmp_path: Path
) -> None:
    for n in range(3):
        (watched / f"{n}.jpg").write_bytes((watched / "a.jpg").read_bytes())
    output = ["-o", str(tmp_path / "fifo")] if end == "fifo" else []
    if output:
        os.mkfifo(output[1])
    process = subprocess.Popen(
        [*COMMAND, watched, "-q", "--on-broken-pipe", "fail", *output],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    reader = open(output[1]) if output else process.stdout  # noqa: SIM115, PTH123
    assert reader.read(10) == '{"path": "'
    reader.close()
    assert process.wait(timeout=30) == 3
    assert process.stderr is not None
    assert process.stderr.read() == (
        "edgefeat: error: the program that reads the output has ended. Start it again, and this "
        "one.\n"
    )
    process.stderr.close()
    process.stdout.close()
