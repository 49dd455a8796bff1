"""What `edgefeat extract` says of a run: one line and some notes for people, or JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from edgefeat.cli.not_taken import not_taken_line
from edgefeat.messages.counts import counted
from edgefeat.model import codec
from edgefeat.sets.names import encode_name

if TYPE_CHECKING:
    from edgefeat.corpus.summary import Summary

__all__ = ["as_json", "as_text", "notes", "pictures_not_read"]


def as_json(summary: Summary) -> str:
    """Return the summary for programs, on one line."""
    facts = {
        "output": summary.output if summary.rows else None,
        "written": summary.rows,
        "resumed": summary.resumed,
        "failed": [
            {"path": encode_name(failure.path), "reason": failure.reason}
            for failure in summary.failed
        ],
        "failures": summary.failures,
        "damaged": summary.damaged,
        "skipped": summary.skipped,
        "excluded": summary.excluded,
        "excluded_by_default": summary.excluded_by_default,
        "repeated": summary.repeated,
        "changes": None if summary.changes is None else asdict(summary.changes),
        "complete": summary.complete,
        **codec.write(summary.info),
        "loss": None if summary.loss is None else asdict(summary.loss),
        "seconds": round(summary.seconds, 3),
    }
    return json.dumps(facts) + "\n"


def as_text(summary: Summary) -> str:
    """Return the summary for people, on one line."""
    from edgefeat.corpus.summary import Ending

    parts = ["nothing written"]
    if summary.rows:
        parts = [f"{summary.rows} x {summary.info.dim} features in {summary.output}"]
    if summary.resumed:
        parts.append(f"{summary.resumed} of them there before")
    if summary.failures:
        parts.append(f"{summary.failures} failed")
    if summary.damaged:
        parts.append(f"{summary.damaged} of damaged pictures")
    if count := sum(summary.skipped.values()):
        parts.append(f"{counted(count, 'file')} not taken")
    if summary.ending is Ending.FAILURE:
        parts.append("stopped at the first failure (--on-error stop)")
    if summary.ending is Ending.ASKED:
        parts.append("interrupted" + (": go on with --resume" if summary.rows else ""))
    if summary.loss is not None:
        lost = summary.loss
        parts.append(
            f"stored as {summary.info.store}: cosine {lost.cosine_min:.5f} and "
            f"relative L2 {lost.relative_l2_max:.1e} to float32, at worst"
        )
    return f"edgefeat: {', '.join(parts)}, {summary.seconds:.1f} s\n"


def pictures_not_read(summary: Summary) -> list[str]:
    """Return what is said under --quiet too: pictures that were not read."""
    return [not_taken_line(one) for one in summary.not_taken if one.pictures]


def notes(summary: Summary) -> list[str]:
    """Return what else was not taken, and how a set that was there differs from the sources."""
    said = [not_taken_line(one) for one in summary.not_taken if not one.pictures]
    if summary.excluded_by_default:
        said.append(
            f"{summary.excluded_by_default} left out by default: dot files, and what systems keep "
            "beside pictures. --no-default-excludes takes them."
        )
    if summary.excluded:
        said.append(f"{summary.excluded} left out by --exclude.")
    said += [f"--exclude {pattern!r} matched nothing." for pattern in summary.useless_excludes]
    if summary.repeated:
        said.append(f"{summary.repeated} named more than once, and done once.")
    return said + _changes(summary)


def _changes(summary: Summary) -> list[str]:
    changes = summary.changes
    if changes is None:
        return []
    said = []
    if changes.mended or changes.unreadable_names:
        lost = f", {changes.unreadable_names} of which nobody knows the names"
        said.append(
            f"{counted(changes.mended + changes.unreadable_names, 'row')} stood in damaged shards"
            f"{lost if changes.unreadable_names else ''}; they are done again."
        )
    if summary.synced:
        counts = (
            (changes.new, "new"),
            (changes.changed, "changed and done again"),
            (changes.gone, "no longer among the sources and dropped"),
            (changes.retried, "failed before and tried again"),
        )
        told = ", ".join(f"{count} {what}" for count, what in counts if count)
        return [*said, f"the set was changed: {told}." if told else "nothing changed."]
    if changes.gone:
        said.append(
            f"{changes.gone} pictures of the set are not among the sources; their rows are kept. "
            "--sync drops them."
        )
    if changes.changed:
        said.append(
            f"{changes.changed} files are no longer what they were when they were read; their rows "
            "are kept. --sync redoes them."
        )
    return said
