"""What `edgefeat info` says of a feature set: what it holds, and whether it is whole."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from edgefeat.cli.options import refuse

if TYPE_CHECKING:
    from edgefeat.sets.checking import SetCheck

__all__ = ["is_set", "show_set"]


def is_set(path: str) -> bool:
    """Return whether a name is that of a set, and not of a model file."""
    from edgefeat.sets.formats import FORMATS

    return Path(path).is_dir() or path.lower().endswith((*FORMATS, ".jsonl.gz"))


def show_set(arguments: argparse.Namespace) -> int:
    """Show a set; return the exit code."""
    from edgefeat.sets.checking import check_set

    problem = "has no effect: a set runs no model"
    of_models = ("self_test", "providers", "strict", "threads")
    trust = ("any_operator", "verify_key", "signature")
    refuse(arguments, *of_models, *trust, problem=problem)
    checked = check_set(arguments.model, every_byte=arguments.check)
    show = _as_json if arguments.json else _as_text
    sys.stdout.write(show(arguments.model, checked, arguments.check) + "\n")
    return 1 if checked.damages else 0


def _as_json(path: str, checked: SetCheck, every_byte: bool) -> str:
    from edgefeat.model import codec

    facts = {
        "set": path,
        **codec.write(checked.info),
        "rows": checked.rows,
        "failures": checked.failures,
        "damaged_pictures": checked.damaged_pictures,
        "shards": checked.shards,
        "complete": checked.complete,
        "every_byte": every_byte,
        "damages": [asdict(damage) for damage in checked.damages],
    }
    return json.dumps(facts, indent=1)


def _as_text(path: str, checked: SetCheck, every_byte: bool) -> str:
    info = checked.info
    rows = [("set", path), ("model", info.model)]
    for output in info.outputs:
        shape = " x ".join(str(side) for side in output.shape)
        rows.append(("output", f"{output.name}: {shape}, {info.store}"))
    rows.append(("rows", str(checked.rows)))
    if checked.shards is not None:
        state = "complete" if checked.complete else "unfinished"
        rows.append(("shards", f"{checked.shards}, {state}"))
        rows.append(("failures", str(checked.failures)))
        rows.append(("damaged", f"{checked.damaged_pictures} rows of damaged pictures"))
    rows.append(("pixels", str(info.pixels or "not noted")))
    rows.append(("fingerprint", info.fingerprint))
    rows.append(("checked", _verdict(checked, every_byte)))
    lines = [f"{label:<12} {text}" for label, text in rows]
    lines += [f"PROBLEM: {one.file}: {one.problem} ({one.rows} rows)." for one in checked.damages]
    if checked.damages:
        lines.append("`edgefeat extract` with --resume or --sync redoes what is damaged, no more.")
    return "\n".join(lines)


def _verdict(checked: SetCheck, every_byte: bool) -> str:
    depth = "every byte" if every_byte or checked.shards is None else "lengths; --check reads all"
    return f"{depth}: {'DAMAGED' if checked.damages else 'whole'}"
