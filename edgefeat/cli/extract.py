"""`edgefeat extract`: photos, folders and patterns become a feature set."""

from __future__ import annotations

import argparse
import sys
import threading
from typing import TYPE_CHECKING

from edgefeat.cli.corpus_bar import CorpusBar
from edgefeat.cli.options import (
    add_model_options,
    add_options,
    is_given,
    open_extractor,
    read_options,
    refuse,
)
from edgefeat.cli.set_options import add_set_options, output_plan
from edgefeat.cli.stopping import stop_on_signals
from edgefeat.errors import OptionError
from edgefeat.messages.counts import counted
from edgefeat.options.corpus import CorpusOptions
from edgefeat.options.many import ManyOptions
from edgefeat.options.parts import PartOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgefeat.corpus.summary import Summary
    from edgefeat.extractor import FeatureExtractor
    from edgefeat.sets.formats import OutputPlan

__all__ = ["DESCRIPTION", "EPILOG", "add_arguments", "run"]

DESCRIPTION = "Turn photos, folders and patterns into feature vectors."
EPILOG = """\
examples:
  edgefeat extract cat.jpg                         a line for people; JSON lines into a pipe
  edgefeat extract photos/ -o features.npz         every picture below photos/
  edgefeat extract 'photos/**/*.jpg' -o feats.csv  a pattern (quote it)
  edgefeat extract photos/ -o features/            a folder of shards, for large corpora
  edgefeat extract photos/ -o features/ --resume   go on after a kill, or add new photos
  edgefeat extract photos/ -o features/ --sync     follow a folder that changes
  edgefeat extract photos.zip -o features.npz      an archive, which is not unpacked
  edgefeat extract table.csv -o features.npz --model table.onnx     rows, for a model with columns
  find . -name '*.jpg' -print0 | edgefeat extract --files-from - -o features/
  edgefeat extract --plan s3://bucket/set --part 3/8  parts of a plan (`edgefeat plan --help`)

outputs, by the name of OUT:
  .npz     arrays features (N, D), paths (N,), model, fingerprint, outputs, pixels;
           scales (N,) with i8 and u8
  .npy     array (N, D), with paths and fingerprint in OUT.json
  .csv     path,f0000,f0001,... with fingerprint in OUT.json
  .jsonl   one object a line: path, index, model, fingerprint, features; --schema describes it
  .parquet path, features, scale with i8 and u8 (needs `pip install 'edgefeat[parquet]'`)
  folder   (ends in / or has no ending) .npy shards, manifest.json with hashes, errors.jsonl
  -        JSON lines on stdout; so into a pipe or device that is there

A file appears whole at the end; until then, and after a kill, what was there stays. A folder
survives a kill. An output that is there is refused: --overwrite replaces it, --resume goes on with
a folder of the same model.

Files are taken by what is inside them, not by their names; what is not taken is counted by kind.
Pictures that fail or are damaged are named on stderr and in OUT.errors.jsonl (errors.jsonl in a
folder). A picture named twice, in any spelling, is done once. A name that is not UTF-8 is written
in every format as bytes: and the name with %XX. Read sets back with edgefeat.FeatureSet.read(OUT).

--resume keeps every row that is there, and says how the sources differ. --sync makes the set that
a new run would make, and takes over what has not changed: size and time of change are compared,
and the bytes where only the time differs. A sync that is cut short leaves the set as it was.

exit codes: 0 all done; 1 some pictures failed, each named, the rest done;
2 wrong usage; 3 model, provider or output unusable; 130 interrupted
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    add = parser.add_argument
    add(
        "sources",
        nargs="*",
        metavar="SOURCE",
        help="file, folder, pattern, zip or tar archive; a table for a model that takes rows",
    )
    add_set_options(parser)
    add(
        "--key",
        metavar="COLUMN",
        help="of a table: the column that names rows (default: FILE#0, ...)",
    )
    add("--json", action="store_true", help="a JSON summary on stdout; needs -o FILE or FOLDER")
    add("-q", "--quiet", action="store_true", help="no progress bar, no summary")
    add_options(parser, CorpusOptions, title="pictures")
    add_options(parser, ManyOptions, title="pictures")
    add_options(parser, PartOptions, title="plan")
    add_model_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code.

    Raises:
        OptionError: Options do not go together, or one is missing.
    """
    if is_given(arguments, "plan"):
        from edgefeat.cli import extract_parts

        return extract_parts.run(arguments)
    refuse(arguments, "part", "reads", problem="applies to the parts of a plan alone")
    from edgefeat.cli.record_lines import for_people
    from edgefeat.corpus.run import extract_sources

    many = read_options(arguments, ManyOptions)
    options = read_options(arguments, CorpusOptions)
    if not arguments.sources and options.files_from is None:
        arguments.parser.error("expected a SOURCE, or names by --files-from FILE")
    plan = output_plan(arguments, live=False)
    if arguments.json and plan.is_stdout:
        raise OptionError("needs an output other than stdout, such as -o f.npz", option="json")
    output = for_people() if arguments.output is None and sys.stdout.isatty() else plan
    asked = threading.Event()
    bar = CorpusBar(wanted=plan.is_path and not arguments.quiet)
    with open_extractor(arguments) as extractor, stop_on_signals(asked.set):
        try:
            if extractor.spec.picture is None:
                summary = _from_tables(arguments, plan, extractor, bar, asked.is_set)
            else:
                refuse(arguments, "key", problem="does not apply: the model takes pictures")
                summary = extract_sources(
                    arguments.sources,
                    output,
                    extractor,
                    options=options,
                    many=many,
                    on_step=bar,
                    stop=asked.is_set,
                )
        except KeyboardInterrupt:
            if plan.grows:
                sys.stderr.write("\nedgefeat: what was done is safe: go on with --resume")
            raise
        finally:
            bar.close()
    _say(arguments, summary, summed_up=plan.is_path)
    return _exit_code(summary)


