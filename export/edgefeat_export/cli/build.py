"""`edgefeat-export build`: a backbone or a saved model becomes verified model files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edgefeat_export.cli import printing
from edgefeat_export.cli.gate_options import add_gate_option, add_int8_options
from edgefeat_export.cli.network_options import add_network_options, network_request
from edgefeat_export.precision import Precision
from edgefeat_export.quiet import import_tensorflow

__all__ = ["add_parser"]

_EPILOG = """\
examples:
  edgefeat-export build efficientnet_lite0 -o models
  edgefeat-export build mobilenet --alpha 0.25 --weights mobilenet_2_5_224_tf_no_top.h5
  edgefeat-export build mobilenet --precision int8 --calibrate photos/ --images held_out/
  edgefeat-export build my_model.keras --input-range=-1,1 --layer block3 --layer block5:gem
  edgefeat-export build my_vit.keras --input-range 0,1 --layer encoder:cls
  edgefeat-export build my_model.keras --summary
  edgefeat-export build my_model.h5 --normalize torch --reduce pca:128 --calibrate photos/ --l2
  edgefeat-export build my_tabular.keras --layer bottleneck --rows train.csv -o models

exit codes: 0 all files written; 2 wrong usage; 3 not built, or a gate was missed: no file written
A gate is a limit that a file must reach before it is written: its features, computed by edgefeat
itself, are compared with Keras's on real pictures. Int8 keeps its worst layers in float until its
gates hold (--gate int8.cosine_p1=0.98 adds one).
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    build = commands.add_parser(
        "build",
        help="convert, quantize, verify and write a model",
        description="Cut a network's head off, convert it to ONNX, verify it, write it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    build.add_argument(
        "network",
        metavar="NAME|MODEL",
        help="a backbone (see `list`), a .keras or .h5 file, or a SavedModel folder",
    )
    add_network_options(build)
    _add_feature_options(build)
    build.add_argument(
        "--precision",
        dest="precisions",
        type=_names,
        metavar="LIST",
        help=f"some of {','.join(Precision)} (default: fp32, and int8 if it holds its gates and is "
        "faster)",
    )
    build.add_argument(
        "--calibrate", type=Path, metavar="DIR", help="pictures to calibrate int8 and PCA on"
    )
    build.add_argument("--images", type=Path, metavar="DIR", help="pictures to verify with")
    build.add_argument(
        "--rows",
        type=Path,
        metavar="FILE",
        help="rows of your own to measure on, of a network that takes columns: .csv or .parquet",
    )
    build.add_argument(
        "--max-text",
        type=int,
        metavar="N",
        help="characters that a text may have, of a network that takes texts (default: 4096)",
    )
    add_gate_option(build)
    add_int8_options(build)
    build.add_argument(
        "--summary",
        action="store_true",
        help="print the network with the cut marked; build nothing",
    )
    build.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("models"),
        metavar="DIR",
        help="where the files go (default: models)",
    )
    build.add_argument("--json", action="store_true", help="a JSON summary on stdout")
    build.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code."""
    import_tensorflow()
    from edgefeat_export.pipeline.build import build
    from edgefeat_export.pipeline.summary import summary

    network = network_request(arguments, arguments.network)
    if arguments.summary:
        table = summary(network, layers=arguments.layers, pooling=arguments.pooling)
        sys.stdout.write(table + "\n")
        return 0
    result = build(
        network,
        arguments.output,
        layers=arguments.layers,
        pooling=arguments.pooling,
        take_first=arguments.take_first,
        reduce=arguments.reduce,
        l2=arguments.l2,
        precisions=arguments.precisions,
        calibrate=arguments.calibrate,
        images=arguments.images,
        rows=arguments.rows,
        max_text=arguments.max_text,
        gates=arguments.gates,
        target=arguments.target,
        max_bytes=arguments.max_bytes,
        max_latency_ratio=arguments.max_latency_ratio,
        say=printing.say,
    )
    if arguments.json:
        spell = arguments.parser.spell
        left_out = {name: printing.refusal(why, spell) for name, why in result.left_out.items()}
        files = [printing.as_document(file) for file in result.files]
        printing.write_json({"files": files, "left_out": left_out, "card": str(result.card)})
        return 0
    for file in result.files:
        sys.stdout.write(printing.as_line(file, beside="Keras") + "\n")
    return 0


def _add_feature_options(build: argparse.ArgumentParser) -> None:
    features = build.add_argument_group("features")
    features.add_argument(
        "--layer",
        dest="layers",
        action="append",
        default=[],
        metavar="L[:POOLING]",
        help="where to cut; repeat for more outputs (default: where the features end)",
    )
    features.add_argument(
        "--yes",
        dest="take_first",
        action="store_true",
        help="take the first candidate where it is not sure where the features end",
    )
    features.add_argument(
        "--pooling",
        choices=("avg", "max", "gem", "cls", "none"),
        help="how every layer is pooled that does not name its own pooling (default: avg)",
    )
    features.add_argument(
        "--reduce",
        metavar="pca:K[,whiten]",
        help="principal components of --calibrate's pictures, inside the file",
    )
    features.add_argument(
        "--l2", action="store_true", help="scale features to unit length in the file"
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))
