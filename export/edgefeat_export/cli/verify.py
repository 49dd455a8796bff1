"""`edgefeat-export verify`: holds a model file against the Keras network it was made from."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edgefeat_export.cli.network_options import (
    add_gate_option,
    add_network_options,
    gates_of,
    network_request,
)
from edgefeat_export.cli.saying import say

if TYPE_CHECKING:
    from edgefeat.model.spec import Parity

__all__ = ["add_parser"]

_EPILOG = """\
examples:
  edgefeat-export verify my_model_224_int8.onnx --against my_model.keras --images photos/
  edgefeat-export verify mobilenet_025_224_fp32.onnx --against mobilenet --alpha 0.25 \\
      --weights mobilenet_2_5_224_tf_no_top.h5 --images photos/

exit codes: 0 every gate reached; 2 wrong usage; 3 a gate missed, or something cannot be loaded
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "verify",
        help="hold a model file against its Keras network",
        description="Compare a model file's features with Keras's on your own pictures.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="MODEL.onnx", help="made by `build`")
    parser.add_argument(
        "--against", required=True, metavar="MODEL|NAME", help="the saved model or the backbone"
    )
    parser.add_argument(
        "--images", type=Path, required=True, metavar="DIR", help="pictures to compare on"
    )
    add_network_options(parser, of_file=True)
    add_gate_option(parser)
    parser.add_argument("--json", action="store_true", help="the figures as JSON on stdout")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code."""
    from edgefeat_export.pipeline.recheck import recheck

    parities = recheck(
        arguments.file,
        network_request(arguments, arguments.against),
        arguments.images,
        gates_of(arguments),
        say=say,
    )
    if arguments.json:
        document = {name: dataclasses.asdict(parity) for name, parity in parities.items()}
        sys.stdout.write(json.dumps({"passed": True, "outputs": document}) + "\n")
    else:
        for name, parity in parities.items():
            sys.stdout.write(_sentence(name, parity) + "\n")
    return 0


def _sentence(name: str, parity: Parity) -> str:
    parts = [
        f"{name}: passed on {parity.images} pictures",
        f"relative L2 {parity.relative_l2_mean:.1e} mean, {parity.relative_l2_max:.1e} max",
        f"cosine {parity.cosine_mean:.6f} mean, {parity.cosine_min:.6f} min",
    ]
    if parity.cosine_p1 is not None:
        parts.append(f"{parity.cosine_p1:.6f} p1")
    if parity.neighbour_overlap_10 is not None:
        parts.append(f"{parity.neighbour_overlap_10:.1%} of ten nearest neighbours shared")
    return ", ".join(parts)
