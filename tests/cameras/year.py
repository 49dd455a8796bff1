"""A year in miniature: everything that happens to a box in a year, within minutes.

    python tests/cameras/year.py [--reconnects 20000] [--kills 20] [--sweep 40]

Three parts, each with the counts that must hold:

1. One process reads a camera that hangs up after three frames, 20,000 times, into an output that
   rotates. Memory, threads and descriptors stay flat, and captured frames are all accounted for.
2. Processes are killed (SIGKILL), hung up on (SIGHUP), and run with a log that nobody reads, and
   with one that is closed; the output is gone on with each time. Every line that a process wrote
   whole is there. Twice there is no room for more: the process says so and ends with 3.
3. Processes end at 40 moments while OpenCV waits for a silent camera: none aborts.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

import edgefeat
from edgefeat.options.keeping import KeepOptions
from edgefeat.sets.formats import OutputPlan
from edgefeat.sets.info import OutputInfo, SetInfo
from edgefeat.sets.json_lines import read_lines
from edgefeat.sets.parts import Parts
from edgefeat.streaming import Limits

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from http_server import jpeg, raw_served

COMMAND = [sys.executable, "-P", "-m", "edgefeat", "stream"]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"
FRAMES = [jpeg(number) for number in range(3)]
INFO = SetInfo(
    model="none",
    fingerprint="f" * 64,
    outputs=(OutputInfo(name="features", shape=(4,)),),
    timed=True,
)


class Nothing:
    """An extractor that costs nothing."""

    fingerprint = "f" * 64

    def prepare(self, image: Any) -> Any:
        return np.zeros((8, 8, 3), np.uint8)

    def extract_prepared(self, images: Any) -> Any:
        return np.ones((len(images), 4), np.float32)


def part(picture: bytes) -> bytes:
    return b"--frame\r\nContent-Length: %d\r\n\r\n" % len(picture) + picture + b"\r\n"


def flapping(connection: socket.socket, request: bytes) -> None:
    """Send three frames and hang up."""
    connection.sendall(HEAD + b"".join(map(part, FRAMES)))


def steady(connection: socket.socket, request: bytes) -> None:
    """Send frames until nobody reads them."""
    connection.sendall(HEAD)
    while True:
        connection.sendall(b"".join(map(part, FRAMES)))
        time.sleep(0.05)


def resources() -> tuple[int, int, int]:
    """Return resident KiB, threads and descriptors of this process."""
    status = Path("/proc/self/status").read_text()
    resident = int(status.split("VmRSS:")[1].split()[0])
    return resident, threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))


def reconnects(folder: Path, count: int) -> None:
    """Part 1."""
    plan = OutputPlan(
        output=str(folder / "year.jsonl"),
        live=True,
        keeping=KeepOptions.of(rotate="256K", keep=60, gzip=True),
    )
    limits = Limits(timeout_s=5, backoff_s=0.001, backoff_max_s=0.001)
    early: tuple[int, int, int] | None = None
    with raw_served(flapping) as url, plan.open(INFO) as sink:
        stream = edgefeat.stream(url, Nothing(), policy="all", limits=limits)
        for number, record in enumerate(stream, start=1):
            sink.write(record)
            losses = stream.health().losses if number % 500 == 0 else 0
            if early is None and losses >= count // 10:
                early = resources()
            if losses >= count:
                break
        late, health, rows = resources(), stream.health(), sink.summary().rows
    assert early is not None
    parts = Parts(folder / "year.jsonl", keep=None, compress=False).full()
    skipped = health.dropped + health.discarded + health.repeated + health.garbage
    print_line(f"{health.losses} reconnects, {rows} records, {len(parts)} full parts")
    print_line(f"resident KiB, threads, descriptors: {early} after a tenth, {late} at the end")
    assert health.captured == health.emitted + skipped
    assert rows == health.emitted
    assert late[0] < early[0] * 1.05 + 2048
    assert late[1] <= early[1] + 2
    assert late[2] <= early[2] + 4


def rough_handling(folder: Path, kills: int) -> None:
    """Part 2."""
    output, last, slowest_s = folder / "box.jsonl", 0, 0.0
    with raw_served(steady) as url:
        for number in range(kills):
            process, closing = start(url, output, log=("closed", "stuck", "read")[number % 3])
            deadline = time.monotonic() + 60
            while not output.exists() or len(output.read_bytes()) <= last:
                assert time.monotonic() < deadline, "no record came"
                time.sleep(0.05)
            time.sleep(0.2 + 0.05 * (number % 5))
            before = output.read_bytes().count(b"\n")
            asked = (signal.SIGKILL, signal.SIGHUP, signal.SIGTERM)[number % 3]
            started = time.monotonic()
            process.send_signal(asked)
            code = process.wait(timeout=20)
            if asked is not signal.SIGKILL:
                slowest_s = max(slowest_s, time.monotonic() - started)
                assert code == 0, code
            os.close(closing)
            after = [line.frame for line in read_lines(output)]
            assert len(after) >= before
            last = len(output.read_bytes())
        for _ in range(2):
            no_room(url, output)
    with output.open() as lines:
        sessions = [json.loads(line)["session"] for line in lines if line.endswith("\n")]
    print_line(
        f"{kills} ends (a third SIGKILL), a full disk twice: {len(sessions)} records of "
        f"{len(set(sessions))} runs; slowest stop {slowest_s:.2f} s"
    )
    assert len(set(sessions)) == kills + 2
    assert slowest_s < 2.0  # with the interpreter's own exit, on a busy machine


def no_room(url: str, output: Path) -> None:
    """Run with room for a few more records; what is written by then is whole."""
    before, room = output.stat().st_size, output.stat().st_size + 60_000
    done = subprocess.run(
        [*COMMAND, url, "-o", str(output), "--resume", "--fps", "10"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 3, done.stderr
    assert "File too large" in done.stderr, done.stderr
    assert before < output.stat().st_size <= room
    assert output.read_bytes().endswith(b"\n")


def start(url: str, output: Path, *, log: str) -> tuple[subprocess.Popen[bytes], int]:
    """Start the command with a log that is read, stuck or closed; also return what to close."""
    reading, writing = os.pipe()
    if log == "stuck":
        os.set_blocking(writing, False)
        try:
            while True:
                os.write(writing, b"x" * 4096)
        except BlockingIOError:
            os.set_blocking(writing, True)
    if log == "closed":
        os.close(reading)
        reading = os.open(os.devnull, os.O_RDONLY)
    command = [*COMMAND, url, "-o", str(output), "--resume", "--fps", "10"]
    process = subprocess.Popen(command, stderr=writing)
    os.close(writing)
    return process, reading


def aborts(count: int) -> None:
    """Part 3."""
    codes: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"rtsp://127.0.0.1:{silent.getsockname()[1]}/live"
        for number in range(count):
            duration_s = 1.5 + 1.5 * number / count
            limits = ("--timeout", "3", "--duration", f"{duration_s:.3f}", "--wait", "-q")
            done = subprocess.run([*COMMAND, url, *limits], timeout=60, capture_output=True)
            codes.append(done.returncode)
    print_line(f"{sum(code != 0 for code in codes)} of {count} ends were no clean exit")
    assert codes == [0] * count


def print_line(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run the three parts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--reconnects", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--sweep", type=int, default=40)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reconnects(folder, arguments.reconnects)
        rough_handling(folder, arguments.kills)
        aborts(arguments.sweep)


if __name__ == "__main__":
    main()
