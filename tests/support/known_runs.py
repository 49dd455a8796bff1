"""Runs of a benchmark whose truth is known, made of given latencies: nothing is timed."""

import numpy as np
from numpy.typing import NDArray

from edgefeat.bench import BenchReport
from edgefeat.bench.results import Subject
from edgefeat.bench.series import BLOCK, Series
from edgefeat.bench.statistics.summary import single_stream
from edgefeat.bench.surroundings import Conditions, Machine

MACHINE = Machine(
    cpu="Some CPU",
    board=None,
    architecture="x86_64",
    cores=2,
    flags=("avx2", "avx512_vnni"),
    int8_dot=True,
    memory_bytes=8_000_000_000,
    memory_limit_bytes=None,
    cpu_quota=None,
    system="Linux 6.1",
    versions={"python": "3.12.1", "numpy": "2.1.0"},
    install_bytes=None,
)
CALM = Conditions(
    invalid=(),
    notes=(),
    duration_s=1.0,
    others_cores=0.0,
    steal=0.0,
    load_average=None,
    governors=(),
    frequency_mhz=None,
    max_frequency_mhz=None,
    temperatures_c={},
    throttled=(),
)


def noisy(rng: np.random.Generator, level_ms: float, n: int) -> NDArray[np.float64]:
    """Latencies as real ones are: skewed, and with rare outliers."""
    values = level_ms * (1 + 0.03 * rng.gamma(2.0, size=n))
    return np.where(rng.random(n) < 0.01, values * 4, values)


def lucky_or_not(
    rng: np.random.Generator, level_ms: float, processes: int = 5
) -> NDArray[np.float64]:
    """Processes of one build, one to a row, some faster than others for as long as they live."""
    luck = np.exp(rng.normal(0, 0.03, processes))
    return np.stack([noisy(rng, level_ms * one, 8 * BLOCK) for one in luck])


def in_process(latencies_ms: NDArray[np.float64], yardstick_ms: float, cpu_share: float) -> Series:
    return Series(
        clock_ns=(latencies_ms[:, np.newaxis] * [0.0, 0.2, 0.3, 1.0] * 1e6).astype(np.int64),
        yardstick_ns=np.full(len(latencies_ms), int(yardstick_ms * 1e6)),
        wall_s=latencies_ms / 1e3,
        cpu_s=latencies_ms / 1e3 * cpu_share,
    )


def subject(
    *processes_ms: NDArray[np.float64], yardstick_ms: float = 0.1, cpu_share: float = 1.0
) -> Subject:
    return Subject(
        label="m",
        model="m",
        precision="int8",
        file="m.onnx",
        file_bytes=1,
        fingerprint="0" * 64,
        providers=("cpu",),
        threads=1,
        cosine_to_keras=None,
        load_ms=1.0,
        first_call_ms=1.0,
        single_stream=single_stream(
            [in_process(one, yardstick_ms, cpu_share) for one in processes_ms]
        ),
    )


def report(latencies_ms: NDArray[np.float64], *, yardstick_ms: float = 0.1) -> BenchReport:
    """A report of five processes; each takes a fifth of the latencies."""
    processes_ms = latencies_ms.reshape(5, -1)
    return BenchReport(
        created="2026-11-21T12:00:00+00:00",
        source="test",
        pictures=1,
        machine=MACHINE,
        conditions=CALM,
        subjects=(subject(*processes_ms, yardstick_ms=yardstick_ms),),
        ratios=(),
    )
