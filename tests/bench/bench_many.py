"""What several cameras in one process cost and keep: memory, fair shares, one that is stopped.

    python tests/bench/bench_many.py [SECTION ...] [--seconds 12] [--rounds 3]

Sections: memory share stopped. Each prints measured, allowed, and whether it holds; the exit code
is 1 if any does not. The cameras are MJPEG over HTTP at 768x576, each served by a process of its
own. Memory is the proportional set size of fresh processes, which run in turns.
"""

from __future__ import annotations

import argparse
import platform
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import onnxruntime

import edgefeat
from edgefeat.streaming import StreamGroup

PHOTOS = Path(__file__).parent.parent / "data" / "photos"
SIZE_HW = (576, 768)
CAMERAS = 4
FPS = 5.0


def serve(fps: float) -> None:
    """Be a camera, and print its port."""
    photos = [cv2.imread(str(path)) for path in sorted(PHOTOS.glob("*.jpg"))]
    jpegs = [cv2.imencode(".jpg", cv2.resize(one, SIZE_HW[::-1]))[1].tobytes() for one in photos]

    class Camera(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            due = time.monotonic()
            for number in range(1_000_000):
                jpeg = jpegs[number % len(jpegs)]
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                try:
                    self.wfile.write(head.encode() + jpeg + b"\r\n")
                except OSError:
                    return
                due += 1 / fps
                time.sleep(max(0.0, due - time.monotonic()))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Camera)
    server.daemon_threads = True
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


@contextmanager
def served(fps: float) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start a camera; give its URL and its process."""
    with subprocess.Popen(
        [sys.executable, __file__, "serve", str(fps)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/", process
        finally:
            process.kill()


def read(seconds: float, urls: list[str]) -> None:
    """Read cameras in this process, and print its memory in MiB at the end."""
    many = edgefeat.stream_many({f"camera{n}": url for n, url in enumerate(urls)})
    threading.Timer(seconds - 1, lambda: sys.stdout.write(f"{pss()}\n")).start()
    threading.Timer(seconds, many.stop).start()
    drain(many)


def pss() -> float:
    """Return this process's proportional set size in MiB."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def memory(seconds: float, rounds: int) -> Iterator[tuple[str, float, float]]:
    """Four cameras in one process against one camera, and against four processes."""
    one, four, apart = [], [], []
    with ExitStack() as held:
        urls = [held.enter_context(served(FPS))[0] for _ in range(CAMERAS)]
        for _ in range(rounds):
            one.append(measured([urls[:1]], seconds))
            four.append(measured([urls], seconds))
            apart.append(measured([[url] for url in urls], seconds))
    alone, together = statistics.median(one), statistics.median(four)
    yield (
        f"memory of {CAMERAS} cameras in one process / of one ({alone:.0f} MiB)",
        (together / alone),
        1.6,
    )
    yield (
        f"memory of {CAMERAS} cameras in one process / in {CAMERAS} processes",
        (together / statistics.median(apart)),
        0.6,
    )


def measured(processes: list[list[str]], seconds: float) -> float:
    """Return the memory of processes that run at the same time, in MiB, each with its cameras."""
    command = [sys.executable, __file__, "read", str(seconds)]
    running = [
        subprocess.Popen([*command, *urls], stdout=subprocess.PIPE, text=True) for urls in processes
    ]
    return sum(float(process.communicate()[0]) for process in running)


def share(seconds: float, rounds: int) -> Iterator[tuple[str, float, float]]:
    """Cameras that give more frames than can be worked on: equal parts of the records."""
    del rounds
    seen: Counter[str] = Counter()
    with ExitStack() as held:
        cameras = {f"camera{n}": held.enter_context(served(200.0))[0] for n in range(CAMERAS)}
        fx = held.enter_context(edgefeat.FeatureExtractor())
        many = held.enter_context(edgefeat.stream_many(cameras, fx, workers=1))
        end = time.monotonic() + seconds
        for record in many:
            seen[str(record.camera)] += 1
            if time.monotonic() > end:
                break
    equal = sum(seen.values()) / CAMERAS
    what = f"equal share / the smallest, {sum(seen.values())} records, inference the limit"
    yield what, equal / min(seen[name] for name in cameras), 1 / 0.8


def stopped(seconds: float, rounds: int) -> Iterator[tuple[str, float, float]]:
    """One camera is stopped (SIGSTOP), again and again: the rate of the others in turns."""
    running: list[float] = []
    while_stopped: list[float] = []
    with ExitStack() as held:
        given = [held.enter_context(served(FPS)) for _ in range(CAMERAS)]
        fx = held.enter_context(edgefeat.FeatureExtractor())
        many = edgefeat.stream_many({f"camera{n}": url for n, (url, _) in enumerate(given)}, fx)
        thread = threading.Thread(target=drain, args=(many,))
        thread.start()
        others, last = many.names[:-1], given[-1][1]
        time.sleep(2)
        for _ in range(2 * rounds):
            running.append(rate(many, others, seconds))
            last.send_signal(signal.SIGSTOP)
            while_stopped.append(rate(many, others, seconds))
            last.send_signal(signal.SIGCONT)
            time.sleep(1)
        many.close()
        thread.join()
    change = abs(1 - statistics.median(while_stopped) / statistics.median(running))
    yield f"change of the others' rate while one of {CAMERAS} is stopped", change, 0.05


def drain(many: StreamGroup) -> None:
    for _ in many:
        pass


def rate(many: StreamGroup, names: Sequence[str], seconds: float) -> float:
    """Return records a second of some cameras together, over a time."""
    began, before = time.monotonic(), many.health().cameras
    time.sleep(seconds)
    elapsed, after = time.monotonic() - began, many.health().cameras
    return sum(after[name].emitted - before[name].emitted for name in names) / elapsed


SECTIONS: dict[str, Callable[[float, int], Iterator[tuple[str, float, float]]]] = {
    "memory": memory,
    "share": share,
    "stopped": stopped,
}


def main() -> int:
    if sys.argv[1:2] == ["serve"]:
        serve(float(sys.argv[2]))
        return 0
    if sys.argv[1:2] == ["read"]:
        read(float(sys.argv[2]), sys.argv[3:])
        return 0
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sections", nargs="*", choices=[[], *SECTIONS], metavar="SECTION")
    parser.add_argument("--seconds", type=float, default=12.0, help="of each run (default: 12)")
    parser.add_argument("--rounds", type=int, default=3, help="in turns (default: 3)")
    arguments = parser.parse_args()
    sys.stdout.write(
        f"{platform.machine()}, Python {platform.python_version()}, edgefeat "
        f"{edgefeat.__version__}, onnxruntime {onnxruntime.__version__}\n"
    )
    holds = True
    for name in arguments.sections or SECTIONS:
        for what, value, allowed in SECTIONS[name](arguments.seconds, arguments.rounds):
            fits = value <= allowed
            holds &= fits
            verdict = "holds" if fits else "DOES NOT HOLD"
            sys.stdout.write(f"{what}: {value:.2f} <= {allowed:.2f}  {verdict}\n")
            sys.stdout.flush()
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
