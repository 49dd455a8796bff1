"""`edgefeat stream`: frames of a camera, video, folder or pipe become a stream of features."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from edgefeat.cli.options import add_model_options, is_given, open_extractor, read_options, refuse
from edgefeat.cli.set_options import output_plan
from edgefeat.cli.stopping import stop_on_signals
from edgefeat.cli.stream_answers import answering
from edgefeat.cli.stream_monitors import Monitors
from edgefeat.cli.stream_options import (
    add_output_options,
    add_selection_options,
    add_source_options,
)
from edgefeat.cli.stream_screen import Screen
from edgefeat.errors import OptionError
from edgefeat.options.checks import choice
from edgefeat.options.network import NetworkOptions
from edgefeat.options.stream import Limits, Selection
from edgefeat.options.video import VideoOptions

if TYPE_CHECKING:
    from edgefeat.sets.info import SetInfo
    from edgefeat.sets.sink import SinkSummary
    from edgefeat.sources import CameraRequest, RawFormat
    from edgefeat.sources.base import Source
    from edgefeat.sources.folder import FolderSource

__all__ = ["add_parser"]

_CAMERA_OPTIONS = ("size_hw", "pixel", "camera_fps")
_NETWORK_OPTIONS = tuple(name for name, _ in NetworkOptions.each())
_VIDEO_OPTIONS = tuple(name for name, _ in VideoOptions.each())

_EPILOG = """\
sources:
  0, /dev/video2               camera; --size, --pixel MJPG, --camera-fps ask for a format
  clip.mp4                     video file, every frame
  photos/  'shots/*.jpg'       pictures; with --watch also those that come later
  rtsp://user:pass@host/path   network camera; passwords are never shown or written
  http://host:8080/video       MJPEG, snapshots, HLS or other video, as the answer says
  -                            stdin: YUV4MPEG2, JPEGs, or raw frames (--size, --pixel)

examples:
  edgefeat stream rtsp://cam/live | my-program            JSON lines, newest frame first served
  edgefeat stream 0 --fps 2 -o day.jsonl --resume         two vectors a second, added to a file
  edgefeat stream 0 --motion 8 --motion-area 0.02         only when something comes or goes
  edgefeat stream 0 --novelty 0.05 --at-least 10m         what is new, and a sign of life
  edgefeat stream 0 --fps 2 --calibrate 10m               how much noise there is, and which
                                                          gates suit the scene
  edgefeat stream clip.mp4 -o clip.npz                    one file, when the clip is over
  edgefeat stream photos/ --watch -o photos.jsonl         as pictures come
  edgefeat stream 0 --model out.onnx --set city=Rome      label and probabilities in each record
  edgefeat stream 0 --model out.onnx --label-change       a record when the label changes
  ffmpeg -i clip.mp4 -pix_fmt yuv420p -f yuv4mpegpipe - | edgefeat stream - --fps 2
  rpicam-vid -t 0 --codec mjpeg -o - | edgefeat stream - --policy newest --fps 2
  edgefeat stream rtsp://cam/live --health /run/cam.json  live numbers for a monitor
  edgefeat stream 0 --on-broken-pipe fail | my-program    in a service: exit code 3 if it ends

outputs, by the name of OUT:
  .jsonl                       JSON lines, each in the file as soon as it is made
  folder                       (ends in / or has no ending) .npy shards; each record is on the disk
                               as soon as it is made
  .npz .npy .csv .parquet      one file, as of `edgefeat extract`: it appears when the stream ends,
                               and a kill before that loses it
  -                            JSON lines on stdout; so into a pipe or device that is there

An output that is there is refused: --overwrite replaces it when the first record comes, --resume
adds to a folder or .jsonl file of the same model. Where no record comes, nothing is left behind.
--schema describes the JSON lines. Read every form back with
edgefeat.FeatureSet.read(OUT). A frame without a name is called SOURCE#INDEX there.

A camera that goes silent is called stalled, then lost, and is connected to again; a gap stays a
gap: the frame's `index` jumps, `dropped` counts.

Ctrl-C, SIGTERM or SIGHUP ends the stream within a second, with everything written. A log or a
--health file that cannot be written never stops it.

