"""Cold start: a fresh process, from its start to the first feature.

The fresh process (`python -m edgefeat.bench.cold_start`) tells when each step was done. Linux's
monotonic clock is the same for all processes, so its times can be compared with ours. Nothing heavy
may be imported at the top of this file: that would be timed as part of the interpreter.
"""

from __future__ import annotations

import time

_ENTERED = time.monotonic()  # the interpreter is up, and only this package is imported

import json  # noqa: E402 - the clock comes first
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
from collections.abc import Callable, Mapping, Sequence  # noqa: E402
from dataclasses import asdict, dataclass  # noqa: E402
from itertools import pairwise  # noqa: E402
from pathlib import Path  # noqa: E402
from statistics import median  # noqa: E402
from typing import TYPE_CHECKING, Any  # noqa: E402

from edgefeat.errors import ModelError  # noqa: E402

if TYPE_CHECKING:
    from edgefeat.arrays import Pixels
    from edgefeat.bench.pipeline import Item
    from edgefeat.bench.plan import Setup
    from edgefeat.bench.results import ColdStart

__all__ = ["cold_start"]

_TIMEOUT_S = 300.0
_CALLS_TO_STEADY = 20
_LAST_WORDS = 500  # characters of a failed process's last message
_MS_PER_S = 1e3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What one fresh process tells.

    Attributes:
        entered: When the interpreter was up, on the monotonic clock, in seconds.
        imported: When edgefeat and what it needs were imported.
        loaded: When the model was open.
        first: When the first feature was there.
        peak_rss_bytes: Most resident memory until then.
        steady_rss_bytes: Resident memory after more pictures.
        bytecode: Whether Python found compiled files.
    """

    entered: float
    imported: float
    loaded: float
    first: float
    peak_rss_bytes: int | None
    steady_rss_bytes: int | None
    bytecode: bool


def cold_start(
    setup: Setup, item: Item, *, starts: int, on_share: Callable[[float], None]
) -> ColdStart:
    """Start fresh processes, one after the other, and time each to its first feature.

    Args:
        setup: Model and how it runs; its `pipeline` is not used.
        item: Encoded picture, frame or row to extract the feature from.
        starts: How many processes to start.
        on_share: Called after each start with the share that is done.

    Raises:
        ModelError: A fresh process failed.
    """
    told: list[tuple[float, _Told]] = []
    with tempfile.NamedTemporaryFile(prefix="edgefeat-", suffix=".picture") as file:
        given: Any = item
        if not isinstance(item, Mapping):
            file.write(item if isinstance(item, bytes) else _as_png(item))
            file.flush()
            given = file.name
        arguments = json.dumps({"model": str(setup.path), "item": given, "options": setup.options})
        for number in range(starts):
            started = time.monotonic()
            told.append((started, _start(arguments)))
            on_share((number + 1) / starts)
    return _medians(told)


def _medians(told: Sequence[tuple[float, _Told]]) -> ColdStart:
    """Return the figures of all starts; each is when it was started, and what it told."""
    from edgefeat.bench.results import ColdStart

    spans = [(started, t.entered, t.imported, t.loaded, t.first) for started, t in told]
    steps_ms = [[_MS_PER_S * (b - a) for a, b in pairwise(span)] for span in spans]
    interpreter, imports, load, first = (
        round(median(of_all), 2) for of_all in zip(*steps_ms, strict=True)
    )
    totals_ms = [_MS_PER_S * (span[-1] - span[0]) for span in spans]
    peaks = [t.peak_rss_bytes for _, t in told if t.peak_rss_bytes]
    steady = [t.steady_rss_bytes for _, t in told if t.steady_rss_bytes]
    return ColdStart(
        starts=len(told),
        total_ms=round(median(totals_ms), 2),
        slowest_ms=round(max(totals_ms), 2),
        interpreter_ms=interpreter,
        imports_ms=imports,
        load_ms=load,
        first_call_ms=first,
        peak_rss_bytes=max(peaks, default=None),
        steady_rss_bytes=max(steady, default=None),
        bytecode=all(t.bytecode for _, t in told),
    )


def _as_png(frame: Pixels) -> bytes:
    """Encode a frame, because the fresh process reads its picture from a file."""
    import cv2

    return cv2.imencode(".png", frame)[1].tobytes()


def _start(arguments: str) -> _Told:
    command = [sys.executable, "-m", "edgefeat.bench.cold_start", arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(
            f"no feature within {_TIMEOUT_S:.0f} s of starting a process",
            where="cold start",
            remedy="Leave it out with {option}.",
            option="cold_starts=0",
        ) from error
    except subprocess.CalledProcessError as error:
        raise ModelError(
            f"the fresh process failed with exit code {error.returncode}: "
            f"{error.stderr.strip()[-_LAST_WORDS:]}",
            where="cold start",
        ) from error
    return _Told(**json.loads(done.stdout))


def _child(*, model: str, item: Any, options: dict[str, Any]) -> _Told:
    from edgefeat.extractor import FeatureExtractor
    from edgefeat.host import machine

    imported = time.monotonic()
    extractor = FeatureExtractor(model, **options)
    loaded = time.monotonic()
    extractor.extract(item)
    first = time.monotonic()
    peak = machine.peak_rss_bytes()
    for _ in range(_CALLS_TO_STEADY):
        extractor.extract(item)
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
    sys.stdout.write(json.dumps(asdict(_child(**json.loads(sys.argv[1])))))
