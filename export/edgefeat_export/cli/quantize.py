"""`edgefeat-export quantize`: a float model file becomes an int8 one that holds its gates."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edgefeat_export.cli.int8_options import add_int8_options, limits_of, target_of

if TYPE_CHECKING:
    from edgefeat_export.pipeline.quantize_file import Requantized

__all__ = ["add_parser"]

_EPILOG = """\
examples:
  edgefeat-export quantize efficientnet_lite0_224_fp32.onnx
  edgefeat-export quantize model_fp32.onnx --calibrate photos/ --report model.html
  edgefeat doctor --json > device.json   # on the device, then here:
  edgefeat-export quantize model_fp32.onnx --target auto:device.json

Layers that lose too much stay in float. If the gates are still missed, no file is written.
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
    quantize.add_argument("model", type=Path, metavar="MODEL.onnx", help="an fp32 file of ours")
    quantize.add_argument(
        "--calibrate", type=Path, metavar="DIR", help="pictures like those it will see"
    )
    quantize.add_argument(
        "--images", type=Path, metavar="DIR", help="other pictures, to measure on"
    )
    quantize.add_argument(
        "--pictures",
        type=int,
        default=128,
        metavar="N",
        help="how many to calibrate on, at most (default: 128)",
    )
    quantize.add_argument(
        "--min-cosine", type=float, default=0.99, metavar="C", help="mean (default: 0.99)"
    )
    quantize.add_argument(
        "--min-cosine-p1",
        type=float,
        default=0.97,
        metavar="C",
        help="worst of 100 (default: 0.97)",
    )
    quantize.add_argument(
        "--min-overlap",
        type=float,
        default=0.75,
        metavar="S",
        help="share of ten nearest neighbours kept (default: 0.75)",
    )
    add_int8_options(quantize)
    quantize.add_argument("--report", type=Path, metavar="FILE.html", help="write a report page")
    quantize.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: beside MODEL")
    quantize.add_argument("--json", action="store_true", help="a JSON summary on stdout")
    quantize.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code."""
    from edgefeat_export.pipeline.quantize_file import QuantizeRequest, quantize_file
    from edgefeat_export.proof.gates import Gates

    request = QuantizeRequest(
        model=arguments.model,
        output=arguments.output,
        calibration=arguments.calibrate,
        judged=arguments.images,
        target=target_of(arguments),
        gates=Gates(
            cosine_mean=arguments.min_cosine,
            cosine_p1=arguments.min_cosine_p1,
            neighbour_overlap_10=arguments.min_overlap,
        ),
        limits=limits_of(arguments),
        report=arguments.report,
        pictures=arguments.pictures,
    )
    done = quantize_file(request, say=_say)
    sys.stdout.write(_summary(done) if arguments.json else _sentence(done))
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"edgefeat-export: {line}\n")
    sys.stderr.flush()


def _summary(done: Requantized) -> str:
    size = done.path.stat().st_size
    spec = json.loads(done.spec.to_json())
    return json.dumps({"path": str(done.path), "size_bytes": size, "spec": spec}) + "\n"


def _sentence(done: Requantized) -> str:
    fidelity = done.outcome.fidelity
    return (
        f"{done.path}  {done.path.stat().st_size / 1e6:.2f} MB  cosine to the float model "
        f"{fidelity.cosine_mean:.5f} mean, {fidelity.cosine_min:.5f} min over "
        f"{fidelity.pictures} pictures\n"
    )
