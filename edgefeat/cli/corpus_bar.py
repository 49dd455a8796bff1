"""The progress bar of extracting, which names what failed; of every command that extracts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgefeat.corpus.summary import CorpusStep
    from edgefeat.messages.progress import Progress

__all__ = ["CorpusBar"]


class CorpusBar:
    """Draws each step of a run, and names what failed.

    Args:
        wanted: Whether to draw a bar at all.
    """

    def __init__(self, *, wanted: bool) -> None:
        self._wanted = wanted
        self._progress: Progress | None = None

    def __call__(self, step: CorpusStep) -> None:
        """Count one picture."""
        from edgefeat.messages.progress import Progress

        if self._progress is None:
            before = step.done - step.counts
            self._progress = Progress(step.total, "photos", live=self._wanted, before=before)
        said = step.damage if step.failure is None else step.failure.reason
        if said is not None:
            from edgefeat.cli.record_lines import printable

            self._progress.note(f"edgefeat: {printable(step.path)}: {said}")
        if step.counts:
            self._progress.advance(failed=step.failure is not None)

    def close(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.close()
