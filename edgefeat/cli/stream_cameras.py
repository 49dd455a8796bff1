"""`edgefeat stream yard=rtsp://... door=0`: several cameras in one process."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from edgefeat.cli.camera_reload import Reload
from edgefeat.cli.options import open_extractor, read_options
from edgefeat.cli.stopping import stop_on_signals
from edgefeat.cli.stream_answers import answering
from edgefeat.cli.stream_monitors import Monitors
from edgefeat.cli.stream_outputs import CameraOutputs
from edgefeat.cli.stream_screen import Screen, written
from edgefeat.cli.stream_source import open_source_of
from edgefeat.errors import EdgefeatError, OptionError
from edgefeat.options.stream import Limits, Selection

if TYPE_CHECKING:
    from edgefeat.extractor import FeatureExtractor
    from edgefeat.sets.formats import OutputPlan
    from edgefeat.sets.info import SetInfo
    from edgefeat.streaming import CameraSetup, Stream, StreamGroup

__all__ = ["run"]


def run(arguments: argparse.Namespace, cameras: Mapping[str, argparse.Namespace]) -> int:
    """Stream several cameras until all have ended; return the exit code.

    Args:
        arguments: The command line.
        cameras: The options of each, by its name.
    """
    from edgefeat.sets.info import SetInfo
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
        made = _maker(extractor, plan)
        options = dict(cameras)
        with _of_file(arguments):
            group = StreamGroup(
                {name: made(name, one) for name, one in options.items()},
                extractor,
                workers=arguments.workers,
                device=arguments.device,
                on_event=monitors.tell,
                on_health=monitors.report_group,
            )
        info = SetInfo.of(extractor, plan.options.store, timed=True)
        reload = None
        if arguments.cameras is not None:
            reload = Reload(arguments, options, group, made, screen)
        with outputs.common(info, broken=group.stop), reload or nullcontext():
            monitors.watch(group.health, group.stuck_s)
            try:
                with stop_on_signals(group.stop, reload=reload.ask if reload else None):
                    group.run(_recorder(outputs, info, options))
            finally:
                screen.clear()
        for output, there in outputs.written.items():
            screen.note(written(there.rows, there.resumed, info.dim, output))
    if outputs.error is not None:
        raise outputs.error
    screen.summarise(group.health())
    return _exit_code(group)


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


def _maker(
    extractor: FeatureExtractor, plan: OutputPlan
) -> Callable[[str, argparse.Namespace], CameraSetup]:
    """Return what makes a camera of its name and its options."""

    def made(name: str, camera: argparse.Namespace) -> CameraSetup:
        return replace(_setup(name, camera), extractor=answering(camera, extractor, plan))

    return made


def _recorder(
    outputs: CameraOutputs, info: SetInfo, options: Mapping[str, argparse.Namespace]
) -> Callable[[str, Stream], None]:
    """Return what writes a camera's records where they go, in the camera's thread."""
    from edgefeat.streaming.recording import record

    def read(name: str, stream: Stream) -> None:
        try:
            with outputs.of(name, info) as sink:
                record(stream, sink, frames=options[name].frames)
        except BaseException:
            if outputs.error is None:
                raise
            # The one output for all has failed: that ends the command, which then shows it.

    return read


def _exit_code(group: StreamGroup) -> int:
    """Return 3 if all cameras ended by an error, and 1 if some did or gave damaged pictures."""
    failures = group.failures
    if len(failures) == len(group.names):
        return 3
    return 1 if failures or group.damaged else 0
