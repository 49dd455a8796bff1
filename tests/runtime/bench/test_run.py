"""The library call behind `edgefeat bench`: what it takes, what it tells, what it refuses."""

import subprocess
import sys
from typing import Any, cast

import numpy as np
import pytest

from edgefeat import bench
from edgefeat.errors import OptionError
from edgefeat.model.shipped import default_model_path

QUICK = bench.SingleStreamLoad(duration_s=0.01, min_calls=16, processes=1)
PICTURES = bench.Pictures(source="grey", items=(np.full((64, 64, 3), 128, np.uint8),))


def test_pictures_in_memory_and_progress() -> None:
    told: list[tuple[str, float]] = []
    report = bench.run(
        pictures=PICTURES,
        loads=[QUICK],
        cold_starts=0,
        on_progress=lambda step, share: told.append((step, share)),
    )
    assert told == [("single-stream", 1.0)]
    assert (report.source, report.pictures) == ("grey", 1)
    (subject,) = report.subjects
    assert subject.label == default_model_path().stem
    assert subject.cold_start is None


@pytest.mark.parametrize(
    ("setups", "labels"),
    [
        ([{}], ["{stem}"]),
        ([{"threads": 1}, {"threads": 2}], ["{stem}, 1 thread", "{stem}, 2 threads"]),
        (
            [{}, {"providers": ("auto",), "strict": False}],
            ["{stem}, cpu, strict True", "{stem}, auto, strict False"],
        ),
    ],
    ids=["alone", "threads", "providers"],
)
def test_labels_tell_setups_apart(setups: list[dict[str, Any]], labels: list[str]) -> None:
    made = [bench.Setup.of(**one) for one in setups]
    report = bench.run(*made, pictures=PICTURES, loads=[QUICK], cold_starts=0)
    stem = default_model_path().stem
    assert [one.label for one in report.subjects] == [label.format(stem=stem) for label in labels]


def test_importing_the_front_loads_nothing_heavy() -> None:
    code = (
        "import sys; from edgefeat import bench\n"
        "bench.Setup, bench.SingleStreamLoad, bench.BenchPlan\n"
        "print(sorted({'numpy', 'cv2', 'onnxruntime'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_front_has_the_names_that_it_lists() -> None:
    assert bench.__all__ == sorted(bench.__all__)
    assert [name for name in bench.__all__ if getattr(bench, name, None) is None] == []
    assert dir(bench) == bench.__all__
    with pytest.raises(AttributeError, match="has no attribute 'fast'"):
        bench.fast  # noqa: B018


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bench.SingleStreamLoad(duration_s=0), "duration_s: expected a number above 0"),
        (lambda: bench.CameraLoad(fps=-1), "fps: expected a number above 0, got -1"),
        (lambda: bench.SingleStreamLoad(processes=0), "processes: expected a whole number of 1 or"),
        (
            lambda: bench.OfflineLoad(workers=cast(int, 1.5)),
            "workers: expected a whole number of 1 or more",
        ),
        (lambda: bench.Setup.of(threads=0), "threads: expected a whole number of 1 or more"),
        (lambda: bench.run(loads=[]), "loads: expected at least one load, got none"),
        (lambda: bench.run(loads=[QUICK, QUICK]), "loads: expected each load once, got single-"),
        (lambda: bench.run(cold_starts=-1), "cold_starts: expected a whole number of 0 or more"),
        (lambda: bench.Pictures(source="x", items=()), "items: expected at least one picture"),
        (lambda: bench.load_pictures(["-"]), "sources: expected files, folders, a video, camera"),
        (
            lambda: bench.BenchPlan(setups=(), pictures=PICTURES),
            "setups: expected at least one setup",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_values_name_the_option(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(OptionError) as raised:
        make()
    assert str(raised.value).startswith(message)
