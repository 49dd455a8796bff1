"""What `edgefeat teach` says before the file is written, for people and for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from edgefeat.cli.not_taken import not_taken_line
from edgefeat.cli.record_lines import printable
from edgefeat.messages.counts import counted

if TYPE_CHECKING:
    from edgefeat.teaching.report import Accuracy, Taught

__all__ = ["as_json", "as_text", "notes"]

_FEW = 10  # pictures of a class
_CONFUSIONS = 4  # for each class


def notes(taught: Taught, *, quiet: bool) -> list[str]:
    """Return what was left out, chosen or is worth knowing, as lines.

    Args:
        taught: What was learnt.
        quiet: Whether only what is missing is wanted.
    """
    lines = [not_taken_line(one) for one in taught.not_taken if one.pictures or not quiet]
    lines += [printable(note) for note in taught.notes]
    if taught.failed:
        lines.append(f"{counted(len(taught.failed), 'picture')} gave no features: not learnt")
    if taught.contradicting:
        lines.append(
            f"{counted(taught.contradicting, 'picture')} of equal features with different "
            "answers: one of them is wrong"
        )
    if taught.repeated:
        lines.append(
            f"{counted(taught.repeated, 'picture')} stood there already with the same "
            "answer: each counts once"
        )
    if taught.near_duplicates:
        lines.append(
            f"{taught.near_duplicates} of {counted(taught.pictures, 'picture')} have a "
            "near-duplicate with the same answer: for new pictures expect less than what is said "
            "here"
        )
    few = [one.name for one in taught.classes if one.pictures < _FEW]
    if few and not quiet:
        lines.append(
            f"fewer than {_FEW} pictures: {', '.join(map(printable, few))}. More would help"
        )
    return lines


def as_text(taught: Taught) -> str:
    """Return what was learnt, for people."""
    lines = []
    if taught.accuracy is not None:
        width = max(len(one.name) for one in taught.classes)
        lines.append(f"{'class':<{width}}  pictures  right   taken for")
        for one in taught.classes:
            said = [f"{count} {printable(name)}" for name, count in one.said[:_CONFUSIONS]]
            if len(one.said) > _CONFUSIONS:
                said.append(f"{sum(count for _, count in one.said[_CONFUSIONS:])} others")
            share = f"{100 * one.accuracy.share:.0f} %"
            name = printable(one.name)
            lines.append(f"{name:<{width}}  {one.pictures:8}  {share:>5}   {', '.join(said)}")
        lines.append(f"accuracy, each picture left out once: {_accuracy(taught.accuracy)}")
    if taught.fit is not None:
        lines.append(
            f"error, each picture left out once: {taught.fit.error:.4g} (root mean square); the "
            f"mean of the others gives {taught.fit.spread:.4g}; explained "
            f"{100 * taught.fit.explained:.0f} %"
        )
    if taught.threshold is not None:
        lines.append(f"a distance above {taught.threshold:.4g} is unlike what was shown")
    if taught.unlike is not None:
        name = taught.unknown or "unlike"
        lines.append(
            f"called {name!r}: about {100 * taught.unlike:.1f} % of pictures like those shown"
        )
    lines.append(
        f"learnt from {counted(taught.pictures, 'picture')}: {taught.method}{_before(taught)}"
    )
    lines.append(_size(taught))
    return "\n".join(lines) + "\n"


def as_json(taught: Taught) -> str:
    """Return what was learnt, for programs."""
    return json.dumps(asdict(taught), indent=1) + "\n"


def _accuracy(accuracy: Accuracy) -> str:
    return (
        f"{100 * accuracy.share:.1f} % ({accuracy.right} of {accuracy.of}; 95 % interval "
        f"{100 * accuracy.low:.1f} to {100 * accuracy.high:.1f} %)"
    )


def _before(taught: Taught) -> str:
    return f"; {taught.before} of them were in the file before" if taught.before else ""


def _size(taught: Taught) -> str:
    size = taught.size
    text = f"file: {size.file / 1e6:.2f} MB, of which the head takes {size.head / 1e3:.0f} kB"
    if size.memory:
        return f"{text} and the features kept for adding {size.memory / 1e3:.0f} kB"
    return f"{text}; it keeps no features, so nothing can be added later"
