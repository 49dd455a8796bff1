"""`edgefeat stream yard=rtsp://... door=0`: several cameras in one process."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from edgefeat.cli.camera_reload import Reload
from edgefeat.cli.options import open_extractor, read_options
from edgefeat.cli.stopping import stop_on_signals
from edgefeat.cli.stream_answers import answering
from edgefeat.cli.stream_monitors import Monitors
from edgefeat.cli.stream_outputs import CameraOutputs
from edgefeat.cli.stream_screen import Screen, written
from edgefeat.cli.stream_source import open_source_of, say_what_was_not_taken
from edgefeat.errors import EdgefeatError, OptionError
from edgefeat.options.stream import Limits, Selection

if TYPE_CHECKING:
    from edgefeat.extractor import FeatureExtractor
    from edgefeat.sets.formats import OutputPlan
    from edgefeat.sets.info import SetInfo
    from edgefeat.sources.base import Source
    from edgefeat.streaming import CameraSetup, Stream, StreamGroup

__all__ = ["run"]


def run(arguments: argparse.Namespace, cameras: Mapping[str, argparse.Namespace]) -> int:
    """Stream several cameras until all have ended; return the exit code.

    Args:
        arguments: The command line.
        cameras: The options of each, by its name.
    """
    from edgefeat.streaming import StreamGroup

    outputs = CameraOutputs(arguments)
    plan = outputs.check()
    with _of_file(arguments):
        for name, one in cameras.items():  # before the model is opened
            _setup(name, one)
    screen = Screen(
        quiet=arguments.quiet,
        live=not outputs.to_people,
        spell=arguments.parser.spell,
        several=True,
    )
    monitors = Monitors(arguments, screen)
    with monitors, open_extractor(arguments) as extractor:
        work = _Cameras(extractor, outputs, plan, dict(cameras))
        with _of_file(arguments):
            group = StreamGroup(
                {name: work.made(name, one) for name, one in cameras.items()},
                extractor,
                workers=arguments.workers,
                device=arguments.device,
                on_event=monitors.tell,
                on_health=monitors.report_group,
            )
        if plan.at_the_end and work.live:
            screen.note(f"{outputs.name} appears when the streams end; a kill before loses it")
        reload = None
        if arguments.cameras is not None:
            reload = Reload(arguments, work.options, group, work.made, screen)
        with outputs.common(work.info(), broken=group.stop), reload or nullcontext():
            monitors.watch(group.health, group.stuck_s)
            try:
                with stop_on_signals(group.stop, reload=reload.ask if reload else None):
                    group.run(work.record)
            finally:
                screen.clear()
        work.summarise(screen)
    if outputs.error is not None:
        raise outputs.error
    screen.summarise(group.health())
    return _exit_code(group)


class _Cameras:
    """Makes cameras of their options, and writes their records.

    Args:
        extractor: What they share.
        outputs: Where records go.
        plan: How they are written.
        options: The options of each camera that runs, by its name.
    """

    def __init__(
        self,
        extractor: FeatureExtractor,
        outputs: CameraOutputs,
        plan: OutputPlan,
        options: dict[str, argparse.Namespace],
    ) -> None:
        self._extractor, self._outputs, self._plan = extractor, outputs, plan
        self.options = options
        self._sources: dict[str, Source] = {}

    def made(self, name: str, camera: argparse.Namespace) -> CameraSetup:
        """Make a camera."""
        setup = _setup(name, camera)
        self._sources[name] = cast("Source", setup.source)
        return replace(setup, extractor=answering(camera, self._extractor, self._plan))

    @property
    def live(self) -> bool:
        """Whether a camera's frames come at their own pace."""
        return any(one.traits.live for one in self._sources.values())

    def info(self, name: str | None = None) -> SetInfo:
        """Return what the rows of a camera have in common, or those of all."""
        from edgefeat.sets.info import SetInfo
        from edgefeat.sources.folder import FolderSource

        sources = list(self._sources.values()) if name is None else [self._sources[name]]
        kinds = {isinstance(one, FolderSource) for one in sources}
        from_files = kinds.pop() if len(kinds) == 1 else None
        store = self._plan.options.store
        return SetInfo.of(self._extractor, store, timed=True, from_files=from_files)

    def record(self, name: str, stream: Stream) -> None:
        """Write a camera's records where they go; called in the camera's thread."""
        from edgefeat.streaming.recording import record

        try:
            with self._outputs.of(name, self.info(name)) as sink:
                record(stream, sink, frames=self.options[name].frames)
        except BaseException:
            if self._outputs.error is None:
                raise
            # The one output for all has failed: that ends the command, which then shows it.

    def summarise(self, screen: Screen) -> None:
        """Say what was left out, and what stands in the outputs."""
        for source in self._sources.values():
            say_what_was_not_taken(source, screen)
        dim = self._extractor.dim
        for output, there in self._outputs.written.items():
            screen.note(written(there.rows, there.resumed, dim, output))


@contextmanager
def _of_file(arguments: argparse.Namespace) -> Iterator[None]:
    """Name the file of cameras, if there is one, in what is wrong with a camera."""
    try:
        yield
    except (EdgefeatError, OptionError) as error:
        if arguments.cameras is not None:
            error.within(arguments.cameras)
        raise


def _setup(name: str, camera: argparse.Namespace) -> CameraSetup:
    """Return a camera as the options describe it, but for what makes its features."""
    from edgefeat.streaming import CameraSetup

    try:
        return CameraSetup(
            source=open_source_of(camera),
            policy=camera.policy,
            selection=read_options(camera, Selection),
            limits=read_options(camera, Limits),
        )
    except (EdgefeatError, OptionError) as error:
        error.within(name)
        raise


def _exit_code(group: StreamGroup) -> int:
    """Return 3 if all cameras ended by an error, and 1 if some did or gave damaged pictures."""
    failures = group.failures
    if len(failures) == len(group.names):
        return 3
    return 1 if failures or group.damaged else 0
