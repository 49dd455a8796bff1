"""`edgefeat doctor`: what this device has, and whether the model computes the right thing on it."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from edgefeat.cli.options import add_options, read_options
from edgefeat.options.extractor import ModelOptions

if TYPE_CHECKING:
    from edgefeat.doctor import Report

__all__ = ["DESCRIPTION", "EPILOG", "add_arguments", "run"]

DESCRIPTION = """\
Show versions, CPU, execution providers with a self-test of each, image
formats, memory and temperature, and name what should be put right.
"""
EPILOG = """\
exit codes: 0 nothing to put right; 2 wrong usage; 3 something is
"""


_INT8 = {
    True: "fast: this CPU multiplies int8 in one instruction",
    False: "less of a gain: this CPU has no int8 dot product",
}

_NOT_NEEDED = "not here, and not needed: this model takes no pictures"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument("--model", metavar="FILE", help="model file (default: the shipped one)")
    add_options(parser, ModelOptions, only={"verify_key", "signature"})
    parser.add_argument("--json", action="store_true", help="JSON on stdout")


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code."""
    from edgefeat.doctor import examine

    options = read_options(arguments, ModelOptions)
    report = examine(options.path, verify_key=options.verify_key, signature=options.signature)
    text = json.dumps(report.as_dict(), indent=1) if arguments.json else _as_text(report)
    sys.stdout.write(text + "\n")
    return 3 if report.problems else 0


def _as_text(report: Report) -> str:
    rows = [
        (name, version or (_NOT_NEEDED if name in report.not_needed else "unusable, see below"))
        for name, version in report.versions.items()
    ]
    needs = [f"{name}{bounds}" for name, bounds in report.requirements.items()]
    unknown = "unknown: edgefeat is not installed as a package"
    rows.append(("needs", " ".join(needs) or unknown))
    cpu = report.cpu
    if cpu["board"]:
        rows.append(("board", cpu["board"]))
    rows.append(("cpu", f"{cpu['model']}, {cpu['cores_usable']} usable cores"))
    rows.append(("cpu features", " ".join(cpu["features"]) or "none that speed up inference"))
    rows.append(("int8", _INT8[cpu["int8_dot"]]))
    if not report.providers:
        rows.append(("providers", "unknown, see below"))
    rows += [
        (
            f"provider {provider.name}",
            f"{'works' if provider.works else 'FAILS'}: {provider.detail}",
        )
        for provider in report.providers
    ]
    formats = ", ".join(name for name, there in report.codecs.items() if there)
    if missing := ", ".join(name for name, there in report.codecs.items() if not there):
        formats += f"; not {missing}"
    if not report.not_needed:
        rows.append(("formats", formats or "unknown, see below"))
    rows.append(("memory", _memory(report.memory)))
    rows += [(f"heat, {name}", f"{t:.0f} °C") for name, t in report.temperatures_c.items()]
    rows.append(("governor", " ".join(report.governors) or "unknown"))
    rows.append(("cache", report.cache or "none: models are optimised again at every start"))
    rows.append(("model", report.model or "unusable"))
    if report.signature is not None:
        rows.append(("signature", report.signature))
    width = max(len(label) for label, _ in rows) + 2
    lines = [f"{label:<{width}}{text}" for label, text in rows]
    lines += [f"PROBLEM: {problem}" for problem in report.problems] or ["nothing to put right"]
    return "\n".join(lines)


def _memory(memory: dict[str, int | None]) -> str:
    parts = [f"{name} {size / 2**20:.0f} MiB" for name, size in memory.items() if size]
    return ", ".join(parts) or "unknown"
