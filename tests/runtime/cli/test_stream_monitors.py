"""`edgefeat stream` as a service: systemd's messages, the watchdog, Prometheus."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-P", "-m", "edgefeat", "stream"]


@pytest.fixture
def watched(tmp_path: Path, photos: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jpg").write_bytes((photos / "coffee.jpg").read_bytes())
    return folder


def messages(there: socket.socket, seconds: float) -> list[str]:
    found, until = [], time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        there.settimeout(left)
        try:
            found.append(there.recv(4096).decode())
        except TimeoutError:
            break
    return found


def test_a_unit_is_ready_alive_and_stopping(watched: Path, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.bind(str(tmp_path / "notify"))
        there.settimeout(60)
        environment = {
            **os.environ,
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "WATCHDOG_USEC": "900000",
        }
        with subprocess.Popen(
            [*COMMAND, watched, "--watch", "-o", tmp_path / "a.jsonl"],
            env=environment,
            stderr=subprocess.DEVNULL,
        ) as process:
            assert there.recv(64) == b"READY=1"
            said = messages(there, 2)
            assert said.count("WATCHDOG=1") >= 3
            assert any(re.fullmatch(r"STATUS=.*: connected: frames come", one) for one in said)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 0
        assert "STOPPING=1" in messages(there, 0.5)


def test_a_loop_that_is_stuck_starves_the_watchdog(photos: Path, tmp_path: Path) -> None:
    """Nobody reads the pipe that records go to."""
    reading, writing = os.pipe()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.bind(str(tmp_path / "notify"))
        there.settimeout(60)
        environment = {
            **os.environ,
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "WATCHDOG_USEC": "1000000",
        }
        pictures = [str(photos / "coffee.jpg")] * 1
        folder = tmp_path / "many"
        folder.mkdir()
        for number in range(40):
            (folder / f"{number}.jpg").symlink_to(pictures[0])
        process = subprocess.Popen(
            [*COMMAND, folder], env=environment, stdout=writing, stderr=subprocess.DEVNULL
        )
        os.close(writing)
        assert there.recv(64) == b"READY=1"
        time.sleep(3)  # the pipe takes 64 KiB, which are 5 records
        messages(there, 0.2)
        assert "WATCHDOG=1" not in messages(there, 1)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)
    os.close(reading)


def test_prometheus_reads_the_numbers(watched: Path, tmp_path: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, watched, "--watch", "-o", tmp_path / "a.jsonl", "--metrics", "0"],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        url = next(m[1] for line in process.stderr if (m := re.search(r"metrics at (\S+)", line)))
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
                text = answer.read().decode()
            if re.search(r"^edgefeat_records_total\{.*\} 1$", text, re.MULTILINE):
                break
            time.sleep(0.1)
        else:
            pytest.fail(text)
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
    assert process.returncode == 0


def test_wrong_addresses_are_told(watched: Path) -> None:
    done = subprocess.run(
        [*COMMAND, watched, "--metrics", "here"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert "--metrics: expected a port or an address such as 127.0.0.1:9105" in done.stderr