exit codes: 0 ended or stopped; 1 some pictures of a folder or video were damaged, the rest done;
2 wrong usage; 3 source, model, provider or output unusable, or its reader gone with
--on-broken-pipe fail
"""


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], *, purpose: str
) -> None:
    """Add the subcommand.

    Args:
        commands: The program's commands.
        purpose: What the command is for, in the program's help.
    """
    parser = commands.add_parser(
        "stream",
        help=purpose,
        description="Turn the frames of a camera, video, folder or pipe into feature vectors.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="SOURCE", help="where frames come from, see below")
    add_output_options(parser)
    add_selection_options(parser)
    add_source_options(parser)
    add_model_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code."""
    from edgefeat.cli.record_lines import for_people
    from edgefeat.sets.info import SetInfo
    from edgefeat.sources.folder import FolderSource
    from edgefeat.streaming import Names, Stream
    from edgefeat.streaming.recording import record

    if arguments.calibrate is not None:
        from edgefeat.cli.stream_calibrate import run as run_calibration

        return run_calibration(arguments, _open_source(arguments))
    names = Names(camera=arguments.camera)
    if arguments.device is not None:
        names = replace(names, device=arguments.device)
    source = _open_source(arguments)
    selection = read_options(arguments, Selection)
    limits = read_options(arguments, Limits)
    plan = output_plan(arguments, live=True)
    to_people = arguments.output is None and sys.stdout.isatty()
    screen = Screen(quiet=arguments.quiet, live=not to_people, spell=arguments.parser.spell)
    monitors = Monitors(arguments, screen)
    with monitors, open_extractor(arguments) as extractor:
        stream = Stream(
            source,
            answering(arguments, extractor, plan),
            policy=arguments.policy,
            selection=selection,
            limits=limits,
            on_event=monitors.tell,
            on_health=monitors.report,
            names=names,
        )
        files = isinstance(source, FolderSource)
        info = SetInfo.of(extractor, plan.options.store, timed=True, from_files=files)
        if source.traits.live and plan.at_the_end:
            screen.note(f"{plan.output} appears when the stream ends; a kill before loses it")
        with for_people() if to_people else plan.open(info) as sink:
            try:
                monitors.watch(stream)
                signals = stop_on_signals(stream.stop)
                record(stream, sink, frames=arguments.frames, meanwhile=signals)
            finally:
                screen.clear()
                if isinstance(source, FolderSource):
                    _say_what_was_not_taken(source, screen)
                if not plan.is_stdout:
                    screen.note(_written(sink.summary(), info, plan.output))
    health = stream.health()
    screen.summarise(health)
    return 1 if health.garbage and not stream.live else 0


def _say_what_was_not_taken(source: FolderSource, screen: Screen) -> None:
    from edgefeat.cli.not_taken import not_taken_line
    from edgefeat.corpus.summary import not_taken

    for one in not_taken(source.not_taken):
        (screen.warn if one.pictures else screen.note)(not_taken_line(one))


def _written(summary: SinkSummary, info: SetInfo, output: str) -> str:
    """Say what stands in the output, whatever ended the stream."""
    if not summary.rows:
        return f"no record came: nothing written to {output}"
    before = f", {summary.resumed} of them there before" if summary.resumed else ""
    return f"{summary.rows} x {info.dim} features in {output}{before}"


def _open_source(arguments: argparse.Namespace) -> Source:
    from edgefeat.sources import open_source

    if arguments.source != "-":
        refuse(arguments, "stride", problem="goes only with raw frames on stdin")
    asked = [name for name in _CAMERA_OPTIONS if getattr(arguments, name) is not None]
    reached = [name for name in _NETWORK_OPTIONS if is_given(arguments, name)]
    decoded = [name for name in _VIDEO_OPTIONS if is_given(arguments, name)]
    try:
        return open_source(
            arguments.source,
            raw=_raw_format(arguments) if arguments.source == "-" else None,
            camera=_camera_request(arguments) if asked and arguments.source != "-" else None,
            watch=arguments.watch,
            network=read_options(arguments, NetworkOptions) if reached else None,
            video=read_options(arguments, VideoOptions) if decoded else None,
        )
    except OptionError as error:  # on the command line records have no names of their own
        if error.option == "camera":
            error.option = asked[0]
        elif error.option == "network":
            error.option = reached[0]
        elif error.option == "video":
            error.option = decoded[0]
        raise


def _raw_format(arguments: argparse.Namespace) -> RawFormat | None:
    from edgefeat.sources import PixelFormat, RawFormat

    if arguments.size_hw is None:
        refuse(
            arguments,
            *("pixel", "stride", "camera_fps"),
            problem="needs the size of the raw frames on stdin",
            remedy="Give it as in `--size 640x480`.",
        )
        return None
    pixel = choice("pixel", arguments.pixel or PixelFormat.BGR24, *PixelFormat)
    try:
        return RawFormat(
            size_hw=arguments.size_hw,
            pixel=PixelFormat(pixel),
            stride=arguments.stride,
            fps=arguments.camera_fps,
        )
    except OptionError as error:
        if error.option == "fps":
            error.option = "camera_fps"
        raise


def _camera_request(arguments: argparse.Namespace) -> CameraRequest:
    from edgefeat.sources import CameraRequest

    return CameraRequest(size_hw=arguments.size_hw, pixel=arguments.pixel, fps=arguments.camera_fps)
