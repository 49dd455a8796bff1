"""One benchmark from its plan to its report: cold start, load, first call, loads, conditions."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol, assert_never

from edgefeat.bench.cold_start import cold_start
from edgefeat.bench.conditions import Watch, describe_machine
from edgefeat.bench.loads.multi_stream import multi_stream
from edgefeat.bench.loads.offline import offline
from edgefeat.bench.loads.processes import measure_apart
from edgefeat.bench.loads.server import server
from edgefeat.bench.loads.single_stream import run_single_stream
from edgefeat.bench.pipeline import Pipeline
from edgefeat.bench.plan import (
    BenchPlan,
    CameraLoad,
    Load,
    MultiStreamLoad,
    OfflineLoad,
    ServerLoad,
    Setup,
    SingleStreamLoad,
)
from edgefeat.bench.results import BenchReport, ColdStart, Subject
from edgefeat.bench.rows import RowItems, load_rows, sample_rows
from edgefeat.bench.series import Series
from edgefeat.bench.statistics.compare import paired_ratios
from edgefeat.bench.statistics.summary import single_stream
from edgefeat.errors import OptionError, UnseenWarning
from edgefeat.extractor import FeatureExtractor

if TYPE_CHECKING:
    from edgefeat.bench.pictures import Pictures

__all__ = ["OnProgress", "run", "run_plan"]

_NS_PER_MS = 1e6
_MS_PER_S = 1e3
_TOLD_ELSEWHERE = ("providers", "strict", "threads")  # strict changes nothing of what runs


class OnProgress(Protocol):
    """Told how far a benchmark is, so that somebody who waits can be shown it."""

    def __call__(self, step: str, share: float, /) -> None:
        """Take the name of what is being measured, and the share of it that is done: 0 to 1."""


def _tell_nobody(_step: str, _share: float, /) -> None:
    return None


def run(
    *setups: Setup,
    pictures: str | Sequence[str] | Pictures | RowItems | None = None,
    loads: Sequence[Load] = (SingleStreamLoad(),),
    cold_starts: int = 5,
    on_progress: OnProgress = _tell_nobody,
) -> BenchReport:
    """Measure models on this device, and whether the device was fit to be measured on.

    Args:
        setups: What to measure; none means the model that ships with edgefeat, on one thread.
        pictures: Files, folders and patterns; or one video, camera or URL; or pictures in memory.
            None takes the photos that ship with edgefeat, scaled to the frame of a bundle. For
            models that take columns and no picture a table, or rows in memory; None takes those of
            the first model's self-test.
        loads: Loads to put on each setup.
        cold_starts: Fresh processes to time from their start to the first feature, for each setup.
        on_progress: Called with what is being measured and the share of it that is done.

    Raises:
        OptionError: A value is out of range.
        EdgefeatError: A model, provider or picture does not work.
    """
    setups = setups or (Setup(),)
    pictures = _inputs(setups, pictures)
    plan = BenchPlan(
        setups=setups,
        pictures=pictures,
        loads=tuple(loads),
        cold_starts=cold_starts,
    )
    return run_plan(plan, on_progress)


def _inputs(
    setups: Sequence[Setup],
    given: str | Sequence[str] | Pictures | RowItems | None,
) -> Pictures | RowItems:
    """Return what the setups run on: pictures, or rows where no model takes a picture."""
    specs = [setup.read_spec() for setup in setups]
    sources = [given] if isinstance(given, str) else given
    of_rows = [spec.picture is None for spec in specs]
    if any(of_rows):
        if not all(of_rows):
            raise OptionError(
                "expected models that all take pictures, or that all take columns",
                option="model",
                remedy="Measure them in two runs.",
            )
        if sources is None:
            return sample_rows(specs[0])
        if isinstance(sources, RowItems):
            return sources
        if isinstance(sources, Sequence):
            return load_rows(sources, specs[0])
        raise OptionError("expected rows, which the model takes, got pictures", option="pictures")
    from edgefeat.bench.pictures import Pictures, load_pictures, sample_pictures

    if sources is None:
        return sample_pictures(next((spec.frame for spec in specs if spec.frame), None))
    if isinstance(sources, Pictures):
        return sources
    if isinstance(sources, RowItems):
        raise OptionError("expected pictures, which the model takes, got rows", option="pictures")
    return load_pictures(sources, max_pixels=min(setup.model.max_pixels for setup in setups))


def run_plan(plan: BenchPlan, on_progress: OnProgress = _tell_nobody) -> BenchReport:
    """Measure everything in the plan.

    Args:
        plan: What to measure.
        on_progress: Called with what is being measured and the share of it that is done.

    Raises:
        EdgefeatError: A model, provider, picture or row does not work.
        OptionError: A camera is to be played to models that take columns.
    """
    of_rows = isinstance(plan.pictures, RowItems)
    if of_rows and any(isinstance(load, CameraLoad) for load in plan.loads):
        raise OptionError(
            "a camera gives frames, and the model takes columns",
            option="scenario",
            remedy="Name another one.",
        )
    created = datetime.now(UTC).isoformat(timespec="seconds")
    watch = Watch()
    apart = _measured_apart(plan, on_progress)
    with ExitStack() as stack, warnings.catch_warnings(action="ignore", category=UnseenWarning):
        running = [_open(setup, plan, stack, on_progress) for setup in plan.setups]
        for load in plan.loads:
            if isinstance(load, SingleStreamLoad):
                _take_turns(running, apart, load, plan.pictures, on_progress)
            else:
                for one in running:
                    one.put_under(load, plan.pictures, on_progress)
    subjects = tuple(one.subject for one in running)
    runs = [subject.single_stream for subject in subjects if subject.single_stream]
    one_thread = all(subject.threads == 1 for subject in subjects)
    return BenchReport(
        created=created,
        source=plan.pictures.source,
        pictures=len(plan.pictures.items),
        unit="row" if of_rows else "picture",
        machine=describe_machine(),
        conditions=watch.verdict(runs, one_thread=one_thread),
        subjects=subjects,
        ratios=tuple(paired_ratios(subjects)),
    )


@dataclass(slots=True, kw_only=True)
class _OpenSetup:
    """A setup that is open in this process, and what is known of it so far.

    Attributes:
        extractor: The open model.
        pipeline: What is timed.
        subject: The setup's part of the report; each load adds to it.
    """

    extractor: FeatureExtractor
    pipeline: Pipeline
    subject: Subject

    def put_under(self, load: Load, pictures: Pictures | RowItems, on_progress: OnProgress) -> None:
        """Put one of the loads on this setup that setups do not share, and keep what was found."""
        items, on_share = pictures.items, partial(on_progress, f"{load.name} {self.subject.label}")
        match load:
            case MultiStreamLoad():
                queries = multi_stream(self.pipeline, items, load, on_share)
                self.subject = replace(self.subject, multi_stream=queries)
            case ServerLoad():
                rate = server(self.pipeline, items, load, on_share)
                self.subject = replace(self.subject, server=rate)
            case OfflineLoad():
                done = offline(self.pipeline, items, load, on_share)
                self.subject = replace(self.subject, offline=done)
            case CameraLoad():
                if isinstance(pictures, RowItems):
                    raise TypeError("rows are no frames: see run_plan")
                from edgefeat.bench.frames.costs import frame_costs  # frames need OpenCV
                from edgefeat.bench.loads.camera import camera

                age = camera(self.pipeline, items, load, on_share)
                on_source = partial(on_progress, f"frames by source {self.subject.label}")
                costs = frame_costs(self.extractor, pictures, load.size_hw, on_source)
                self.subject = replace(self.subject, camera=replace(age, sources=tuple(costs)))
            case SingleStreamLoad():
                raise TypeError("setups share a single stream: see _take_turns")
            case _:
                assert_never(load)


def _open(setup: Setup, plan: BenchPlan, stack: ExitStack, on_progress: OnProgress) -> _OpenSetup:
    before = time.perf_counter()
    extractor = stack.enter_context(setup.open())
    load_ms = _MS_PER_S * (time.perf_counter() - before)
    pipeline = setup.timed(extractor)
    first_call = pipeline(plan.pictures.items[0])
    parity = extractor.spec.parity
    subject = Subject(
        label=_label(setup, plan.setups),
        model=extractor.spec.name,
        precision=extractor.spec.precision,
        file=str(setup.path),
        file_bytes=setup.path.stat().st_size,
        fingerprint=extractor.fingerprint,
        providers=extractor.providers,
        threads=setup.engine.threads,
        options=_unusual_options(setup),
        cosine_to_keras=parity.cosine_mean if parity else None,
        load_ms=round(load_ms, 2),
        first_call_ms=round((first_call[-1] - first_call[0]) / _NS_PER_MS, 3),
        cold_start=_cold_start(setup, plan, on_progress),
    )
    return _OpenSetup(extractor=extractor, pipeline=pipeline, subject=subject)


def _cold_start(setup: Setup, plan: BenchPlan, on_progress: OnProgress) -> ColdStart | None:
    if not plan.cold_starts:
        return None
    on_share = partial(on_progress, f"cold start {setup.path.name}")
    on_share(0.0)
    return cold_start(setup, plan.pictures.items[0], starts=plan.cold_starts, on_share=on_share)


def _measured_apart(plan: BenchPlan, on_progress: OnProgress) -> list[list[Series]]:
    """Return what each fresh process measured, before a model takes memory in this one.

    The list is empty if the plan asks for no process beside this one.
    """
    for load in plan.loads:
        if isinstance(load, SingleStreamLoad) and load.processes > 1:
            return measure_apart(plan, load, partial(on_progress, load.name))
    return []


def _take_turns(
    running: Sequence[_OpenSetup],
    apart: Sequence[Sequence[Series]],
    load: SingleStreamLoad,
    pictures: Pictures | RowItems,
    on_progress: OnProgress,
) -> None:
    """Enter each setup's single stream: as fresh processes measured it, or measured here."""
    on_share: Callable[[float], None] = partial(on_progress, load.name)
    by_process = apart or [
        run_single_stream(
            [one.pipeline for one in running],
            pictures,
            duration_s=load.duration_s,
            min_calls=load.min_calls,
            on_share=on_share,
        )
    ]
    for one, of_processes in zip(running, zip(*by_process, strict=True), strict=True):
        one.subject = replace(one.subject, single_stream=single_stream(of_processes))


def _unusual_options(setup: Setup) -> dict[str, str]:
    """Return the options that differ from their defaults and have no field of their own."""
    usual = Setup().options
    return {
        name: ",".join(value) if isinstance(value, tuple) else str(value)
        for name, value in setup.options.items()
        if value != usual[name] and name not in _TOLD_ELSEWHERE
    }


def _label(setup: Setup, all_of_them: Sequence[Setup]) -> str:
    """Return the model's name, with the options that tell the setups apart."""
    namesakes = {other.path for other in all_of_them if other.path.stem == setup.path.stem}
    parts = [setup.path.stem if len(namesakes) == 1 else str(setup.path)]
    for name, value in setup.options.items():
        if any(other.options[name] != value for other in all_of_them):
            parts.append(_option_text(name, value))
    return ", ".join(parts)


def _option_text(name: str, value: object) -> str:
    """Return an option as people say it: `2 threads`, `cuda,cpu`, `decode full`."""
    if name == "threads":
        return f"{value} thread{'' if value == 1 else 's'}"
    text = ",".join(value) if isinstance(value, tuple) else str(value)
    return text if name == "providers" else f"{name} {text}"
