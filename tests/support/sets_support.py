"""Sets for tests: their facts, their records, and one that is written and read back."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from pathlib import Path

import numpy as np

from edgefeat import FeatureSet
from edgefeat.options.output import OutputOptions
from edgefeat.sets.encoding import Store
from edgefeat.sets.formats import OutputPlan
from edgefeat.sets.info import OutputInfo, SetInfo
from edgefeat.sets.record import FeatureRecord
from stored_rows import fitting

FORMATS = ("f.npz", "f.npy", "f.csv", "f.jsonl", "folder")
ONE = (OutputInfo(name="features", shape=(5,)),)
SEVERAL = (
    OutputInfo(name="features", shape=(5,)),
    OutputInfo(name="block/2:0", shape=(3,)),
    OutputInfo(name="a map", shape=(2, 3, 4)),
)


def info_of(
    outputs: Sequence[OutputInfo] = ONE,
    *,
    store: Store = Store.F32,
    timed: bool = False,
    model: str = "toy",
    fingerprint: str = "a",
) -> SetInfo:
    return SetInfo(
        model=model,
        fingerprint=fingerprint * 64,
        outputs=tuple(outputs),
        store=store,
        timed=timed,
    )


def features_of(info: SetInfo, row: int) -> np.ndarray:
    drawn = np.random.default_rng(row).normal(size=info.dim).astype(np.float32)
    return fitting(drawn, info.store).reshape(info.shape)


def record_of(info: SetInfo, row: int, name: str | None = None) -> FeatureRecord:
    """One row; of a stream, every other frame states a time of its own."""
    if not info.timed:
        return FeatureRecord(
            features=features_of(info, row),
            index=row,
            fingerprint=info.fingerprint,
            name=f"{row}.jpg" if name is None else name,
        )
    return FeatureRecord(
        features=features_of(info, row),
        index=row * 3,
        fingerprint=info.fingerprint,
        name=name,
        source="camera 0",
        wall_time=1.7e9 + row / 8,
        media_s=None if row % 2 else row / 4,
        age_ms=12.5 + row,
        dropped=row,
        device="box",
        camera="yard",
        session="s1",
        monotonic_s=100.0 + row,
        gap_s=None if row % 2 else row / 8,
        motion=None if row % 2 else row / 4,
        novelty=None if row % 2 else row / 64,
        change=None if row % 2 else "enter",
    )


def write_set(
    path: Path,
    info: SetInfo,
    names: Sequence[str | None],
    *,
    live: bool = False,
    shard_size: int | None = 3,
    overwrite: bool = False,
    resume: bool = False,
) -> None:
    plan = OutputPlan(
        output=str(path),
        live=live,
        options=OutputOptions(
            store=info.store,
            shard_size=None if path.suffix else shard_size,
            overwrite=overwrite,
            resume=resume,
        ),
    )
    with plan.open(info) as sink:
        for row, name in enumerate(names):
            sink.write(record_of(info, row, name))
        sink.commit()


def written_set(path: Path, info: SetInfo, names: Sequence[str | None]) -> FeatureSet:
    write_set(path, info, names, live=info.timed)
    return FeatureSet.read(path)


def plain(names: Iterable[str]) -> list[str]:
    """Names of files without the hashes in them, sorted."""
    return sorted(re.sub(r"-[0-9a-f]{8}(?=\.)", "", name) for name in names)


def file_of(folder: Path, name: str) -> Path:
    """The file that is called so but for the hash."""
    (found,) = (path for path in folder.iterdir() if plain([path.name]) == [name])
    return found


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Do work in a process that kills itself right after its n-th change of the disk.

    Returns:
        Whether it came so far; else the work was done in full.
    """
    child = os.fork()
    if child == 0:
        code = 1
        try:
            steps = count()
            for name in ("fsync", "replace", "link", "unlink", "ftruncate"):
                setattr(os, name, _deadly(getattr(os, name), step, steps))
            work()
            code = 0
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or status == 0
    return os.WIFSIGNALED(status)


def _deadly(real: Callable[..., object], at: int, steps: count[int]) -> Callable[..., object]:
    def step(*arguments: object, **options: object) -> object:
        result = real(*arguments, **options)
        if next(steps) == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return step
