"""Whether `edgefeat bench` may be believed: its overhead, its agreement, its errors.

    python tests/bench/bench_honesty.py [--part errors] [--tries 20] [--slower 10] [-o FILE]

- overhead: the harness around a pipeline that does nothing, as a share of a real call.
- agreement: its mean against whole processes timed from outside, which know no harness: two that
  differ only in how many pictures they extract; the difference of their wall times is the calls'.
- errors: of --compare. Runs of ten seconds in five processes, in turn of this build and of one
  that takes 10 % longer; each judged against the run of this build before it, by `p50>+5%` and
  `cpu>+5%`.
- interleaved, if asked for: the same two builds taking turns within one run, and this one with
  itself.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

from edgefeat.bench import BenchPlan, BenchReport, Judgement, Setup, SingleStreamLoad, judge, run
from edgefeat.bench.loads.processes import measure_apart
from edgefeat.bench.loads.single_stream import run_single_stream
from edgefeat.bench.pictures import sample_pictures
from edgefeat.bench.pipeline import Call, ExtractorPipeline, Picture
from edgefeat.bench.report.table import ratio_verdict
from edgefeat.extractor import FeatureExtractor
from edgefeat.pictures.decode import load_bgr

RULES = ("p50>+5%", "cpu>+5%")
TINY = cv2.imencode(".jpg", np.zeros((32, 32, 3), np.uint8))[1].tobytes()
PARTS = ("overhead", "agreement", "errors", "interleaved")


class SlowerPipeline:
    """The same work, then decoding of a tiny picture until it took longer by a share."""

    def __init__(self, extractor: FeatureExtractor, share: float) -> None:
        self._pipeline, self._share = ExtractorPipeline(extractor), share

    def __call__(self, picture: Picture) -> Call:
        started, decoded, resized, done = self._pipeline(picture)
        until = done + int(self._share * (done - started))
        while (now := time.perf_counter_ns()) < until:
            load_bgr(TINY)
        return started, decoded, resized, now


class NothingPipeline:
    """No work at all."""

    def __call__(self, picture: Picture) -> Call:
        now = time.perf_counter_ns
        return now(), now(), now(), now()


def overhead() -> dict[str, float]:
    """Return the harness's time around one call, in microseconds, and its share of a real one."""
    with FeatureExtractor() as extractor:
        pictures = sample_pictures()
        (real,) = run_single_stream(
            [ExtractorPipeline(extractor)], pictures, duration_s=2, min_calls=64
        )
    started = time.perf_counter()
    (none,) = run_single_stream([NothingPipeline()], pictures, duration_s=0, min_calls=4096)
    whole_s = time.perf_counter() - started - float(none.yardstick_ns.sum()) / 1e9
    around_us = whole_s / len(none.total_ms) * 1e6
    call_us = float(median(real.total_ms.tolist())) * 1e3
    return {"harness_us": around_us, "call_us": call_us, "share": around_us / call_us}


def agreement(rounds: int, calls: int) -> dict[str, Any]:
    """Return the harness's mean over the outside's, for each round, and their median."""
    plan = BenchPlan(setups=(Setup(),), pictures=sample_pictures())
    load = SingleStreamLoad(duration_s=1e-3, min_calls=calls, processes=1)  # the calls decide
    ratios = []
    for _ in range(rounds):
        ((series,),) = measure_apart(plan, load, lambda _share: None)
        outside_ms = 1e3 * (_process_s(2 * calls) - _process_s(calls)) / calls
        ratios.append(float(series.total_ms.mean()) / outside_ms)
    return {"ratios": ratios, "median": median(ratios), "low": min(ratios), "high": max(ratios)}


def errors(tries: int, duration_s: float, slower: float) -> dict[str, Any]:
    """Return what --compare said of equal builds and of a slower one, judgement by judgement."""
    found: list[dict[str, Any]] = []
    base = _run([0.0], duration_s)
    for number in range(tries):
        slow, equal = _run([slower], duration_s), _run([0.0], duration_s)
        for build, new in (("slower", slow), ("equal", equal)):
            for judgement in judge(base, new, RULES):
                found.append({"build": build, "rule": judgement.rule.text, **_plain(judgement)})
        base = equal
        _show(f"  {number + 1}/{tries}: {_counted(found)}")
    return {"said": _counted(found), "judgements": found}


