"""`edgefeat-export verify`: compares a model file with the Keras network it was made from."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edgefeat_export.cli import printing
from edgefeat_export.cli.gate_options import add_gate_option
from edgefeat_export.cli.network_options import add_network_options, network_request
from edgefeat_export.quiet import import_tensorflow

__all__ = ["add_parser"]

_EPILOG = """\
examples:
  edgefeat-export verify my_model_224_int8.onnx --against my_model.keras --images photos/
  edgefeat-export verify my_table_fp32.onnx --against my_table.keras --rows rows.csv
  edgefeat-export verify mobilenet_025_224_fp32.onnx --against mobilenet --alpha 0.25 \\
      --weights mobilenet_2_5_224_tf_no_top.h5 --images photos/

exit codes: 0 every gate reached; 2 wrong usage; 3 a gate missed, or something cannot be loaded
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "verify",
        help="compare a model file with its Keras network",
        description="Compare a model file's features with Keras's on your own pictures or rows.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="MODEL.onnx", help="made by `build`")
    parser.add_argument(
        "--against", required=True, metavar="MODEL|NAME", help="the saved model or the backbone"
    )
    parser.add_argument(
        "--images", type=Path, metavar="DIR", help="pictures to compare on, of a file for pictures"
    )
    parser.add_argument(
        "--rows",
        type=Path,
        metavar="FILE",
        help="rows to compare on, of a file for columns: .csv or .parquet (default: rows by rule)",
    )
    add_network_options(parser, of_file=True)
    add_gate_option(parser)
    parser.add_argument("--json", action="store_true", help="the figures as JSON on stdout")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code."""
    import_tensorflow()
    from edgefeat_export.pipeline.verify import verify

    file = verify(
        arguments.file,
        network_request(arguments, arguments.against),
        arguments.images,
        rows=arguments.rows,
        gates=arguments.gates,
        say=printing.say,
    )
    if arguments.json:
        document = {"passed": True, "same_weights": file.same_weights}
        printing.write_json(document | printing.as_document(file))
        return 0
    for name, parity in file.parities.items():
        sys.stdout.write(f"{name}: passed, {printing.parity_text(parity)}\n")
    return 0
