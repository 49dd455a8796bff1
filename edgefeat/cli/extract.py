"""`edgefeat extract`: photos, folders and patterns become a feature set."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from edgefeat.cli.options import (
    add_model_options,
    add_options,
    open_extractor,
    positive_integer,
    read_options,
)
from edgefeat.cli.set_options import add_set_options, output_plan
from edgefeat.errors import OptionError
from edgefeat.options.extractor import EngineOptions
from edgefeat.options.many import ManyOptions, OnError

if TYPE_CHECKING:
    from edgefeat.cli.extract_report import Summary
    from edgefeat.extractor import FeatureExtractor
    from edgefeat.sets.record import Failure
    from edgefeat.sets.sink import Sink

__all__ = ["add_parser"]

_EPILOG = """\
examples:
  edgefeat extract cat.jpg                         a line for people; JSON lines into a pipe
  edgefeat extract photos/ -o features.npz         every picture below photos/
  edgefeat extract 'photos/**/*.jpg' -o feats.csv  a pattern (quote it)
  edgefeat extract photos/ -o features/            a folder of shards, for large corpora
  edgefeat extract photos/ -o features/ --resume   go on after a kill, or add new photos

outputs, by the name of OUT:
  .npz     arrays features (N, D), paths (N,), model, fingerprint, outputs; scales (N,) with i8
  .npy     array (N, D), with paths and fingerprint in OUT.json
  .csv     path,f0000,f0001,... with fingerprint in OUT.json
  .jsonl   one object a line: path, index, model, fingerprint, features; --schema describes it
  .parquet path, features, scale with i8 (needs `pip install 'edgefeat[parquet]'`)
  folder   (ends in / or has no ending) .npy shards, manifest.json with hashes, errors.jsonl
  -        JSON lines on stdout; so into a pipe or device that is there

A file appears whole at the end; until then, and after a kill, what was there stays. A folder
survives a kill. An output that is there is refused: --overwrite replaces it, --resume goes on with
a folder of the same model.

Pictures that fail are named on stderr and in OUT.errors.jsonl (errors.jsonl in a folder).
In a folder a picture named twice is done once. A name that is not UTF-8 is written in every format
as bytes: and the name with %XX. Read sets back with edgefeat.FeatureSet.read(OUT).

exit codes: 0 all done; 1 some pictures failed, each named, the rest done;
2 wrong usage; 3 model, provider or output unusable; 130 interrupted
"""


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], *, purpose: str
) -> None:
    """Add the subcommand.

    Args:
        commands: The program's commands.
        purpose: What the command is for, in the program's help.
    """
    parser = commands.add_parser(
        "extract",
        help=purpose,
        description="Turn photos, folders and patterns into feature vectors.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("sources", nargs="+", metavar="SOURCE", help="file, folder or pattern")
    add_set_options(parser)
    add(
        "--shard-size",
        type=positive_integer,
        metavar="N",
        help="pictures a shard of a folder covers (default: 1024, or 16 MiB)",
    )
    add("--json", action="store_true", help="a JSON summary on stdout; needs -o FILE or FOLDER")
    add("-q", "--quiet", action="store_true", help="no progress bar, no summary")
    add_options(parser, ManyOptions, title="pictures")
    add_model_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code."""
    from edgefeat.cli.extract_report import Summary
    from edgefeat.cli.record_lines import for_people
    from edgefeat.sets.corpus import collect
    from edgefeat.sets.info import SetInfo

    many = read_options(arguments, ManyOptions)
    stop = many.on_error is OnError.STOP
    plan = output_plan(arguments, live=False, batch=many.batch or 1)
    if arguments.json and plan.is_stdout:
        raise OptionError("needs an output other than stdout, such as -o f.npz", option="json")
    started = time.monotonic()
    paths, bad_sources = collect(arguments.sources)
    with open_extractor(arguments) as extractor:
        info = SetInfo.of(extractor, plan.store)
        with for_people() if _is_for_people(arguments) else plan.open(info) as sink:
            paths = sink.pending(paths)
            try:
                failed = _extract(arguments, extractor, sink, paths, bad_sources, many)
            except KeyboardInterrupt:
                if plan.grows:
                    rows = sink.summary().rows
                    sys.stderr.write(f"\nedgefeat: {rows} rows are safe; go on with --resume")
                raise
            stopped = stop and bool(failed)
            if not stopped:
                sink.commit()
            written = sink.summary()
    if plan.is_stdout:
        return 1 if failed else 0
    summary = Summary.of(arguments.output, info, written, failed, stopped=stopped)
    _say(arguments, summary, time.monotonic() - started)
    return 1 if summary.failures else 0


def _is_for_people(arguments: argparse.Namespace) -> bool:
    return arguments.output is None and sys.stdout.isatty()


def _extract(
    arguments: argparse.Namespace,
    extractor: FeatureExtractor,
    sink: Sink,
    paths: list[str],
    bad_sources: list[Failure],
    many: ManyOptions,
) -> list[Failure]:
    from edgefeat.many.batches import default_workers
    from edgefeat.messages.progress import Progress
    from edgefeat.sets.corpus import extract_files

    stop = many.on_error is OnError.STOP
    threads = read_options(arguments, EngineOptions).threads
    bar_wanted = arguments.output not in (None, "-") and not arguments.quiet
    with Progress(len(paths), "photos", live=bar_wanted) as progress:
        for failure in bad_sources:
            progress.note(_failure_line(failure))
        if bad_sources and stop:
            return bad_sources[:1]

        def report(_path: str, failure: Failure | None) -> None:
            if failure:
                progress.note(_failure_line(failure))
            progress.advance(failed=failure is not None)

        failed = extract_files(
            paths,
            extractor,
            sink,
            workers=many.workers or default_workers(threads),
            batch=many.batch or 1,
            on_error=many.on_error,
            retries=many.retries,
            on_done=report,
        )
    # After the pictures: shards then begin where batches do, whatever sources are bad.
    if not (failed and stop):
        for failure in bad_sources:
            sink.fail(failure)
    return bad_sources + failed


def _say(arguments: argparse.Namespace, summary: Summary, seconds: float) -> None:
    if arguments.json:
        sys.stdout.write(summary.to_json(seconds))
    elif not arguments.quiet:
        sys.stderr.write(summary.to_text(seconds))


def _failure_line(failure: Failure) -> str:
    from edgefeat.cli.record_lines import printable

    return f"edgefeat: {printable(failure.path)}: {failure.reason}"
