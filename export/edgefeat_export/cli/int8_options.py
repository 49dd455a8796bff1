"""The options that say what int8 is for and may cost, shared by `build` and `quantize`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgefeat_export.quant.search import Limits
    from edgefeat_export.quant.targets import Target

__all__ = ["add_int8_options", "limits_of", "refuse_without_int8", "target_of"]


def add_int8_options(parser: argparse.ArgumentParser) -> None:
    """Add them."""
    int8 = parser.add_argument_group("int8")
    int8.add_argument(
        "--target",
        metavar="NAME",
        help="the class of devices: any, x86-vnni, x86, arm64-dot, arm64, or auto:FILE with the "
        "output of `edgefeat doctor --json` on the device (default: any, which every CPU computes "
        "fast and to the same bits)",
    )
    int8.add_argument("--max-bytes", type=int, metavar="N", help="largest allowed int8 model")
    int8.add_argument(
        "--max-latency-ratio",
        type=float,
        metavar="R",
        help="longest allowed int8 latency over the float one's, timed here",
    )


def refuse_without_int8(arguments: argparse.Namespace, precisions: Sequence[str]) -> None:
    """Refuse options that nothing would use.

    Raises:
        argparse.ArgumentTypeError: One is given, and int8 is not built.
    """
    for name in ("target", "max_bytes", "max_latency_ratio"):
        if getattr(arguments, name) is not None and "int8" not in precisions:
            raise argparse.ArgumentTypeError(
                f"--{name.replace('_', '-')}: is for int8, which is not built: --precision asks "
                f"for {','.join(precisions)}"
            )


def target_of(arguments: argparse.Namespace) -> Target:
    """Return the preset that --target names."""
    from edgefeat_export.quant.targets import DEFAULT_TARGET, target_named

    return target_named(arguments.target or DEFAULT_TARGET)


def limits_of(arguments: argparse.Namespace) -> Limits:
    """Return the limits that the options set."""
    from edgefeat_export.quant.search import Limits

    return Limits(size_bytes=arguments.max_bytes, latency_ratio=arguments.max_latency_ratio)
