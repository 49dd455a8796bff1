"""`edgefeat stream`: frames of a camera, video, folder or pipe become a stream of features."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from edgefeat.cli.options import add_model_options, open_extractor
from edgefeat.cli.stopping import stop_on_signals
from edgefeat.cli.stream_options import (
    add_output_options,
    add_selection_options,
    add_source_options,
)
from edgefeat.cli.stream_screen import Screen, show_result

if TYPE_CHECKING:
    from edgefeat.sources.base import Source
    from edgefeat.streaming import Health, Limits, OnHealth, Selection
    from edgefeat.streaming.records import StreamSink

__all__ = ["add_parser"]

_EPILOG = """\
sources:
  0, /dev/video2               camera; --size, --pixel MJPG, --camera-fps ask for a format
  clip.mp4                     video file, every frame
  photos/  'shots/*.jpg'       pictures; with --watch also those that come later
  rtsp://user:pass@host/path   network camera; passwords are never shown or written
  http://host:8080/video       MJPEG over HTTP
  -                            raw frames on stdin; needs --size and --pixel

examples:
  edgefeat stream rtsp://cam/live | my-program            JSON lines, newest frame first served
  edgefeat stream 0 --fps 2 -o day.jsonl                  two vectors a second, added to a file
  edgefeat stream 0 --motion 8 --novelty 0.05             only when something happens
  edgefeat stream clip.mp4 --format npy -o clip/          NumPy shards with an index
  edgefeat stream photos/ --watch -o photos.jsonl         as pictures come
  ffmpeg -i clip.mp4 -f rawvideo -pix_fmt bgr24 - | edgefeat stream - --size 640x480
  edgefeat stream rtsp://cam/live --health /run/cam.json  live numbers for a monitor

A camera that goes silent is called stalled, then lost, and is connected to again; a gap stays a
gap: the frame's `index` jumps, `dropped` counts. An output that exists is continued, if it holds
features of the same model.

Ctrl-C or SIGTERM ends the stream within a second, with everything written.

exit codes: 0 ended or stopped; 1 some pictures of a folder or video were damaged, the rest done;
2 wrong usage; 3 source, model, provider or output unusable
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "stream",
        help="turn camera frames and video into features as they come",
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
    from edgefeat.streaming import Policy, Stream

    try:
        source = _open_source(arguments)
        selection, limits = _selection(arguments), _limits(arguments)
        _check_output(arguments)
    except ValueError as error:
        sys.stderr.write(f"edgefeat stream: error: {error}\n")
        return 2
    screen = Screen(quiet=arguments.quiet, live=not _for_people(arguments))
    with open_extractor(arguments) as extractor:
        sink = _open_sink(arguments)
        try:
            stream = Stream(
                source,
                extractor,
                policy=Policy(arguments.policy) if arguments.policy else None,
                selection=selection,
                limits=limits,
                on_event=screen.tell,
                on_health=_on_health(arguments, screen),
            )
            with stop_on_signals(stream.stop), stream:
                for count, result in enumerate(stream, 1):
                    sink.write(result)
                    if count == arguments.frames:
                        break
        finally:
            sink.close()
            screen.clear()
    health = stream.health()
    screen.summarise(health)
    return 1 if health.garbage and not source.traits.live else 0


def _open_source(arguments: argparse.Namespace) -> Source:
    from edgefeat.sources import CameraRequest, PixelFormat, RawFormat, open_source

    size, pixel = arguments.size, arguments.pixel
    if arguments.source == "-":
        if size is None:
            raise ValueError("--size: stdin holds raw frames: give their size, as 640x480")
        names = [format_.value for format_ in PixelFormat]
        if pixel is not None and pixel not in names:
            raise ValueError(f"--pixel: expected {', '.join(names)}, got {pixel!r}")
        raw = RawFormat(size_hw=size, pixel=PixelFormat(pixel or "bgr24"))
        return open_source("-", raw=raw, watch=arguments.watch)
    asked = size is not None or pixel is not None or arguments.camera_fps is not None
    request = CameraRequest(size_hw=size, pixel=pixel, fps=arguments.camera_fps) if asked else None
    return open_source(arguments.source, camera=request, watch=arguments.watch)


def _selection(arguments: argparse.Namespace) -> Selection:
    from edgefeat.streaming import Selection

    return Selection(
        fps=arguments.fps,
        every=arguments.every,
        roi=arguments.roi,
        motion=arguments.motion,
        novelty=arguments.novelty,
    )


def _limits(arguments: argparse.Namespace) -> Limits:
    from edgefeat.streaming import Limits

    return Limits(
        timeout_s=arguments.timeout,
        reconnect=arguments.reconnect,
        wait=arguments.wait,
        duration_s=arguments.duration,
    )


def _on_health(arguments: argparse.Namespace, screen: Screen) -> OnHealth:
    from edgefeat.streaming import health_file

    if arguments.health is None:
        return screen.draw
    write = health_file(arguments.health)

    def show_and_write(health: Health) -> None:
        screen.draw(health)
        write(health)

    return show_and_write


def _for_people(arguments: argparse.Namespace) -> bool:
    return arguments.output is None and sys.stdout.isatty()


def _check_output(arguments: argparse.Namespace) -> None:
    if arguments.format == "npy" and arguments.output is None:
        raise ValueError("--format npy: needs a folder. Name it with -o.")
    if arguments.format != "npy" and arguments.output is not None and arguments.output.is_dir():
        raise ValueError(f"-o {arguments.output}: a folder. Name a file, or give --format npy.")


def _open_sink(arguments: argparse.Namespace) -> StreamSink:
    from edgefeat.streaming.records import CallbackSink, Encoding, JsonLinesSink, NpyShardSink

    if _for_people(arguments):
        return CallbackSink(show_result)
    if arguments.format == "npy":
        return NpyShardSink(arguments.output)
    encoding = Encoding.BASE64_F16 if arguments.format == "jsonl-f16" else Encoding.LIST
    target = arguments.output if arguments.output else sys.stdout.fileno()
    return JsonLinesSink(target, encoding=encoding)
