"""Cold start: a fresh process, from its start to the first feature.

The child (`python -m edgefeat.bench.cold_start`) says when each step was done, on the monotonic
clock that Linux shares between processes. Nothing heavy may be imported at the top of this file.
"""

from __future__ import annotations

import time

_ENTERED = time.monotonic()  # the interpreter is up, and only this package is imported

import json  # noqa: E402 - the clock comes first
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
from collections.abc import Callable, Sequence  # noqa: E402
from dataclasses import asdict, dataclass  # noqa: E402
from itertools import pairwise  # noqa: E402
from pathlib import Path  # noqa: E402
from statistics import median  # noqa: E402
from typing import TYPE_CHECKING  # noqa: E402

from edgefeat.errors import ModelError  # noqa: E402

if TYPE_CHECKING:
    from edgefeat.arrays import Pixels
    from edgefeat.bench.pipeline import Picture
    from edgefeat.bench.results import ColdStart

__all__ = ["cold_start"]

_TIMEOUT_S = 300.0
_MORE_CALLS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What one child says: monotonic seconds, and memory in bytes."""

    entered: float
    imported: float
    loaded: float
    first: float
    peak_rss_bytes: int | None
    steady_rss_bytes: int | None
    bytecode: bool


def cold_start(
    model: Path,
    picture: Picture,
    *,
    providers: Sequence[str],
    threads: int,
    strict: bool,
    starts: int,
    on_start: Callable[[], None] = lambda: None,
) -> ColdStart:
    """Start fresh processes, one after the other, and time each to its first feature.

    Args:
        model: Model file.
        picture: Encoded, or a frame; what features are extracted from.
        providers: Execution providers by preference.
        threads: Threads inside one inference.
        strict: Whether the first provider must be the one that runs.
        starts: How many processes; the figures are medians.
        on_start: Called after each.

    Raises:
        ModelError: A child failed.
    """
    spans: list[list[float]] = []
    told: list[_Told] = []
    with tempfile.NamedTemporaryFile(prefix="edgefeat-", suffix=".picture") as file:
        file.write(picture if isinstance(picture, bytes) else _as_png(picture))
        file.flush()
        arguments = [str(model), file.name, ",".join(providers), str(threads)]
        arguments.append("strict" if strict else "any")
        for _ in range(starts):
            started = time.monotonic()
            one = _start(arguments)
            told.append(one)
            spans.append([started, one.entered, one.imported, one.loaded, one.first])
            on_start()
    return _medians(spans, told)


def _medians(spans: Sequence[Sequence[float]], told: Sequence[_Told]) -> ColdStart:
    """Return the figures of all starts, each a row of monotonic seconds."""
    from edgefeat.bench.results import ColdStart

    steps = [[1e3 * (b - a) for a, b in pairwise(span)] for span in spans]
    interpreter, imports, load, first = (round(median(s), 2) for s in zip(*steps, strict=True))
    totals = [1e3 * (span[-1] - span[0]) for span in spans]
    peaks = [one.peak_rss_bytes for one in told if one.peak_rss_bytes]
    steady = [one.steady_rss_bytes for one in told if one.steady_rss_bytes]
    return ColdStart(
        starts=len(told),
        total_ms=round(median(totals), 2),
        slowest_ms=round(max(totals), 2),
        interpreter_ms=interpreter,
        imports_ms=imports,
        load_ms=load,
        first_call_ms=first,
        peak_rss_bytes=max(peaks, default=None),
        steady_rss_bytes=max(steady, default=None),
        bytecode=all(t.bytecode for t in told),
    )


def _as_png(frame: Pixels) -> bytes:
    """Encode a frame: the fresh process has to read its picture from somewhere."""
    import cv2

    return cv2.imencode(".png", frame)[1].tobytes()


def _start(arguments: list[str]) -> _Told:
    command = [sys.executable, "-m", "edgefeat.bench.cold_start", *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(
            f"cold start: no feature within {_TIMEOUT_S:.0f} s of starting a process. "
            "Leave it out with `--cold-starts 0`."
        ) from error
    except subprocess.CalledProcessError as error:
        raise ModelError(
            f"cold start: the fresh process failed with exit code {error.returncode}: "
            f"{error.stderr.strip()[-500:]}"
        ) from error
    return _Told(**json.loads(done.stdout))


def _child(model: str, picture: str, providers: str, threads: str, strict: str) -> _Told:
    from edgefeat import machine
    from edgefeat.extractor import FeatureExtractor

    imported = time.monotonic()
    extractor = FeatureExtractor(
        model,
        providers=providers.split(","),
        strict=strict == "strict",
        threads=int(threads),
    )
    loaded = time.monotonic()
    extractor.extract(picture)
    first = time.monotonic()
    peak = machine.peak_rss_bytes()
    for _ in range(_MORE_CALLS):
        extractor.extract(picture)
    cached = sys.modules["numpy"].__cached__
    return _Told(
        entered=_ENTERED,
        imported=imported,
        loaded=loaded,
        first=first,
        peak_rss_bytes=peak,
        steady_rss_bytes=machine.rss_bytes(),
        bytecode=bool(cached) and Path(cached).is_file(),
    )


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(_child(*sys.argv[1:]))))
