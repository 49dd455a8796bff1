"""`edgefeat extract`: photos, folders and patterns become a feature set."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from edgefeat.cli.options import (
    add_model_options,
    add_options,
    open_extractor,
    positive_integer,
    read_options,
    refuse,
)
from edgefeat.extractor_options import EngineOptions
from edgefeat.many_options import ManyOptions, OnError

if TYPE_CHECKING:
    from edgefeat.cli.extract_report import StdoutSink, Summary
    from edgefeat.extractor import FeatureExtractor
    from edgefeat.sets.base import CorpusSink, Failure, SetInfo
    from edgefeat.sets.ledger import LedgerSink
    from edgefeat.sets.shards import ShardSink

__all__ = ["add_parser"]

_EPILOG = """\
examples:
  edgefeat extract cat.jpg                         a line for people; JSON lines into a pipe
  edgefeat extract photos/ -o features.npz         every picture below photos/
  edgefeat extract 'photos/**/*.jpg' -o feats.csv  a pattern (quote it)
  edgefeat extract photos/ -o features/            a folder of shards, for large corpora
  edgefeat extract photos/ -o features/ --resume   go on after a kill, or add new photos

outputs, by the ending of OUT:
  .npz     arrays features (N, D), paths (N,), model, fingerprint; scales (N,) with i8
  .npy     array (N, D), with paths and fingerprint in OUT.json
  .csv     path,f0000,f0001,... with fingerprint in OUT.json
  .jsonl   one object a line: path, fingerprint, features
  .parquet path, features, scale with i8 (needs `pip install 'edgefeat[parquet]'`)
  folder   (ends in / or has no ending) .npy shards, manifest.json with hashes, errors.jsonl

Pictures that fail are named on stderr and in OUT.errors.jsonl (errors.jsonl in a folder).
In a folder a picture named twice is done once. Read sets back with edgefeat.FeatureSet.read(OUT).

exit codes: 0 all done; 1 some pictures failed, each named, the rest done;
2 wrong usage; 3 model, provider or output unusable; 130 interrupted
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "extract",
        help="turn photos and folders into features",
        description="Turn photos, folders and patterns into feature vectors.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("sources", nargs="+", metavar="SOURCE", help="file, folder or pattern")
    add("-o", "--output", metavar="OUT", help="feature file or folder to write")
    add(
        "--resume",
        action="store_true",
        help="go on with the set in folder OUT; pictures that failed are not tried again",
    )
    add(
        "--store",
        choices=["f32", "f16", "i8"],
        default="f32",
        help="how numbers are kept: float32, float16, or int8 with a scale a vector",
    )
    add(
        "--shard-size",
        type=positive_integer,
        metavar="N",
        help="pictures a shard of a folder covers (default: 1024, or 16 MiB)",
    )
    add(
        "--json",
        action="store_true",
        help="with -o: a JSON summary on stdout; without: JSON lines even on a terminal",
    )
    add("-q", "--quiet", action="store_true", help="no progress bar, no summary")
    add_options(parser, ManyOptions, title="pictures")
    add_model_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code."""
    from edgefeat.cli.extract_report import StdoutSink, Summary
    from edgefeat.sets.base import SetInfo
    from edgefeat.sets.corpus import collect
    from edgefeat.sets.encoding import Store
    from edgefeat.sets.shards import ShardSink

    _check(arguments)
    many = read_options(arguments, ManyOptions)
    stop = many.on_error is OnError.STOP
    started = time.monotonic()
    paths, bad_sources = collect(arguments.sources)
    with open_extractor(arguments) as extractor:
        info = SetInfo.of(extractor, Store(arguments.store))
        with closing(_open_sink(arguments, info)) as sink:
            if isinstance(sink, ShardSink):
                paths = sink.select(paths)
            try:
                failed = _extract(arguments, extractor, sink, paths, bad_sources, many)
            except KeyboardInterrupt:
                if isinstance(sink, ShardSink):
                    rows = sink.manifest.rows
                    sys.stderr.write(f"\nedgefeat: {rows} rows are safe; go on with --resume")
                raise
            stopped = stop and bool(failed)
            if not stopped:
                sink.commit()
    if isinstance(sink, StdoutSink):
        return 1 if failed else 0
    summary = Summary.of(arguments.output, info, sink, failed, stopped=stopped)
    _say(arguments, summary, time.monotonic() - started)
    return 1 if summary.failures else 0


def _check(arguments: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    from edgefeat.sets.formats import is_folder

    output = arguments.output
    if not (output and is_folder(output)):
        refuse(
            arguments,
            "resume",
            "shard_size",
            problem="needs a folder as output, such as -o features/",
        )
    if not output:
        refuse(arguments, "store", problem="needs an output, such as -o features.npz")


def _open_sink(arguments: argparse.Namespace, info: SetInfo) -> ShardSink | LedgerSink | StdoutSink:
    from edgefeat.cli.extract_report import StdoutSink
    from edgefeat.sets.formats import is_folder, open_sink
    from edgefeat.sets.ledger import LedgerSink
    from edgefeat.sets.shards import ShardSink

    if not arguments.output:
        return StdoutSink(info, as_json=arguments.json)
    output = Path(arguments.output)
    if not is_folder(arguments.output):
        return LedgerSink(open_sink(output, info), output)
    return ShardSink(
        output,
        info,
        resume=arguments.resume,
        batch=read_options(arguments, ManyOptions).batch or 1,
        shard_sources=arguments.shard_size,
    )


def _extract(
    arguments: argparse.Namespace,
    extractor: FeatureExtractor,
    sink: CorpusSink,
    paths: list[str],
    bad_sources: list[Failure],
    many: ManyOptions,
) -> list[Failure]:
    from edgefeat.batches import default_workers
    from edgefeat.progress import Progress
    from edgefeat.sets.corpus import extract_files

    stop = many.on_error is OnError.STOP
    threads = read_options(arguments, EngineOptions).threads
    bar_wanted = bool(arguments.output) and not arguments.quiet
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
    path = failure.path
    if not path.isprintable():  # a name may hold line ends and what moves a terminal's cursor
        path = path.encode("unicode_escape", "backslashreplace").decode()
    return f"edgefeat: {path}: {failure.reason}"
