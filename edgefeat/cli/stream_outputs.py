"""Where the records of several cameras go: an output for each, or one for all."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgefeat.cli.options import read_options
from edgefeat.errors import SinkError
from edgefeat.options.keeping import KeepOptions
from edgefeat.options.output import OutputOptions

if TYPE_CHECKING:
    from edgefeat.sets.formats import OutputPlan
    from edgefeat.sets.info import SetInfo
    from edgefeat.sets.sink import Sink, SinkSummary

__all__ = ["CameraOutputs"]

_CAMERA = "{camera}"


class CameraOutputs:
    """Opens the outputs of cameras, as `-o` names them.

        DIR                  a folder of shards for each camera: DIR/yard/, DIR/door/
        DIR/{camera}.jsonl   a file for each
        all.jsonl, -         one for all

    Args:
        arguments: The command line.

    Attributes:
        name: What the user called it; `{camera}` stands for a camera's name.
        to_people: Whether records are shown to people on a terminal.
        error: What the one output for all failed with; None if it did not.
        written: What stands in each output that was closed, by its name.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        from edgefeat.sets.formats import is_folder

        output = "-" if arguments.output is None else arguments.output
        if _CAMERA not in output and is_folder(output):
            output = f"{output.rstrip('/')}/{_CAMERA}/"
        self.name = output
        self.to_people = arguments.output is None and sys.stdout.isatty()
        self._options = read_options(arguments, OutputOptions)
        self._keeping = read_options(arguments, KeepOptions)
        self._begun: set[str] = set()
        self._common: Sink | None = None
        self.error: BaseException | None = None
        self.written: dict[str, SinkSummary] = {}

    @property
    def of_each(self) -> bool:
        """Whether each camera has an output of its own."""
        return _CAMERA in self.name

    def check(self) -> OutputPlan:
        """Return what is planned for a camera, whatever is there already.

        Raises:
            OptionError: The options do not go with the output.
        """
        try:
            return self._plan("camera", self._options)
        except SinkError:  # a camera whose output is there is told when it begins
            return self._plan("camera", replace(self._options, resume=False, overwrite=True))

    @contextmanager
    def common(self, info: SetInfo, *, broken: Callable[[], None]) -> Iterator[None]:
        """Hold the one output for all open, and commit it at the end; nothing if each has its own.

        Args:
            info: What the rows have in common.
            broken: Called in a camera's thread where that output fails; it must not wait.

        Raises:
            SinkError: It cannot be opened or committed.
        """
        if self.of_each:
            with _removed_if_empty(Path(self.name.partition(_CAMERA)[0])):
                yield
            return
        from edgefeat.cli.record_lines import for_people
        from edgefeat.sets.shared_sink import SharedSink

        def note_error(error: BaseException) -> None:
            self.error = error
            broken()

        plan = self._plan("", self._options)
        with for_people() if self.to_people else plan.open(info) as sink:
            self._common = SharedSink(sink, note_error)
            try:
                yield
            finally:
                if self.error is None:
                    sink.commit()
                if not plan.is_stdout:
                    self._note(plan.output, sink)

    @contextmanager
    def of(self, name: str, info: SetInfo) -> Iterator[Sink]:
        """Open where a camera's records go.

        Raises:
            SinkError: It cannot be opened.
        """
        if self._common is not None:
            yield self._common
            return
        plan = self._next_plan(name)
        with plan.open(info) as sink:
            try:
                yield sink
            finally:
                self._note(plan.output, sink)

    def _next_plan(self, name: str) -> OutputPlan:
        """Return the plan of a camera, which goes on with its own output if it is started anew."""
        again = name in self._begun
        self._begun.add(name)
        if not again:
            return self._plan(name, self._options)
        plan = self._plan(name, replace(self._options, resume=False, overwrite=True))
        if plan.at_the_end:
            raise SinkError(
                "was written before the camera was started anew",
                where=plan.output,
                remedy="Take a folder or a .jsonl file, which can be gone on with.",
            )
        return self._plan(name, replace(self._options, resume=True, overwrite=False))

    def _plan(self, name: str, options: OutputOptions) -> OutputPlan:
        from edgefeat.sets.formats import OutputPlan

        output = self.name.replace(_CAMERA, name)
        return OutputPlan(output=output, live=True, options=options, keeping=self._keeping)

    def _note(self, output: str, sink: Sink) -> None:
        self.written[output] = sink.summary()


@contextmanager
def _removed_if_empty(folder: Path) -> Iterator[None]:
    """Leave no folder behind that was not there before and holds nothing."""
    was_there = folder.exists()
    try:
        yield
    finally:
        if not was_there:
            with suppress(OSError):
                folder.rmdir()
