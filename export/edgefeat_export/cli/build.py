"""`edgefeat-export build`: a backbone or a saved model becomes verified model files."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgefeat_export.cli.int8_options import (
    add_int8_options,
    limits_of,
    refuse_without_int8,
    target_of,
)
from edgefeat_export.cli.network_options import (
    add_gate_option,
    add_network_options,
    checked,
    gates_of,
    network_request,
)
from edgefeat_export.cli.saying import say

if TYPE_CHECKING:
    from edgefeat_export.cut.headless import Pooling, Tap
    from edgefeat_export.pipeline.request import BuildRequest, Built
    from edgefeat_export.quant.search import Limits

__all__ = ["add_parser"]

_EPILOG = """\
examples:
  edgefeat-export build efficientnet_lite0 -o models
  edgefeat-export build mobilenet --alpha 0.25 --weights mobilenet_2_5_224_tf_no_top.h5
  edgefeat-export build mobilenet --precision int8 --calibrate photos/ --images held_out/
  edgefeat-export build my_model.keras --input-range=-1,1 --layer block3 --layer block5:gem
  edgefeat-export build my_model.h5 --normalize torch --reduce pca:128 --calibrate photos/ --l2

exit codes: 0 all files written; 2 wrong usage; 3 not built, or a gate was missed: no file written
Int8 keeps its worst layers in float until its gates hold (--gate int8.cosine_p1=0.98).
A file is written only if its features, computed by edgefeat itself, are Keras's on real pictures.
"""
_PRECISIONS, _DEFAULT = ("fp32", "fp16", "int8"), ("fp32", "int8")


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
    cut = build.add_argument_group("features")
    cut.add_argument(
        "--layer",
        action="append",
        metavar="L[:POOLING]",
        help="where to cut; repeat for more outputs (default: before the classifier)",
    )
    cut.add_argument(
        "--pooling",
        choices=("avg", "max", "gem", "none"),
        help="of every layer that does not name its own (default: avg)",
    )
    cut.add_argument(
        "--reduce",
        metavar="pca:K[,whiten]",
        help="principal components of --calibrate's pictures, inside the file",
    )
    cut.add_argument("--l2", action="store_true", help="scale features to unit length in the file")
    build.add_argument(
        "--precision",
        type=_precisions,
        metavar="LIST",
        help=f"some of {','.join(_PRECISIONS)} (default: fp32, and int8 if it holds its gates)",
    )
    build.add_argument(
        "--calibrate", type=Path, metavar="DIR", help="pictures to calibrate int8 and PCA on"
    )
    build.add_argument("--images", type=Path, metavar="DIR", help="pictures to verify with")
    add_gate_option(build)
    add_int8_options(build)
    build.add_argument(
        "--summary",
        action="store_true",
        help="print the network with the cut marked; build nothing",
    )
    build.add_argument("-o", "--output", type=Path, default=Path("models"), metavar="DIR")
    build.add_argument("--json", action="store_true", help="a JSON summary on stdout")
    build.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code."""
    request = _request(arguments)
    if arguments.summary:
        from edgefeat_export.pipeline.summary import summary

        sys.stdout.write(summary(request) + "\n")
        return 0
    from edgefeat_export.pipeline.build import build

    built = build(request, say=say)
    if arguments.json:
        sys.stdout.write(json.dumps([_summary(one) for one in built]) + "\n")
    else:
        for one in built:
            sys.stdout.write(_sentence(one) + "\n")
    return 0


def _request(arguments: argparse.Namespace) -> BuildRequest:
    from edgefeat_export.cut.reduction import parse_pca
    from edgefeat_export.pipeline.request import BuildRequest

    precisions = arguments.precision or _DEFAULT
    gates = gates_of(arguments, precisions)
    refuse_without_int8(arguments, precisions)
    pca = checked("--reduce", lambda: parse_pca(arguments.reduce)) if arguments.reduce else None
    return checked(
        "build",
        lambda: BuildRequest(
            network=network_request(arguments, arguments.network),
            taps=_taps(arguments),
            reduce=pca,
            l2=arguments.l2,
            precisions=precisions,
            may_leave_out=() if arguments.precision else ("int8",),
            target=target_of(arguments),
            limits=_limits(arguments),
            gates=gates,
            calibration=arguments.calibrate,
            images=arguments.images,
            output=arguments.output,
        ),
    )


def _limits(arguments: argparse.Namespace) -> Limits:
    """As asked; int8 that nobody asked for must also be faster than fp32."""
    limits = limits_of(arguments)
    if arguments.precision or arguments.max_latency_ratio is not None:
        return limits
    return replace(limits, latency_ratio=1.0)


def _taps(arguments: argparse.Namespace) -> list[Tap]:
    from edgefeat_export.cut.headless import Pooling, Tap

    default = Pooling(arguments.pooling) if arguments.pooling else None
    taps = []
    for text in arguments.layer or [None]:
        layer, pooling = _layer(text, default)
        taps.append(Tap(layer=layer, pooling=pooling))
    return taps


def _layer(text: str | None, default: Pooling | None) -> tuple[str | None, Pooling | None]:
    from edgefeat_export.cut.headless import Pooling

    name, _, pooling = (text or "").rpartition(":")
    if name and pooling in list(Pooling):
        return name, Pooling(pooling)
    return text, default  # Keras allows a colon in a layer's name


def _summary(one: Built) -> dict[str, object]:
    return {
        "path": str(one.path),
        "size_bytes": one.size_bytes,
        "spec": json.loads(one.spec.to_json()),
    }


def _sentence(one: Built) -> str:
    parity = one.spec.parity
    fidelity = (
        f"cosine to Keras {parity.cosine_mean:.5f} mean, {parity.cosine_min:.5f} min, "
        f"relative L2 {parity.relative_l2_max:.1e} max over {parity.images} pictures"
        if parity
        else "not verified"
    )
    return f"{one.path}  {one.size_bytes / 1e6:.2f} MB  {one.spec.dim} features  {fidelity}"


def _precisions(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if unknown := [name for name in names if name not in _PRECISIONS]:
        raise argparse.ArgumentTypeError(
            f"expected some of {','.join(_PRECISIONS)}, got {unknown[0]!r}"
        )
    return names
