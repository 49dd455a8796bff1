"""`edgefeat stream SOURCE --calibrate TIME`: how a scene is, and which gates suit it."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from edgefeat.cli.options import is_given, open_extractor, read_options, refuse
from edgefeat.cli.stopping import stop_on_signals
from edgefeat.cli.stream_screen import Screen
from edgefeat.options.keeping import KeepOptions
from edgefeat.options.output import OutputOptions
from edgefeat.options.stream import Limits, Selection

if TYPE_CHECKING:
    from edgefeat.sources.base import Source
    from edgefeat.streaming.calibration.calibration import GateCalibration, GateFloor

__all__ = ["run", "selection_for"]

_GATES = ("motion", "novelty", "at_least_s")
_WITHOUT_EFFECT = (
    *("output", "frames", "health", "metrics", "device", "camera", "schema"),
    *(name for name, _ in OutputOptions.each()),
    *(name for name, _ in KeepOptions.each()),
)
_READ_HERE = ("motion_area", "leave", *_GATES)


def selection_for(arguments: argparse.Namespace) -> Selection:
    """Return which frames to watch; what calibrating cannot use is refused.

    Args:
        arguments: The command line.

    Raises:
        OptionError: An option has no effect here.
    """
    refuse(
        arguments,
        *_GATES,
        problem="expected no gate: calibrating is to propose them",
        remedy="Leave it out.",
    )
    known = [name for name in _WITHOUT_EFFECT if hasattr(arguments, name)]
    refuse(arguments, *known, problem="has no effect while calibrating", remedy="Leave it out.")
    return read_options(arguments, Selection, without=_READ_HERE)


def run(arguments: argparse.Namespace, source: Source) -> int:
    """Calibrate, print what was found, and return the exit code.

    Args:
        arguments: The command line.
        source: What to watch.
    """
    from edgefeat.streaming.calibration.calibrate import MOTION_AREA, Calibrating, watch

    selection = selection_for(arguments)
    limits = read_options(arguments, Limits)
    area, leave = MOTION_AREA, Selection.default_of("leave")
    if is_given(arguments, "motion_area") or is_given(arguments, "leave"):
        given = Selection.of(
            motion=1,
            motion_area=getattr(arguments, "motion_area", area),
            leave=getattr(arguments, "leave", leave),
        )
        area, leave = given.motion_area or area, given.leave
    screen = Screen(quiet=arguments.quiet, live=True, spell=arguments.parser.spell)
    with open_extractor(arguments) as extractor:
        stream = Calibrating(
            source,
            extractor,
            area=area,
            leave=leave,
            policy=arguments.policy,
            selection=selection,
            limits=limits,
            on_event=screen.tell,
            on_health=screen.draw,
        )
        try:
            with stop_on_signals(stream.stop):
                watch(stream, arguments.calibrate)
        finally:
            screen.clear()
        found = stream.result()
    sys.stdout.write(_shown(found))
    return 0


def _shown(found: GateCalibration) -> str:
    lines = [f"{found.frames} frames of {found.source} in {found.seconds:.0f} s", ""]
    percent = f"{100 * found.motion_area:g} %"
    lines += _gate(found, found.motion, "motion", f"grey levels on {percent} of the picture")
    lines += ["", *_gate(found, found.novelty, "novelty", "cosine distance"), ""]
    for name, gate in (("motion", found.motion), ("novelty", found.novelty)):
        if gate.busy:
            lines.append(
                f"{name}: the scene changes by itself as much as things of 3 % change it, so "
                "records come without a reason. The proposal sees nine things of ten."
            )
        elif gate.stands_out:
            lines.append(
                f"{name}: something stood out ({gate.largest:.4g}). If that was no noise, watch "
                "again while nothing happens."
            )
    options = found.options.items()
    lines.append(" ".join(f"--{key.replace('_', '-')} {value:g}" for key, value in options))
    return "\n".join(lines) + "\n"


def _gate(found: GateCalibration, gate: GateFloor, name: str, unit: str) -> list[str]:
    lines = [
        f"{name}, {unit}: median {gate.median:.3g}, p{100 * gate.upper_quantile:g} "
        f"{gate.upper:.3g}, once in a million frames {gate.reach:.3g}, light that falls by 30 % "
        f"{gate.light:.3g}",
        f"  {'--' + name:<12}{'records a day':>18}   things of 3 % of the picture seen",
    ]
    for rung in gate.rungs:
        a_day = f"{found.a_day(rung):.0f}" if rung.records else f"under {found.none_a_day:.0f}"
        mark = "   proposed" if rung.threshold == gate.threshold else ""
        lines.append(f"  {rung.threshold:<12g}{a_day:>18}   {rung.seen} of {found.things}{mark}")
    return lines
