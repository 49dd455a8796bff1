"""Records on a terminal, a line each, for people; programs get JSON lines."""

from __future__ import annotations

import sys

from edgefeat.sets.record import FeatureRecord
from edgefeat.sets.sink import CallbackSink, Sink

__all__ = ["for_people", "printable"]

_SHOWN = 6


def for_people() -> Sink:
    """Return a sink that shows each record on stdout."""
    return CallbackSink(_show)


def printable(name: str) -> str:
    """Return a name without what ends lines or moves a terminal's cursor."""
    if name.isprintable():
        return name
    return name.encode("unicode_escape", "backslashreplace").decode()


def _show(record: FeatureRecord) -> None:
    parts = [printable(record.path)]
    if record.age_ms is not None:
        parts.append(f"age {record.age_ms:.0f} ms")
    if record.label is not None:
        chance = (record.probabilities or {}).get(record.label)
        parts.append(printable(record.label) + ("" if chance is None else f" {chance:.3f}"))
    if record.value is not None:
        parts.append(f"{record.value:g}")
    first = " ".join(f"{number:.3f}" for number in record.features.reshape(-1)[:_SHOWN])
    parts += [f"{record.features.size} features", f"{first} ..."]
    sys.stdout.write("  ".join(parts) + "\n")
    sys.stdout.flush()
