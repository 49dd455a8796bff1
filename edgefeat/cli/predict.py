"""`edgefeat predict`: photos, rows, or photos with rows become labels and probabilities."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from typing import TYPE_CHECKING

from edgefeat.cli.options import add_options, positive_integer, read_options
from edgefeat.cli.stopping import stop_on_signals
from edgefeat.messages.counts import counted
from edgefeat.options.extractor import EngineOptions, ModelOptions

if TYPE_CHECKING:
    from edgefeat.predicting.run import Predicted
    from edgefeat.predictor import Predictor

__all__ = ["DESCRIPTION", "EPILOG", "add_arguments", "run"]

DESCRIPTION = """\
Give labels and probabilities for photos, for rows of a table, or for photos
with a row each, by a model with a head.
"""
EPILOG = """\
examples:
  edgefeat predict photos/ --model mine.onnx                    JSON lines on stdout
  edgefeat predict photos/ --model mine.onnx -o answers.csv
  edgefeat predict photos/ --model out.onnx --rows table.csv --key file -o answers.parquet
  edgefeat predict table.csv --model table.onnx -o answers.jsonl

outputs, by the name of OUT:
  .csv     path,label,p_CLASS,...,value
  .jsonl   one object a line: path, label, probabilities, value
  .parquet the columns of .csv (needs `pip install 'edgefeat[parquet]'`)

A file appears whole at the end. The key's column has the name of each picture's file, or as much of
its path as tells it from others. A table is CSV in UTF-8 with a header, or Parquet; columns that
the model does not take are left out with a note. Pictures and rows that fail are named on stderr,
and in OUT.errors.jsonl with row (from 0), column and value; the rest goes on.

exit codes: 0 all done; 1 some pictures or rows failed, each named, the rest done;
2 wrong usage; 3 model, table, provider or output unusable; 130 interrupted
"""
_MODEL_OPTIONS = {
    *("model", "decode", "max_pixels", "any_operator", "max_text", "verify_key", "signature")
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    add = parser.add_argument
    add(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="file, folder, pattern or archive of photos; a table, if the model takes rows alone",
    )
    add("--rows", metavar="TABLE", help="a row for each photo: .csv, .tsv or .parquet")
    add("--key", metavar="COLUMN", help="the column that names the photos' files, or the rows")
    add("-o", "--output", metavar="OUT", help="a file (default: JSON lines on stdout)")
    add("--overwrite", action="store_true", help="replace an output that is there")
    add("--workers", type=positive_integer, metavar="N", help="photos at once (default: automatic)")
    add("--json", action="store_true", help="a JSON summary on stdout; needs -o OUT")
    add("-q", "--quiet", action="store_true", help="no progress bar, no summary")
    add_options(parser, ModelOptions, title="model", only=_MODEL_OPTIONS)
    add_options(parser, EngineOptions, title="model")


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code.

    Raises:
        OptionError: Options do not go together, or one is missing.
    """
    from pathlib import Path

    from edgefeat.cli.corpus_bar import CorpusBar
    from edgefeat.cli.options import warnings_as_notes
    from edgefeat.errors import OptionError
    from edgefeat.predicting import writing
    from edgefeat.predicting.run import predict_sources, write_ledger

    to_stdout = arguments.output in (None, "-")
    if arguments.json and to_stdout:
        raise OptionError("needs an output other than stdout, such as -o a.csv", option="json")
    asked = threading.Event()
    bar = CorpusBar(wanted=not to_stdout and not arguments.quiet)
    with warnings_as_notes(arguments), _opened(arguments) as predictor:
        writer: writing.Writer
        if to_stdout:
            writer = writing.JsonWriter(_print)
        else:
            writer = writing.opened(arguments.output, overwrite=arguments.overwrite)
        try:
            with stop_on_signals(asked.set):
                done = predict_sources(
                    arguments.sources,
                    predictor,
                    writer,
                    rows=arguments.rows,
                    key=arguments.key,
                    workers=arguments.workers,
                    on_step=bar,
                    stop=asked.is_set,
                )
        finally:
            bar.close()
            writer.close()
    if not to_stdout:
        write_ledger(Path(f"{arguments.output}.errors.jsonl"), done.failed)
    _say(arguments, done, to_stdout=to_stdout)
    if done.stopped:
        return 130
    return 1 if done.failed else 0


def _print(line: bytes) -> None:
    sys.stdout.write(line.decode())


def _opened(arguments: argparse.Namespace) -> Predictor:
    from edgefeat.errors import OptionError
    from edgefeat.predictor import Predictor

    model = read_options(arguments, ModelOptions)
    if model.model is None:
        raise OptionError(
            "expected a model with a head: the shipped one gives features and no answers",
            option="model",
            remedy="Make one with `edgefeat teach`, and name it with {option}.",
        )
    return Predictor.from_options(model, read_options(arguments, EngineOptions))


def _say(arguments: argparse.Namespace, done: Predicted, *, to_stdout: bool) -> None:
    from edgefeat.cli.not_taken import not_taken_line

    notes = [not_taken_line(one) for one in done.not_taken]
    notes += done.notes
    notes += [
        f"column {name!r}: {counted(count, 'value')} that the model never saw."
        for name, count in done.unseen.items()
        if count
    ]
    if not arguments.quiet:
        sys.stderr.write("".join(f"edgefeat: note: {line}\n" for line in notes))
    if arguments.json:
        facts = {
            "output": arguments.output,
            "predictions": done.predictions,
            "labels": dict(done.labels),
            "failed": done.failed,
            "damaged": done.damaged,
            "skipped": {one.kind: one.count for one in done.not_taken},
            "unseen": dict(done.unseen),
            "notes": done.notes,
            "complete": not done.stopped,
        }
        sys.stdout.write(json.dumps(facts) + "\n")
    elif not to_stdout and not arguments.quiet:
        sys.stderr.write(f"edgefeat: {_summary(arguments, done)}\n")


def _summary(arguments: argparse.Namespace, done: Predicted) -> str:
    parts = [f"{done.predictions} predictions in {arguments.output}"]
    if done.labels:
        most = done.labels.most_common(8)
        more = f" and {len(done.labels) - 8} more classes" if len(done.labels) > 8 else ""
        parts.append(" ".join(f"{count} {label}" for label, count in most) + more)
    if done.failed:
        parts.append(f"{len(done.failed)} failed: {arguments.output}.errors.jsonl")
    if done.damaged:
        parts.append(f"{done.damaged} of damaged pictures")
    if done.stopped:
        parts.append("interrupted")
    return ", ".join(parts)
