"""The options that say what a file must reach and what int8 may cost, shared by the commands."""

from __future__ import annotations

import argparse

__all__ = ["add_gate_option", "add_int8_options"]


def add_gate_option(parser: argparse.ArgumentParser) -> None:
    """Add --gate, whose values become the library's `gates`."""
    parser.add_argument(
        "--gate",
        dest="gates",
        action=_Collected,
        type=_gate,
        default={},
        metavar="P.GATE=X",
        help="change a limit, such as int8.cosine_mean=0.97 or fp32.neighbour_overlap_10=0.99;"
        " none takes it away; may be repeated",
    )


def add_int8_options(parser: argparse.ArgumentParser) -> None:
    """Add what int8 is for and what it may cost."""
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


class _Collected(argparse.Action):
    """Gathers pairs of name and value in a dictionary; the last value of a name counts."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        if isinstance(values, tuple):
            setattr(namespace, self.dest, {**getattr(namespace, self.dest), values[0]: values[1]})


def _gate(text: str) -> tuple[str, float | None]:
    name, _, value = text.partition("=")
    try:
        return name, None if value == "none" else float(value)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"expected PRECISION.GATE=NUMBER or PRECISION.GATE=none, got {text!r}"
        ) from error
