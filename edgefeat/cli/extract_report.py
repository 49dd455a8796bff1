"""What `edgefeat extract` says: rows on stdout without an output, a summary with one."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass

from edgefeat.sets.base import Failure, Features, SetInfo, write_record
from edgefeat.sets.encoding import Fidelity
from edgefeat.sets.ledger import LedgerSink
from edgefeat.sets.shards import ShardSink

__all__ = ["StdoutSink", "Summary"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """How a run ended.

    `rows` counts the whole set and `resumed` those that were there before this run;
    `failures` counts the whole set too, `failed` names this run's.
    """

    output: str
    info: SetInfo
    rows: int
    resumed: int
    failures: int
    failed: list[Failure]
    stopped: bool
    fidelity: Fidelity | None

    @classmethod
    def of(
        cls,
        output: str,
        info: SetInfo,
        sink: ShardSink | LedgerSink,
        failed: list[Failure],
        *,
        stopped: bool,
    ) -> Summary:
        """Sum up what stands in a sink now."""
        rows, resumed, failures = 0, 0, len(failed)
        if isinstance(sink, ShardSink):
            rows, resumed = sink.manifest.rows, sink.resumed_rows
            failures = sink.manifest.failures + stopped
        elif not stopped:
            rows = sink.rows
        return cls(
            output=output,
            info=info,
            rows=rows,
            resumed=resumed,
            failures=failures,
            failed=failed,
            stopped=stopped,
            fidelity=sink.fidelity if rows else None,
        )

    def to_json(self, seconds: float) -> str:
        """Return the summary for programs, on one line."""
        facts = {
            "output": self.output if self.rows else None,
            "written": self.rows,
            "resumed": self.resumed,
            "failed": [asdict(failure) for failure in self.failed],
            "failures": self.failures,
            "complete": not self.stopped,
            **asdict(self.info),
            "fidelity": None if self.fidelity is None else asdict(self.fidelity),
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
        if self.fidelity is not None:
            lost = self.fidelity
            parts.append(
                f"stored as {self.info.store}: cosine {lost.cosine_min:.5f} and "
                f"relative L2 {lost.relative_l2_max:.1e} to float32, at worst"
            )
        return f"edgefeat: {', '.join(parts)}, {seconds:.1f} s\n"


class StdoutSink:
    """Rows on stdout: for people on a terminal, JSON lines for programs."""

    fidelity: Fidelity | None = None

    def __init__(self, info: SetInfo, *, as_json: bool) -> None:
        self._info = info
        self._for_people = sys.stdout.isatty() and not as_json

    def write(self, name: str, features: Features) -> None:
        """Print one vector."""
        if self._for_people:
            first = " ".join(f"{number:.3f}" for number in features[:6])
            sys.stdout.write(f"{name}  {features.size} features  {first} ...\n")
        else:
            write_record(sys.stdout, name, features, self._info)
        sys.stdout.flush()

    def fail(self, failure: Failure) -> None:
        """Do nothing: failures are named on stderr."""

    def commit(self) -> None:
        """Do nothing: every row is out."""

    def close(self) -> None:
        """Do nothing: stdout stays open."""
