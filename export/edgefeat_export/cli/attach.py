"""`edgefeat-export attach`: a saved head of scikit-learn or Keras is put behind a model."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edgefeat_export.cli import printing

if TYPE_CHECKING:
    from edgefeat_export.attaching.attach import Attached

__all__ = ["add_parser"]

_EPILOG = """\
examples:
  edgefeat-export attach MODEL.onnx head.skops --rows holdout.csv -o out.onnx
  edgefeat-export attach MODEL.onnx head.joblib --trust-pickle --rows holdout.csv -o models/
  edgefeat-export attach MODEL.onnx head.keras --rows holdout.csv --classes good,bad -o models/

HEAD is a fitted scikit-learn pipeline: a ColumnTransformer with edgefeat.sklearn.ImageFeatures (of
this very model) and an estimator, saved by skops.io.dump. Or it is a Keras model with an input
`features` and one for each column, which ends in a softmax, in a sigmoid, or in one number; such a
file does not tell whose features it was fitted on, so only their number is checked.

The rows have its columns, and were not fitted on; paths of photos start at their file's folder.
Every row is compared with scikit-learn or Keras; what cannot be right is refused by name, and no
file is written.

A pickle runs whatever code it holds: it is refused unless you trust it. HEAD is opened in a process
of its own. In Python nothing needs to be saved: edgefeat_export.attach(head, MODEL, rows, OUT).

exit codes: 0 written; 2 wrong usage; 3 not attached: no file written
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "attach",
        help="put a head of scikit-learn or Keras behind a model's features",
        description="Make one file of a model and of a head that was fitted on its features.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL.onnx", help="the model of the pipeline's ImageFeatures")
    add("head", type=Path, metavar="HEAD", help="the head: .skops or .keras; .joblib if trusted")
    add("--rows", type=Path, required=True, metavar="FILE", help="CSV or Parquet to compare on")
    add("--photos-root", type=Path, metavar="DIR", help="where paths in the rows start")
    add("--photo", metavar="COLUMN", help="the rows' photos, where the head does not name them")
    add("--classes", metavar="NAME,NAME", help="a Keras model's classes, in its order")
    add("--trust-pickle", action="store_true", help="run the code that a pickle holds")
    add("-o", "--output", type=Path, required=True, metavar="OUT", help="a file, or a folder")
    add("--json", action="store_true", help="what was compared as JSON on stdout")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code."""
    from edgefeat_export.attaching.child import attach_file

    output: Path = arguments.output
    if output.is_dir() or output.suffix != ".onnx":
        output.mkdir(parents=True, exist_ok=True)
        output = output / f"{arguments.model.stem}_{arguments.head.stem}.onnx"
    done = attach_file(
        arguments.head,
        arguments.model,
        arguments.rows,
        output,
        photos_root=arguments.photos_root,
        photo=arguments.photo,
        classes=None if arguments.classes is None else arguments.classes.split(","),
        trust_pickle=arguments.trust_pickle,
    )
    if arguments.json:
        printing.write_json({**dataclasses.asdict(done), "path": str(done.path)})
        return 0
    sys.stdout.write(_as_text(done))
    return 0


def _as_text(done: Attached) -> str:
    lines = [f"{done.path}: {done.added_bytes / 1e3:.0f} kB more than the model"]
    takes = ", ".join(("a photo", *done.columns))
    gives = "a number" if done.classes is None else f"one of {len(done.classes)} classes"
    lines.append(f"takes {takes}; answers {gives}")
    compared = []
    for name, difference in done.differences.items():
        if name == "label":
            compared.append("every label equal")
        else:
            compared.append(f"{name} within {difference:.1e}")
    lines.append(f"{done.rows} rows as in {done.reference}: {', '.join(compared)}; features equal")
    return "\n".join(lines) + "\n"
