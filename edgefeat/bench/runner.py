"""One benchmark from its plan to its report: cold start, load, first call, scenarios, verdict."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from edgefeat.bench import scenarios
from edgefeat.bench.cold_start import cold_start
from edgefeat.bench.compare import paired_ratios
from edgefeat.bench.conditions import Watch, describe_machine
from edgefeat.bench.pipeline import Pipeline
from edgefeat.bench.plan import Plan, Scenario, Setup
from edgefeat.bench.processes import measure_apart
from edgefeat.bench.results import ColdStart, Report, Subject
from edgefeat.bench.single_stream import Series, run_single_stream
from edgefeat.bench.summary import single_stream

__all__ = ["Listener", "run_plan"]


class Listener(Protocol):
    """Told what goes on, so that somebody waiting can be shown it."""

    def __call__(self, step: str, share: float) -> None:
        """Take the name of the step, and how much of it is done: 0 to 1."""


@dataclass(slots=True)
class _Open:
    """A setup that is loaded, and what is known of it so far."""

    setup: Setup
    pipeline: Pipeline
    subject: Subject


def run_plan(plan: Plan, listener: Listener) -> Report:
    """Measure everything in the plan.

    Raises:
        EdgefeatError: A model, provider or picture does not work.
    """
    created = datetime.now(UTC).isoformat(timespec="seconds")
    watch = Watch()
    apart = _measured_apart(plan, listener)
    with ExitStack() as stack:
        running = [_open(setup, plan, stack, listener) for setup in plan.setups]
        ratios = []
        for scenario in plan.scenarios:
            if scenario is Scenario.SINGLE_STREAM:
                series = apart or [_measured_here(running, plan, listener)]
                ratios = paired_ratios(_single_stream(running, series))
            else:
                for one in running:
                    _other(scenario, one, plan, listener)
    subjects = tuple(one.subject for one in running)
    runs = [subject.single_stream for subject in subjects if subject.single_stream]
    one_thread = all(subject.threads == 1 for subject in subjects)
    return Report(
        created=created,
        source=plan.pictures.source,
        pictures=len(plan.pictures.items),
        machine=describe_machine(),
        conditions=watch.verdict(runs, one_thread=one_thread),
        subjects=subjects,
        ratios=tuple(ratios),
    )


def _open(setup: Setup, plan: Plan, stack: ExitStack, listener: Listener) -> _Open:
    before = time.perf_counter()
    extractor = stack.enter_context(setup.open())
    load_ms = 1e3 * (time.perf_counter() - before)
    pipeline = setup.pipeline(extractor)
    first = pipeline(plan.pictures.items[0])
    parity = extractor.spec.parity
    subject = Subject(
        label=_label(setup, plan.setups),
        model=extractor.spec.name,
        precision=extractor.spec.precision,
        file=str(setup.model),
        file_bytes=setup.model.stat().st_size,
        fingerprint=extractor.fingerprint,
        providers=extractor.providers,
        threads=setup.threads,
        cosine_to_keras=parity.cosine_mean if parity else None,
        load_ms=round(load_ms, 2),
        first_call_ms=round((first[-1] - first[0]) / 1e6, 3),
        cold_start=_cold_start(setup, plan, listener),
    )
    return _Open(setup, pipeline, subject)


def _cold_start(setup: Setup, plan: Plan, listener: Listener) -> ColdStart | None:
    if not plan.cold_starts:
        return None
    step = f"cold start {setup.model.name}"
    shares = (done / plan.cold_starts for done in range(1, plan.cold_starts + 1))
    listener(step, 0.0)
    return cold_start(
        setup.model,
        plan.pictures.items[0],
        providers=setup.providers,
        threads=setup.threads,
        strict=setup.strict,
        starts=plan.cold_starts,
        on_start=lambda: listener(step, next(shares)),
    )


def _measured_apart(plan: Plan, listener: Listener) -> list[list[Series]]:
    """Return each process's series, if it is to be several; before a model takes memory here."""
    if plan.processes == 1 or Scenario.SINGLE_STREAM not in plan.scenarios:
        return []
    return measure_apart(plan, lambda share: listener(Scenario.SINGLE_STREAM, share))


def _measured_here(running: Sequence[_Open], plan: Plan, listener: Listener) -> list[Series]:
    return run_single_stream(
        [one.pipeline for one in running],
        plan.pictures,
        duration_s=plan.duration_s,
        min_calls=plan.min_calls,
        on_progress=lambda share: listener(Scenario.SINGLE_STREAM, share),
    )


def _single_stream(running: Sequence[_Open], series: Sequence[Sequence[Series]]) -> list[Subject]:
    """Enter what each process measured of each setup."""
    for one, of_processes in zip(running, zip(*series, strict=True), strict=True):
        one.subject = replace(one.subject, single_stream=single_stream(of_processes))
    return [one.subject for one in running]


def _other(scenario: Scenario, one: _Open, plan: Plan, listener: Listener) -> None:
    def progress(share: float) -> None:
        listener(f"{scenario} {one.subject.label}", share)

    items = plan.pictures.items
    if scenario is Scenario.MULTI_STREAM:
        found = scenarios.multi_stream(
            one.pipeline, items, plan.streams, plan.workers, plan.duration_s, progress
        )
        one.subject = replace(one.subject, multi_stream=found)
    elif scenario is Scenario.OFFLINE:
        rate = scenarios.offline(one.pipeline, items, plan.workers, plan.duration_s, progress)
        one.subject = replace(one.subject, offline=rate)
    elif scenario is Scenario.CAMERA:
        age = scenarios.camera(one.pipeline, items, plan.fps, plan.duration_s, progress)
        one.subject = replace(one.subject, camera=age)
    else:
        load = scenarios.server(one.pipeline, items, plan.bound_ms, plan.workers, progress)
        one.subject = replace(one.subject, server=load)


def _label(setup: Setup, all_of_them: Sequence[Setup]) -> str:
    """Return the model's name, with what else tells the setups apart."""
    parts = [setup.model.stem]
    if len({other.threads for other in all_of_them}) > 1:
        parts.append(f"{setup.threads} thread{'s' if setup.threads > 1 else ''}")
    return ", ".join(parts)