def _from_tables(
    arguments: argparse.Namespace,
    plan: OutputPlan,
    extractor: FeatureExtractor,
    bar: CorpusBar,
    stop: Callable[[], bool],
) -> Summary:
    """Extract rows; what applies to pictures alone is refused."""
    from edgefeat.cli.options import warnings_as_notes
    from edgefeat.corpus.tables import extract_tables

    for record, of_rows in ((CorpusOptions, ()), (ManyOptions, ("batch", "on_error"))):
        names = [name for name, _ in record.each() if name not in of_rows]
        refuse(arguments, *names, problem="applies to pictures alone; this model takes rows")
    with warnings_as_notes(arguments):
        summary = extract_tables(
            arguments.sources,
            plan,
            extractor,
            key=getattr(arguments, "key", None),
            many=read_options(arguments, ManyOptions),
            on_step=bar,
            stop=stop,
        )
    for name, count in extractor.unseen.items() if not arguments.quiet else ():
        if count:
            sys.stderr.write(
                f"edgefeat: note: column {name!r}: {counted(count, 'value')} never seen.\n"
            )
    return summary


def _exit_code(summary: Summary) -> int:
    from edgefeat.corpus.summary import Ending

    if summary.ending is Ending.ASKED:
        return 130
    return 1 if summary.failures else 0


def _say(arguments: argparse.Namespace, summary: Summary, *, summed_up: bool) -> None:
    from edgefeat.cli.extract_report import as_json, as_text, notes, pictures_not_read

    for line in (*pictures_not_read(summary), *(() if arguments.quiet else notes(summary))):
        sys.stderr.write(f"edgefeat: note: {line}\n")
    if arguments.json:
        sys.stdout.write(as_json(summary))
    elif summed_up and not arguments.quiet:
        sys.stderr.write(as_text(summary))
