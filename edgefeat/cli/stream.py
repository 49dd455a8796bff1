"""`edgefeat stream`: frames of a camera, video, folder or pipe become a stream of features."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

from edgefeat.cli.camera_args import add_camera_options, cameras_of
from edgefeat.cli.options import add_model_options, open_extractor, read_options
from edgefeat.cli.set_options import output_plan
from edgefeat.cli.stopping import stop_on_signals
from edgefeat.cli.stream_answers import answering
from edgefeat.cli.stream_monitors import Monitors
from edgefeat.cli.stream_options import (
    add_output_options,
    add_selection_options,
    add_source_options,
)
from edgefeat.cli.stream_screen import Screen, written
from edgefeat.cli.stream_source import open_source_of, say_what_was_not_taken
from edgefeat.options.stream import Limits, Selection

__all__ = ["DESCRIPTION", "EPILOG", "add_arguments", "run"]

DESCRIPTION = "Turn the frames of a camera, video, folder or pipe into feature vectors."
EPILOG = """\
sources:
  0, /dev/video2               camera; --size, --pixel MJPG, --camera-fps ask for a format
  clip.mp4                     video file, every frame
  photos/  'shots/*.jpg'       pictures; with --watch also those that come later
  rtsp://user:pass@host/path   network camera; passwords are never shown or written
  http://host:8080/video       MJPEG, snapshots, HLS or other video, as the answer says
  -                            stdin: YUV4MPEG2, JPEGs, or raw frames (--size, --pixel)
  yard=rtsp://...  door=0      several cameras, each with the name that records have; one model

examples:
  edgefeat stream rtsp://cam/live | my-program            JSON lines, newest frame first served
  edgefeat stream 0 --fps 2 -o day.jsonl --resume         two vectors a second, added to a file
  edgefeat stream 0 --motion 8 --motion-area 0.02         only when something comes or goes
  edgefeat stream 0 --novelty 0.05 --at-least 10m         what is new, and a sign of life
  edgefeat stream 0 --fps 2 --calibrate 10m               how much noise there is, and which
                                                          gates suit the scene
  edgefeat stream yard=rtsp://cam/live door=0 -o days     several cameras: days/yard/, days/door/
  edgefeat stream yard=rtsp://cam/live door=0 -o 'days/{camera}.jsonl' --resume --rotate 1d
  edgefeat stream --cameras cams.toml -o days --resume    each with options of its own
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

Several cameras share one model and take turns at it, so that each gets the same share; one that is
away, hangs or fails stops no other, and is waited for from the start. With -o DIR each has an
output of its own, DIR/NAME/, or what {camera} in OUT makes of its name; a file or stdout takes all.
A file for --cameras, whose words are the flags above without dashes:

  fps = 2                                # for all cameras
  [cameras.yard]
  source = "rtsp://user:pass@host/path"
  motion = 8
  mask = ["0,0,1,0.1"]
  [cameras.door]
  source = 0

SIGHUP reads it again: new cameras start, those that are gone end, what has changed starts anew, and
a file that is not right changes nothing.

A camera that goes silent is called stalled, then lost, and is connected to again; a gap stays a
gap: the frame's `index` jumps, `dropped` counts.

Ctrl-C, SIGTERM or SIGHUP ends the stream within a second, with everything written. A log or a
--health file that cannot be written never stops it.

exit codes: 0 ended or stopped; 1 some pictures of a folder or video were damaged, or some of
several cameras ended by an error, the rest done; 2 wrong usage; 3 source, model, provider or output
unusable, or its reader gone with --on-broken-pipe fail
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument(
        "sources",
        nargs="*",
        metavar="SOURCE",
        help="where frames come from, see below; NAME=SOURCE for each of several cameras",
    )
    add_camera_options(parser)
    add_output_options(parser)
    add_selection_options(parser)
    add_source_options(parser)
    add_model_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code."""
    from edgefeat.cli.record_lines import for_people
    from edgefeat.sets.info import SetInfo
    from edgefeat.sources.folder import FolderSource
    from edgefeat.streaming import Names, Stream
    from edgefeat.streaming.recording import record

    cameras = cameras_of(arguments)
    if cameras is not None:
        from edgefeat.cli.stream_cameras import run as run_cameras

        return run_cameras(arguments, cameras)
    if arguments.calibrate is not None:
        from edgefeat.cli.stream_calibrate import run as run_calibration

        return run_calibration(arguments, open_source_of(arguments))
    names = Names(camera=arguments.camera)
    if arguments.device is not None:
        names = replace(names, device=arguments.device)
    source = open_source_of(arguments)
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
                monitors.watch(stream.health, lambda: stream.health().busy_s)
                signals = stop_on_signals(stream.stop)
                record(stream, sink, frames=arguments.frames, meanwhile=signals)
            finally:
                screen.clear()
                say_what_was_not_taken(source, screen)
                if not plan.is_stdout:
                    there = sink.summary()
                    screen.note(written(there.rows, there.resumed, info.dim, plan.output))
    health = stream.health()
    screen.summarise(health)
    return 1 if health.garbage and not stream.live else 0
