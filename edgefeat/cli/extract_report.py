"""What `edgefeat extract` says of a run that wrote an output: one line for people, or JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from edgefeat.model import codec
from edgefeat.sets.encoding import StoreLoss
from edgefeat.sets.info import SetInfo
from edgefeat.sets.names import encode_name
from edgefeat.sets.record import Failure
from edgefeat.sets.sink import SinkSummary

__all__ = ["Summary"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """How a run ended.

    Attributes:
        output: What the user named.
        info: What the rows have in common.
        rows: Rows that stand in the output, of earlier runs too.
        resumed: Those of them that were there before this run.
        failures: Pictures that gave no features, of earlier runs too.
        failed: Those of this run.
        stopped: Whether the run ended at the first of them.
        loss: What storing cost the worst vector; None where nothing is lost.
    """

    output: str
    info: SetInfo
    rows: int
    resumed: int
    failures: int
    failed: list[Failure]
    stopped: bool
    loss: StoreLoss | None

    @classmethod
    def of(
        cls,
        output: str,
        info: SetInfo,
        written: SinkSummary,
        failed: list[Failure],
        *,
        stopped: bool,
    ) -> Summary:
        """Sum up what stands in an output now."""
        return cls(
            output=output,
            info=info,
            rows=written.rows,
            resumed=written.resumed,
            failures=max(written.failures + stopped, len(failed)),
            failed=failed,
            stopped=stopped,
            loss=written.loss if written.rows else None,
        )

    def to_json(self, seconds: float) -> str:
        """Return the summary for programs, on one line."""
        facts = {
            "output": self.output if self.rows else None,
            "written": self.rows,
            "resumed": self.resumed,
            "failed": [
                {"path": encode_name(failure.path), "reason": failure.reason}
                for failure in self.failed
            ],
            "failures": self.failures,
            "complete": not self.stopped,
            **codec.write(self.info),
            "loss": None if self.loss is None else asdict(self.loss),
            "seconds": round(seconds, 3),
        }
        return json.dumps(facts) + "\n"

    def to_text(self, seconds: float) -> str:
        """Return the summary for people, on one line."""
        parts = ["nothing written"]
        if self.rows:
            parts = [f"{self.rows} x {self.info.dim} features in {self.output}"]
        if self.resumed:
            parts.append(f"{self.resumed} of them there before")
        if self.failures:
            parts.append(f"{self.failures} failed")
        if self.stopped:
            parts.append("stopped at the first failure (--on-error stop)")
        if self.loss is not None:
            lost = self.loss
            parts.append(
                f"stored as {self.info.store}: cosine {lost.cosine_min:.5f} and "
                f"relative L2 {lost.relative_l2_max:.1e} to float32, at worst"
            )
        return f"edgefeat: {', '.join(parts)}, {seconds:.1f} s\n"