def _run(shares: Sequence[float], duration_s: float) -> BenchReport:
    """Return the report of builds that are slowed by shares, taking turns, as the command does."""
    setups = (Setup(pipeline=partial(SlowerPipeline, share=share)) for share in shares)
    load = SingleStreamLoad(duration_s=duration_s / len(shares))
    return run(*setups, loads=[load], cold_starts=0)


def _plain(judgement: Judgement) -> dict[str, Any]:
    ratio = judgement.ratio
    return {
        "outcome": str(judgement.verdict),
        "reason": judgement.reason,
        "interval": [ratio.ratio, ratio.low, ratio.high] if ratio else None,
        "machine": judgement.machine,
    }


def _counted(found: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    keys = dict.fromkeys(f"{one['rule']} {one['build']}" for one in found)
    return {
        key: dict(Counter(o["outcome"] for o in found if f"{o['rule']} {o['build']}" == key))
        for key in keys
    }


def interleaved(tries: int, duration_s: float, slower: float) -> dict[str, Any]:
    """Return what the intervals of setups that took turns said."""
    said: dict[str, Counter[str]] = {"equal": Counter(), "slower": Counter()}
    for number in range(tries):
        for kind, share in (("equal", 0.0), ("slower", slower)):
            said[kind][ratio_verdict(_run([0.0, share], duration_s).ratios[0])] += 1
        _show(f"  {number + 1}/{tries}: {_text(said)}")
    return {kind: dict(count) for kind, count in said.items()}


def plain(calls: int) -> None:
    """Extract so many pictures, as any script would."""
    with FeatureExtractor() as extractor:
        for picture in islice(cycle(sample_pictures().items), calls):
            extractor.extract(picture)


def _process_s(calls: int) -> float:
    started = time.perf_counter()
    _own_process(["--plain", str(calls)])
    return time.perf_counter() - started


def _own_process(arguments: list[str]) -> None:
    subprocess.run([sys.executable, __file__, *arguments], check=True, timeout=300)


def _text(said: dict[str, Counter[str]]) -> str:
    return ", ".join(f"{kind} {dict(count)}" for kind, count in said.items())


def _show(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run the experiments, or the part that a child of this process is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--part", action="append", choices=PARTS, help="default: all but the last")
    parser.add_argument("--tries", type=int, default=20)
    parser.add_argument("--duration", type=float, default=10.0, help="seconds a run")
    parser.add_argument("--slower", type=float, default=10.0, help="percent")
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--plain", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.plain:
        return plain(arguments.plain)
    found: dict[str, Any] = {}
    for part in arguments.part or PARTS[:-1]:
        found[part] = _part(part, arguments)
        if arguments.output:
            arguments.output.write_text(json.dumps(found, indent=1) + "\n")
    return None


def _part(part: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Run one experiment and say what came of it."""
    budget = arguments.tries, arguments.duration, arguments.slower / 100
    if part == "overhead":
        found = overhead()
        share = "{harness_us:.1f} us of {call_us:.0f} us, {share:.3%}".format(**found)
        _show(f"overhead: {share}")
        return found
    if part == "agreement":
        ratios = agreement(rounds=9, calls=400)
        _show(
            "agreement with whole processes: ratio {median:.3f}, {low:.3f} to {high:.3f}".format(
                **ratios
            )
        )
        return ratios
    if part == "errors":
        compared = errors(*budget)
        for key, count in compared["said"].items():
            _show(f"--compare, {key} build: {count}")
        machine = [one["machine"] for one in compared["judgements"]]
        _show(f"the machine itself meanwhile: x{min(machine):.2f} to x{max(machine):.2f}")
        return compared
    paired = interleaved(*budget)
    _show(f"interleaved, by their intervals: {json.dumps(paired)}")
    return paired


if __name__ == "__main__":
    main()
