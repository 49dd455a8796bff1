"""`edgefeat teach`: pictures with classes become a model file that knows them."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from edgefeat.cli.options import add_options, read_options
from edgefeat.options.extractor import EngineOptions, ModelOptions
from edgefeat.options.teaching import TeachingOptions

if TYPE_CHECKING:
    from edgefeat.teaching.report import Taught

__all__ = ["DESCRIPTION", "EPILOG", "add_arguments", "run"]

DESCRIPTION = "Teach a model the classes of some pictures, on this device."
EPILOG = """\
examples:
  edgefeat teach photos/ -o mine.onnx               a folder for each class: photos/cat/, ...
  edgefeat teach photos/ -o mine.onnx --html page.html    with a page of the hardest pictures
  edgefeat teach more/ -o mine.onnx --add           more pictures or classes, without the old ones
  edgefeat teach table.csv -o mine.onnx             a header, a column of paths and one of classes
  edgefeat teach table.csv --value price -o price.onnx    a number in the place of a class
  edgefeat teach good/ -o good.onnx --one-class     normal or unlike, and a distance

The classifier is computed at once from the features, by NumPy alone. Its accuracy is told before
the file is written: each picture is left out once and judged by all the others. Photos of one scene
in a row are too alike for that to be honest; pictures with a near-duplicate are counted.

The file is the model with a head behind it: `features` stay the same in every byte, and sets of
both may be compared. `label` and `probabilities` stand beside them. A picture like none of the
classes is called unknown (--unknown, --unknown-name). The file keeps the features of what it was
shown, not the photos, so that more can be added (--no-keep leaves them out).

exit codes: 0 all done; 1 some pictures could not be used, each named, the rest done;
2 wrong usage; 3 model, source or output unusable; 130 interrupted
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    add = parser.add_argument
    add("source", metavar="SOURCE", help="folder of folders, CSV table, or a set")
    add("-o", "--output", required=True, metavar="FILE.onnx", help="the model file to write")
    add("--html", metavar="FILE", help="write a page of the hardest pictures of each class")
    add("--json", action="store_true", help="what was learnt as one JSON object on stdout")
    add("-q", "--quiet", action="store_true", help="no progress bar, no summary")
    add_options(parser, TeachingOptions)
    add_options(parser, ModelOptions, title="model", only={"model"})
    add_options(parser, EngineOptions, title="model")


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code."""
    from pathlib import Path

    from edgefeat import atomic
    from edgefeat.cli.corpus_bar import CorpusBar
    from edgefeat.cli.teach_report import as_json, as_text, notes
    from edgefeat.teaching.teach import teach_file

    options = read_options(arguments, TeachingOptions)
    model = read_options(arguments, ModelOptions).path
    engine = read_options(arguments, EngineOptions)
    if arguments.html:
        atomic.check_place(Path(arguments.html))
    bar = CorpusBar(wanted=not arguments.quiet)

    def tell(taught: Taught) -> None:
        bar.close()
        for line in notes(taught, quiet=arguments.quiet):
            sys.stderr.write(f"edgefeat: note: {line}\n")
        if arguments.json:
            sys.stdout.write(as_json(taught))
        elif not arguments.quiet:
            sys.stdout.write(as_text(taught))
        sys.stdout.flush()

    try:
        taught = teach_file(
            arguments.source,
            arguments.output,
            options,
            model=model,
            engine=engine,
            before_writing=tell,
            on_step=bar,
        )
    finally:
        bar.close()
    if not arguments.quiet:
        sys.stderr.write(f"edgefeat: wrote {arguments.output}\n")
    if arguments.html:
        from edgefeat.cli.sheet import write
        from edgefeat.teaching.page import of_taught

        write(of_taught(taught), arguments.html, quiet=arguments.quiet)
    return 1 if taught.failed else 0
