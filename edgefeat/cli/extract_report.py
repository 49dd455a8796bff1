"""What `edgefeat extract` says of a run that wrote an output: one line for people, or JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from edgefeat.model import codec
from edgefeat.sets.names import encode_name

if TYPE_CHECKING:
    from edgefeat.corpus.summary import Summary

__all__ = ["as_json", "as_text"]


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
