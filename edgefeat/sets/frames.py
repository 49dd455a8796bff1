"""When the frames of a stream were taken: one column for each fact, one entry for each row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.sets.names import decode_name, encode_name
from edgefeat.sets.record import FeatureRecord

__all__ = ["COLUMNS", "NEWER", "TEXTS", "Frames", "frame_facts"]

COLUMNS: Mapping[str, np.dtype[Any]] = {
    "index": np.dtype("<i8"),
    "source": np.dtype("O"),  # text
    "wall_time": np.dtype("<f8"),
    "media_s": np.dtype("<f8"),  # NaN where the source states no time
    "age_ms": np.dtype("<f8"),
    "dropped": np.dtype("<i8"),
    "device": np.dtype("O"),
    "camera": np.dtype("O"),
    "session": np.dtype("O"),
    "monotonic_s": np.dtype("<f8"),
    "gap_s": np.dtype("<f8"),  # NaN where no connection was lost before the frame
    "motion": np.dtype("<f8"),  # NaN for the first frame, as is `novelty`
    "novelty": np.dtype("<f8"),
    "change": np.dtype("O"),
}
"""The columns by name, in the order in which every format writes them."""

TEXTS = frozenset(name for name, dtype in COLUMNS.items() if dtype == np.dtype("O"))
"""The columns of text."""

NEWER = frozenset({"motion", "novelty", "change"})
"""The columns that older sets lack."""

_NOTHING = float("nan")
_MAY_LACK = ("media_s", "monotonic_s", "gap_s", "motion", "novelty")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frames:
    """When frames were taken, as arrays `(N,)`.

    Attributes:
        index: int64, the frame's number in its source.
        source: Text, what the source is called.
        wall_time: float64, Unix time in seconds.
        media_s: float64, the source's own clock in seconds; NaN where it states none.
        age_ms: float64, time from capture to the features, in ms.
        dropped: int64, frames that had made room for newer ones by then.
        device: Text, what the device is called.
        camera: Text, what the user calls the camera.
        session: Text, which run of a stream it was.
        monotonic_s: float64, the device's clock that is never set, in seconds; it starts anew
            with each boot.
        gap_s: float64, seconds without a connection before the frame; NaN if there was one.
        motion: float64, grey levels by which the picture had changed; NaN where nothing was before.
        novelty: float64, cosine distance by which the features had; NaN where nothing was before.
        change: Text, why gates let the frame pass; empty without gates.
    """

    index: NDArray[np.int64]
    source: NDArray[np.object_]
    wall_time: NDArray[np.float64]
    media_s: NDArray[np.float64]
    age_ms: NDArray[np.float64]
    dropped: NDArray[np.int64]
    device: NDArray[np.object_]
    camera: NDArray[np.object_]
    session: NDArray[np.object_]
    monotonic_s: NDArray[np.float64]
    gap_s: NDArray[np.float64]
    motion: NDArray[np.float64]
    novelty: NDArray[np.float64]
    change: NDArray[np.object_]

    @classmethod
    def of_columns(cls, columns: Mapping[str, Sequence[Any] | NDArray[Any]]) -> Frames:
        """Make them from columns as they are written: names encoded, a missing number as None.

        What stands in `NEWER` may be missing.

        Raises:
            KeyError, TypeError, ValueError: A column is missing or does not fit.
        """
        found = {}
        for name, dtype in COLUMNS.items():
            if name in NEWER and name not in columns:
                values: Any = ["" if name in TEXTS else None] * len(columns["index"])
            else:
                values = columns[name]
            if name in TEXTS:
                values = [decode_name(str(text)) for text in values]
            elif name in _MAY_LACK:
                values = [_NOTHING if value is None else value for value in values]
            found[name] = np.array(values, dtype)
        if len({len(column) for column in found.values()}) > 1:
            lengths = {name: len(column) for name, column in found.items()}
            raise ValueError(f"columns of different lengths: {lengths}")
        return cls(**found)

    @classmethod
    def joined(cls, parts: Iterable[Frames]) -> Frames:
        """Put several, or none, after each other."""
        several = [*parts] or [cls.of_columns(dict.fromkeys(COLUMNS, ()))]
        return cls(
            **{name: np.concatenate([getattr(p, name) for p in several]) for name in COLUMNS}
        )

    def __len__(self) -> int:
        return len(self.index)

    def take(self, rows: Any) -> Frames:
        """Return some of the rows, by a slice or an array of positions."""
        return Frames(**{name: getattr(self, name)[rows] for name in COLUMNS})

    def facts(self, row: int) -> dict[str, Any]:
        """Return one row as `FeatureRecord` takes it."""
        facts = {name: getattr(self, name)[row].item() for name in COLUMNS.keys() - TEXTS}
        facts |= {name: None for name in _MAY_LACK if np.isnan(facts[name])}
        texts: dict[str, str | None] = {name: getattr(self, name)[row] for name in TEXTS}
        return facts | {name: text or None for name, text in texts.items()}

    def columns(self) -> dict[str, list[Any]]:
        """Return the columns as they are written to JSON."""
        written: dict[str, list[Any]] = {name: getattr(self, name).tolist() for name in COLUMNS}
        for name in TEXTS:
            written[name] = [encode_name(text) for text in written[name]]
        for name in _MAY_LACK:
            written[name] = [None if np.isnan(value) else value for value in written[name]]
        return written


def frame_facts(record: FeatureRecord) -> dict[str, Any]:
    """Return what a record says of its frame as it is written, in the order of `COLUMNS`.

    Raises:
        ValueError: The record is of no stream.
    """
    if record.source is None or record.wall_time is None:
        raise ValueError("source, wall_time: expected a stream's record, got one without them")
    return {
        "index": record.index,
        "source": encode_name(record.source),
        "wall_time": round(record.wall_time, 6),
        "media_s": record.media_s,
        "age_ms": round(record.age_ms or 0.0, 3),
        "dropped": record.dropped or 0,
        "device": encode_name(record.device or ""),
        "camera": encode_name(record.camera or ""),
        "session": record.session or "",
        "monotonic_s": None if record.monotonic_s is None else round(record.monotonic_s, 6),
        "gap_s": None if record.gap_s is None else round(record.gap_s, 3),
        "motion": None if record.motion is None else round(record.motion, 2),
        "novelty": None if record.novelty is None else round(record.novelty, 6),
        "change": str(record.change or ""),
    }
