"""A single stream in fresh processes: what they measure comes together, one that dies is told."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from subprocess import PIPE, STDOUT

import pytest

from edgefeat.bench.files import read_report
from edgefeat.bench.pictures import sample_pictures
from edgefeat.bench.pipeline import Call, ExtractorPipeline, Picture
from edgefeat.bench.plan import Plan, Setup
from edgefeat.bench.processes import measure_apart
from edgefeat.cli import main
from edgefeat.errors import ModelError
from edgefeat.shipped import default_model_path

PARENT = "EDGEFEAT_TEST_PARENT"


class OnlyElsewhere(ExtractorPipeline):
    """Refuses to work in the process of the test."""

    def __call__(self, picture: Picture) -> Call:
        assert os.environ[PARENT] != str(os.getpid())
        return super().__call__(picture)


class Dying(ExtractorPipeline):
    """Takes its process with it, as the kernel does when memory is out."""

    def __call__(self, picture: Picture) -> Call:
        os._exit(9)


def plan(pipeline: type[ExtractorPipeline]) -> Plan:
    setup = Setup(model=default_model_path(), pipeline=pipeline)
    return Plan(
        setups=(setup, setup),
        pictures=sample_pictures(),
        duration_s=0.01,
        min_calls=20,
        processes=2,
    )


def test_setups_take_turns_in_each_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PARENT, str(os.getpid()))
    shares: list[float] = []
    found = measure_apart(plan(OnlyElsewhere), shares.append)
    assert [[len(one.total_ms) for one in process] for process in found] == [[16, 16], [16, 16]]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_process_that_dies_is_told() -> None:
    message = "single stream: a measuring process ended with exit code 9 before its result"
    with pytest.raises(ModelError, match=message):
        measure_apart(plan(Dying), lambda _share: None)


def test_a_model_that_fails_there_is_told_here(capfd: pytest.CaptureFixture[str]) -> None:
    setup = Setup(model=Path("missing.onnx"))
    broken = Plan(setups=(setup,), pictures=sample_pictures(), processes=2)
    with pytest.raises(ModelError, match="exit code 1"):
        measure_apart(broken, lambda _share: None)
    assert "missing.onnx" in capfd.readouterr().err


@pytest.mark.parametrize("after_s", [0.4, 0.7, 1.0])
def test_an_interrupt_is_told_once(after_s: float) -> None:
    command = [sys.executable, "-m", "edgefeat", "bench", "--cold-starts=0", "--duration=30"]
    running = subprocess.Popen(
        command, start_new_session=True, stdout=PIPE, stderr=STDOUT, text=True
    )
    time.sleep(after_s)  # while a process is started, while it imports, while it measures
    os.killpg(running.pid, signal.SIGINT)
    said, _ = running.communicate(timeout=30)
    assert said.split("\n") == ["", "edgefeat: interrupted; no unfinished file was left behind", ""]
    assert running.returncode == 130


def test_the_report_says_what_each_process_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "r.json"
    options = ["--duration=0.05", "--calls=32", "--cold-starts=0", "--processes=2"]
    assert main(["bench", *options, f"--json={target}"]) == 0
    assert "    in 2 processes, whose medians are up to " in capsys.readouterr().out
    run = read_report(target).subjects[0].single_stream
    assert run is not None
    assert len(run.process_calls) == len(run.process_warmup_calls) == 2
    assert sum(run.process_calls) == run.calls == len(run.series_ms["total"])
