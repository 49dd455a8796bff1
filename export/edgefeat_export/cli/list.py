"""`edgefeat-export list`: the backbones there are."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

__all__ = ["add_parser"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "list",
        help="show the backbones that `build` knows",
        description="Show every backbone: input size, features, parameters, arithmetic, licence.",
        epilog="Figures are for the network without its head, at its own size and alpha 1.",
    )
    parser.add_argument("--json", action="store_true", help="JSON on stdout")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code."""
    rows = _rows()
    if arguments.json:
        sys.stdout.write(json.dumps(rows) + "\n")
        return 0
    lines = [f"{'name':<20} {'input':>7} {'features':>8} {'params':>8} {'MACs':>8}  licence"]
    for row in rows:
        height, width = row["size_hw"]
        lines.append(
            f"{row['name']:<20} {f'{height}x{width}':>7} {row['features']:>8}"
            f" {row['parameters'] / 1e6:>7.1f}M {row['macs'] / 1e9:>7.2f}G  {row['licence']}"
            f"{_options(row)}"
        )
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _rows() -> list[dict[str, Any]]:
    from edgefeat_export.networks.catalogue import BACKBONES

    return [
        {
            "name": name,
            "family": backbone.family,
            "size_hw": list(backbone.size_hw),
            "features": backbone.feature_dim,
            "parameters": backbone.parameters,
            "macs": backbone.macs,
            "licence": backbone.licence,
            "alphas": list(backbone.alphas),
            "minimalistic": backbone.minimalistic,
        }
        for name, backbone in BACKBONES.items()
    ]


def _options(row: dict[str, Any]) -> str:
    parts = []
    if row["alphas"]:
        parts.append("alpha " + ", ".join(f"{alpha:g}" for alpha in row["alphas"]))
    if row["minimalistic"]:
        parts.append("minimalistic")
    return f"  ({'; '.join(parts)})" if parts else ""
