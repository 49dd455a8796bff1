"""`edgefeat stream` where nobody watches: dead cameras, stuck and broken logs, signals."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-P", "-m", "edgefeat", "stream"]
SOON_S = 5  # a stop takes a second; what did not stop would take 20
CAMERA = Path(__file__).parents[2] / "support" / "mjpeg_camera.py"


@pytest.fixture
def flapping() -> Iterator[str]:
    """The URL of a camera that closes each connection after ten frames."""
    camera = subprocess.Popen(
        [sys.executable, "-P", str(CAMERA), "0"], stdout=subprocess.PIPE, text=True
    )
    assert camera.stdout is not None
    yield f"http://127.0.0.1:{int(camera.stdout.readline())}/ends"
    camera.kill()
    camera.wait()
    camera.stdout.close()


@pytest.fixture
def watched(tmp_path: Path, photos: Path) -> Path:
    """A folder with one picture that is watched: a source that never ends."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jpg").write_bytes((photos / "coffee.jpg").read_bytes())
    return folder


def wait_for_records(path: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while not path.exists() or path.read_bytes().count(b"\n") < count:
        assert process.poll() is None, "it ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.05)


def fill(pipe: int) -> None:
    """Leave no room in a pipe that nobody reads."""
    os.set_blocking(pipe, False)
    with suppress(BlockingIOError):
        while True:
            os.write(pipe, b"x")
    os.set_blocking(pipe, True)


def stop(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> float:
    """Send a signal; return how many seconds the process then took to end."""
    asked = time.monotonic()
    process.send_signal(number)
    process.wait(timeout=20)
    return time.monotonic() - asked


def test_it_ends_in_good_order_while_opencv_waits_for_a_dead_camera() -> None:
    """The sweep covers the moment at which OpenCV's own timeout comes while Python ends."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        url = f"rtsp://127.0.0.1:{silent.getsockname()[1]}/live"
        codes = []
        for step in range(12):
            options = ["--timeout", "1", "--duration", f"{0.1 + step / 20:.2f}", "--wait", "-q"]
            done = subprocess.run([*COMMAND, url, *options], capture_output=True, timeout=60)
            codes.append((done.returncode, done.stderr))
    assert codes == [(0, b"")] * 12


def test_a_program_that_leaves_a_stream_behind_ends_in_good_order() -> None:
    code = (
        "import sys, edgefeat\n"
        "from edgefeat.streaming import Limits\n"
        "limits = Limits(timeout_s=1, wait=True, duration_s=float(sys.argv[2]))\n"
        "list(edgefeat.stream(sys.argv[1], limits=limits))\n"
    )
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        url = f"rtsp://127.0.0.1:{silent.getsockname()[1]}/live"
        for duration in ("0.2", "0.4"):
            command = [sys.executable, "-P", "-c", code, url, duration]
            assert subprocess.run(command, capture_output=True, timeout=60).returncode == 0


def test_a_log_that_nobody_reads_stops_nothing(flapping: str, tmp_path: Path) -> None:
    output, health = tmp_path / "a.jsonl", tmp_path / "health.json"
    reading, writing = os.pipe()
    fill(writing)
    process = subprocess.Popen(
        [*COMMAND, flapping, "-o", output, "--health", health], stderr=writing
    )
    os.close(writing)
    deadline = time.monotonic() + 60
    while not health.exists() or json.loads(health.read_text())["losses"] < 3:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert time.time() - json.loads(health.read_text())["updated_at"] < 3
    assert stop(process) < SOON_S
    assert process.returncode == 0
    assert json.loads(health.read_text())["state"] == "ended"
    os.close(reading)


@pytest.mark.parametrize("log", ["full", "closed", "broken"])
@pytest.mark.parametrize("quiet", [[], ["-q"]], ids=["loud", "quiet"])
def test_a_log_that_cannot_be_written_stops_nothing(
    log: str, quiet: list[str], photos: Path, tmp_path: Path
) -> None:
    output = tmp_path / "a.jsonl"
    if log == "broken":
        reading, writing = os.pipe()
        os.close(reading)
    else:
        writing = os.open("/dev/full", os.O_WRONLY)
    try:
        done = subprocess.run(
            [*COMMAND, photos, "-o", output, *quiet],
            stderr=writing,
            timeout=60,
            preexec_fn=(lambda: os.close(2)) if log == "closed" else None,
        )
    finally:
        os.close(writing)
    assert done.returncode == 0
    assert output.read_bytes().count(b"\n") == 3


def test_health_that_cannot_be_written_is_told_once_and_stops_nothing(
    watched: Path, tmp_path: Path
) -> None:
    output, folder = tmp_path / "a.jsonl", tmp_path / "gone"
    folder.mkdir()
    process = subprocess.Popen(
        [*COMMAND, watched, "--watch", "-q", "-o", output, "--health", folder / "h.json"],
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    wait_for_records(output, 1, process)
    for left in folder.iterdir():
        left.unlink()
    folder.rmdir()
    time.sleep(2.5)
    folder.mkdir()
    deadline = time.monotonic() + 10
    while not (folder / "h.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert stop(process) < SOON_S
    assert process.returncode == 0
    assert process.stderr.read().decode() == (
        f"edgefeat: {folder / 'h.json'}: the folder {folder} does not exist. Create it, "
        "or choose another place. The stream goes on, and tries again each second.\n"
    )
    process.stderr.close()


def test_a_wrong_place_for_health_is_found_at_the_start(photos: Path, tmp_path: Path) -> None:
    place = tmp_path / "missing" / "h.json"
    done = subprocess.run(
        [*COMMAND, photos, "--health", place], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        f"edgefeat: error: {place}: the folder {place.parent} does not exist. Create it, "
        "or choose another place.\n"
    )


def test_a_hang_up_ends_it_as_a_stop_does(watched: Path, tmp_path: Path) -> None:
    output, log = tmp_path / "a.jsonl", tmp_path / "log"
    with log.open("wb") as file:
        process = subprocess.Popen([*COMMAND, watched, "--watch", "-o", output], stderr=file)
        wait_for_records(output, 1, process)
        assert stop(process, signal.SIGHUP) < SOON_S
    assert process.returncode == 0
    assert "ended: stopped" in log.read_text()


def test_under_nohup_a_hang_up_stays_ignored(watched: Path, tmp_path: Path) -> None:
    output = tmp_path / "a.jsonl"
    process = subprocess.Popen(
        ["nohup", *COMMAND, watched, "--watch", "-q", "-o", output], stderr=subprocess.DEVNULL
    )
    wait_for_records(output, 1, process)
    process.send_signal(signal.SIGHUP)
    (watched / "b.jpg").write_bytes((watched / "a.jpg").read_bytes())
    wait_for_records(output, 2, process)
    assert stop(process) < SOON_S
