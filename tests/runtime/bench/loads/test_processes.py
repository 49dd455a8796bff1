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
    options = ["--duration=0.05", "--min-calls=32", "--cold-starts=0", "--processes=2"]
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
