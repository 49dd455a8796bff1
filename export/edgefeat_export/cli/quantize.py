"""`edgefeat-export quantize`: a float model file becomes an int8 one that holds its gates."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edgefeat_export.cli import printing
from edgefeat_export.cli.gate_options import add_gate_option, add_int8_options

__all__ = ["add_parser"]

_EPILOG = """\
examples:
  edgefeat-export quantize efficientnet_lite0_224_fp32.onnx
  edgefeat-export quantize model_fp32.onnx --calibrate photos/ --report model.html
  edgefeat-export quantize model_fp32.onnx --gate int8.cosine_mean=0.995
  edgefeat doctor --json > device.json   # on the device, then here:
  edgefeat-export quantize model_fp32.onnx --target auto:device.json

exit codes: 0 file written; 2 wrong usage; 3 not quantized, or a gate was missed: no file written
The gates are those of `build`; features are compared with those of the float file. Layers that lose
too much stay in float until they hold.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    quantize = commands.add_parser(
        "quantize",
        help="make an int8 file from a float one",
        description="Quantize a float model file, measure it against the float one, write it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    quantize.add_argument("model", metavar="MODEL.onnx", help="an fp32 file that `build` made")
    quantize.add_argument(
        "--calibrate", type=Path, metavar="DIR", help="pictures like those it will see"
    )
    quantize.add_argument(
        "--images", type=Path, metavar="DIR", help="other pictures, to measure on"
    )
    quantize.add_argument(
        "--pictures",
        dest="calibration_pictures",
        type=int,
        default=128,
        metavar="N",
        help="how many to calibrate on, at most (default: 128)",
    )
    add_gate_option(quantize)
    add_int8_options(quantize)
    quantize.add_argument("--report", type=Path, metavar="FILE.html", help="write a report page")
    quantize.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: beside MODEL")
    quantize.add_argument("--json", action="store_true", help="a JSON summary on stdout")
    quantize.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code."""
    from edgefeat_export.pipeline.quantize import quantize

    file = quantize(
        arguments.model,
        arguments.output,
        calibrate=arguments.calibrate,
        images=arguments.images,
        calibration_pictures=arguments.calibration_pictures,
        gates=arguments.gates,
        target=arguments.target,
        max_bytes=arguments.max_bytes,
        max_latency_ratio=arguments.max_latency_ratio,
        report=arguments.report,
        say=printing.say,
    )
    if arguments.json:
        printing.write_json(printing.as_document(file))
    else:
        sys.stdout.write(printing.as_line(file, beside="the float file") + "\n")
    return 0
