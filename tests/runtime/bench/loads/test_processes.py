"""A single stream in fresh processes: what they measure comes together, one that dies is told."""

import os
import pty
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE, STDOUT

import pytest

from edgefeat import FeatureExtractor
from edgefeat.bench import (
    BenchPlan,
    Pictures,
    Setup,
    SingleStreamLoad,
    load_pictures,
    read_report,
    run,
    sample_pictures,
)
from edgefeat.bench.loads.processes import measure_apart
from edgefeat.bench.pipeline import ExtractorPipeline
from edgefeat.cli.main import main
from edgefeat.errors import ImageError, ModelError
from odd_pipelines import PARENT, Dying, OnlyElsewhere

LOAD = SingleStreamLoad(duration_s=0.01, min_calls=20, processes=2)


def plan(pipeline: type[ExtractorPipeline]) -> BenchPlan:
    setup = Setup(pipeline=pipeline)
    return BenchPlan(setups=(setup, setup), pictures=sample_pictures())


def test_setups_take_turns_in_each_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PARENT, str(os.getpid()))
    shares: list[float] = []
    found = measure_apart(plan(OnlyElsewhere), LOAD, shares.append)
    assert [[len(one.total_ms) for one in process] for process in found] == [[16, 16], [16, 16]]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_process_that_dies_is_told() -> None:
    with pytest.raises(ModelError) as raised:
        measure_apart(plan(Dying), LOAD, lambda _share: None)
    assert str(raised.value) == (
        "single stream: a measuring process ended with exit code 9 before its result. If memory "
        "is short, or if this is a script whose main part does not stand under "
        '`if __name__ == "__main__":`, measure in this process with processes=1.'
    )


@pytest.mark.parametrize("processes", [1, 2])
def test_what_goes_wrong_there_is_told_as_here(processes: int) -> None:
    pictures = Pictures(source="test", items=(b"\xff\xd8\xff\xe0 no picture",))
    with pytest.raises(ImageError) as raised:
        run(pictures=pictures, loads=[SingleStreamLoad(processes=processes)], cold_starts=0)
    with FeatureExtractor() as extractor, pytest.raises(ImageError) as expected:
        extractor.extract(pictures.items[0])
    assert str(raised.value) == str(expected.value)


def test_a_broken_picture_is_told_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0 no picture")
    with pytest.raises(ImageError, match=re.escape(str(path))):
        load_pictures([str(tmp_path)])


BENCH = [sys.executable, "-P", "-m", "edgefeat", "bench", "--cold-starts=0", "--duration=600"]
SAFETY_S = 300.0  # far beyond what the slowest machine needs; only a hang takes so long


def wait_for_a_child(parent: subprocess.Popen[bytes]) -> None:
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
    deadline = time.monotonic() + SAFETY_S
    while not children.read_text():
        assert parent.poll() is None, "it ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.2, 1.0])
def test_an_interrupt_is_told_once_whenever_it_comes(after_s: float) -> None:
    with subprocess.Popen(BENCH, start_new_session=True, stdout=PIPE, stderr=STDOUT) as running:
        try:
            wait_for_a_child(running)
            time.sleep(after_s)  # as the child starts, imports, loads or measures: all the same
            os.killpg(running.pid, signal.SIGINT)
            said, _ = running.communicate(timeout=SAFETY_S)
        finally:
            running.kill()
    assert said == b"\nedgefeat: interrupted; no unfinished file was left behind\n"
    assert running.returncode == 130


def read_until(terminal: int, word: bytes) -> None:
    shown = b""
    while word not in shown:
        shown += os.read(terminal, 4096)  # an error where the program ended by itself


def test_an_ended_parent_leaves_no_traceback_behind() -> None:
    """The program is ended once its child measures, which the line on the terminal tells."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(BENCH, stdout=theirs, stderr=theirs) as running:
        try:
            os.close(theirs)
            read_until(ours, b"single-stream: ")
            running.terminate()
            running.wait(SAFETY_S)
        finally:
            running.kill()
    said = rest_of(ours)  # until the child has closed it too
    assert re.fullmatch(rb"(\r\x1b\[Ksingle-stream: \d+%)*", said)


def rest_of(terminal: int) -> bytes:
    said = b""
    with suppress(OSError):  # Linux reports so that nobody has the other end open any more
        while part := os.read(terminal, 4096):
            said += part
    os.close(terminal)
    return said


def test_a_parent_that_ends_while_it_sends_the_plan_leaves_no_traceback_behind() -> None:
    """A plan is megabytes of pictures; the child has read the half of it."""
    code = (
        "import os, multiprocessing\n"
        "from edgefeat.bench.loads.processes import _child\n"
        "spawn = multiprocessing.get_context('spawn')\n"
        "here, there = spawn.Pipe()\n"
        "child = spawn.Process(target=_child, args=(there,))\n"
        "child.start(); there.close()\n"
        "os.write(here.fileno(), (1000).to_bytes(4, 'big') + b'half')\n"
        "here.close(); child.join()\n"
        "raise SystemExit(child.exitcode)\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], stdout=PIPE, stderr=STDOUT, check=False
    )
    assert (done.stdout, done.returncode) == (b"", 0)


def test_the_report_says_what_each_process_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "r.json"
    options = ["--duration=0.05", "--min-calls=32", "--cold-starts=0", "--processes=2"]
    assert main(["bench", *options, f"--json={target}"]) == 0
    assert "    in 2 processes, whose medians are up to " in capsys.readouterr().out
    run = read_report(target).subjects[0].single_stream
    assert run is not None
    assert len(run.process_calls) == len(run.process_warmup_calls) == 2
    assert sum(run.process_calls) == run.calls == len(run.series_ms["total"])
