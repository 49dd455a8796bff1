"""A single stream in fresh processes: what they measure comes together, one that dies is told."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from subprocess import PIPE, STDOUT

import pytest

from edgefeat.bench.pictures import Pictures, load_pictures, sample_pictures
from edgefeat.bench.pipeline import ExtractorPipeline
from edgefeat.bench.plan import Plan, Setup
from edgefeat.bench.processes import measure_apart
from edgefeat.bench.report.files import read_report
from edgefeat.bench.runner import run_plan
from edgefeat.cli.main import main
from edgefeat.errors import ImageError, ModelError
from edgefeat.model.shipped import default_model_path
from odd_pipelines import PARENT, Dying, OnlyElsewhere


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
    message = (
        "single stream: a measuring process ended with exit code 9 before its result. "
        "If memory is short, --processes 1 measures in this one."
    )
    with pytest.raises(ModelError, match=f"^{re.escape(message)}$"):
        measure_apart(plan(Dying), lambda _share: None)


def test_what_goes_wrong_there_is_told_as_here() -> None:
    pictures = Pictures(source="test", items=(b"\xff\xd8\xff\xe0 no picture",))
    told = []
    for processes in (1, 2):
        setups = (Setup(model=default_model_path()),)
        broken = Plan(setups=setups, pictures=pictures, processes=processes, cold_starts=0)
        with pytest.raises(ImageError) as raised:
            run_plan(broken, lambda _step, _share: None)
        told.append(str(raised.value))
    assert told[0] == told[1]


def test_a_broken_picture_is_told_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0 no picture")
    with pytest.raises(ImageError, match=re.escape(str(path))):
        load_pictures([str(tmp_path)])


@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.2, 1.0])
def test_an_interrupt_is_told_once(after_s: float) -> None:
    command = [sys.executable, "-m", "edgefeat", "bench", "--cold-starts=0", "--duration=60"]
    with subprocess.Popen(
        command, start_new_session=True, stdout=PIPE, stderr=STDOUT, text=True
    ) as running:
        try:
            children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
            deadline = time.monotonic() + 30
            while not children.read_text() and time.monotonic() < deadline:
                time.sleep(0.005)
            time.sleep(after_s)  # as it starts, imports, loads, measures
            os.killpg(running.pid, signal.SIGINT)
            said, _ = running.communicate(timeout=30)
        finally:
            running.kill()
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


def cpu_s(process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # ended meanwhile
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_an_ended_parent_leaves_no_traceback_behind() -> None:
    command = [sys.executable, "-m", "edgefeat", "bench", "--cold-starts=0", "--duration=60"]
    with subprocess.Popen(command, stdout=PIPE, stderr=STDOUT, text=True) as running:
        try:
            children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                spent = [cpu_s(int(child)) for child in children.read_text().split()]
                if max(spent, default=0) > 1.5:  # imports take less: it measures
                    break
                time.sleep(0.05)
            running.terminate()
            said, _ = running.communicate(timeout=30)  # until the child has closed it too
        finally:
            running.kill()
    assert said == ""
