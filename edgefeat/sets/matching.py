"""Whether features belong to a set that is there, or may be compared with those of another."""

from __future__ import annotations

from pathlib import Path

from edgefeat.errors import SinkError
from edgefeat.sets.info import SetInfo

__all__ = ["check_comparable", "check_same"]


def check_same(there: SetInfo, now: SetInfo, *, where: Path) -> None:
    """Say why features cannot be added to a set.

    Args:
        there: What the rows of the set have in common.
        now: What the new rows have in common.
        where: The set.

    Raises:
        SinkError: They do not belong together.
    """
    if there.fingerprint != now.fingerprint:
        raise SinkError(
            f"fingerprint: the set has {there.fingerprint[:12]} (model {there.model}), these "
            f"features have {now.fingerprint[:12]} (model {now.model})",
            where=where,
            remedy="Vectors of different models or preprocessing cannot be compared: use the set's "
            "model and options, or name another place.",
        )
    if there.outputs != now.outputs:
        raise SinkError(
            f"the set has the outputs {_names(there)}, got {_names(now)}",
            where=where,
            remedy="Resume with {option}, or name another place.",
            option=f"outputs={','.join(output.name for output in there.outputs)}",
        )
    if there.timed != now.timed:
        kinds = {False: "pictures", True: "frames of a stream"}
        raise SinkError(
            f"the set has features of {kinds[there.timed]}, got those of {kinds[now.timed]}",
            where=where,
            remedy="Name another place.",
        )
    if there.store != now.store:
        raise SinkError(
            f"the set was made with {there.store} numbers, got {now.store}",
            where=where,
            remedy="Resume with {option}.",
            option=f"store={there.store}",
        )


def check_comparable(one: SetInfo, other: SetInfo) -> None:
    """Say why the vectors of two sets cannot be compared.

    Raises:
        SinkError: They are of different models, preprocessing or outputs.
    """
    if one.fingerprint != other.fingerprint:
        raise SinkError(
            f"fingerprint: one set has {one.fingerprint[:12]} (model {one.model}), the other "
            f"{other.fingerprint[:12]} (model {other.model})",
            remedy="Vectors of different models or preprocessing cannot be compared: extract "
            "both with one model and one set of options.",
        )
    if one.outputs != other.outputs:
        mine, theirs = (", ".join(output.name for output in info.outputs) for info in (one, other))
        raise SinkError(
            f"features: one set keeps {mine}, the other {theirs}",
            remedy="Compare the same output of both: `set.output(name)` gives one.",
        )


def _names(info: SetInfo) -> str:
    return ", ".join(
        f"{output.name} ({' x '.join(map(str, output.shape))})" for output in info.outputs
    )
