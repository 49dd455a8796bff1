"""The page of a lesson: for each class its confusions, and its hardest pictures first."""

from __future__ import annotations

from edgefeat.sets.photo_facts import facts_of
from edgefeat.sheets.sheet import Card, Section, Sheet, Table
from edgefeat.teaching.report import Accuracy, Hard, Taught, TaughtClass

__all__ = ["of_taught"]

_HARDEST = 24  # pictures of a class, or of all where there are no classes


def of_taught(taught: Taught) -> Sheet:
    """Return the sheet of what was taught.

    Args:
        taught: What was learnt, and how well.
    """
    facts = [_head_line(taught)]
    facts += [
        "Each picture was left out once, and this is what the file would say of it without having "
        "seen it.",
        f"{taught.pictures} pictures, fitted by {taught.method}. Model "
        f"{taught.features_fingerprint[:12]}.",
    ]
    if taught.classes:
        facts.append("The number beside a picture is the probability that its own class got.")
    elif taught.fit is not None:
        facts.append("The number beside a picture is the error; the word is what was said.")
    else:
        facts.append("The number beside a picture is its distance from all the others.")
    if taught.before:
        facts.append(f"{taught.before} pictures of earlier lessons count, and are not shown.")
    if taught.classes:
        sections = [_of_class(taught, one) for one in taught.classes]
    else:
        sections = [_section("Hardest pictures", list(taught.hardest), len(taught.hardest))]
    return Sheet(
        title="What was taught",
        facts=tuple(facts),
        sections=tuple(sections),
        table=_confusions(taught) if taught.classes else None,
    )


def _confusions(taught: Taught) -> Table:
    """Return how many pictures of each class got which class, when they were left out."""
    names = [one.name for one in taught.classes]
    if taught.unknown is not None:
        names.append(taught.unknown)
    rows, marked = [], set()
    for at, one in enumerate(taught.classes):
        got = dict(one.said) | {one.name: one.accuracy.right}
        rows.append((one.name, *(str(got.get(name) or "") for name in names)))
        marked |= {(at, column) for column, name in enumerate(names) if name == one.name}
    return Table(
        caption="What pictures of each class (rows) got when they were left out",
        header=("", *names),
        rows=tuple(rows),
        marked=frozenset(marked),
    )


def _head_line(taught: Taught) -> str:
    if taught.accuracy is not None:
        return f"Accuracy on pictures that were left out: {_share(taught.accuracy)}."
    if taught.fit is not None:
        return (
            f"Error on pictures that were left out: {taught.fit.error:.4g}; saying the mean for "
            f"every picture gives {taught.fit.spread:.4g}."
        )
    return f"A distance above {taught.threshold:.4g} is unlike what was shown."


def _share(accuracy: Accuracy) -> str:
    return (
        f"{100 * accuracy.share:.1f} % ({accuracy.right} of {accuracy.of}, 95 % interval "
        f"{100 * accuracy.low:.0f} to {100 * accuracy.high:.0f} %)"
    )


def _of_class(taught: Taught, one: TaughtClass) -> Section:
    hard = [each for each in taught.hardest if each.truth == one.name]
    said = ", ".join(f"{count} {name}" for name, count in one.said)
    taken = f"; taken for others: {said}" if said else "; none taken for another"
    title = f"{one.name}: {one.accuracy.right} of {one.pictures} right{taken}"
    return _section(title, hard, one.pictures)


def _section(title: str, hard: list[Hard], of: int) -> Section:
    shown = hard[:_HARDEST]
    if len(shown) < of:
        title += f". The hardest {len(shown)} of {of}" if shown else ". None was shown now"
    cards = tuple(
        Card(
            path=each.path,
            facts=facts_of(each.path),
            score=abs(each.surety),
            badge=each.said if each.truth not in ("", each.said) else "",
        )
        for each in shown
    )
    return Section(title=title, cards=cards)
