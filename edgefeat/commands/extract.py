"""`edgefeat extract`: photos, folders and patterns become a feature file."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from edgefeat.commands.options import add_model_options, open_extractor

if TYPE_CHECKING:
    from edgefeat.corpus import Failure
    from edgefeat.sinks import Features, SetInfo

__all__ = ["add_parser"]

_EPILOG = """\
examples:
  edgefeat extract cat.jpg                         a line for people; JSON lines into a pipe
  edgefeat extract photos/ -o features.npz         every picture below photos/
  edgefeat extract 'photos/**/*.jpg' -o feats.csv  a pattern (quote it)
  edgefeat extract photos/ -o feats.npy --json     a summary for programs on stdout

formats, by the ending of FILE:
  .npz    arrays features (N, D) float32, paths (N,), model, fingerprint
  .npy    array (N, D) float32, with paths and fingerprint in FILE.json
  .csv    path,f0000,f0001,... with fingerprint in FILE.json
  .jsonl  one object a line: path, fingerprint, features

exit codes: 0 all done; 1 some pictures failed, each named, the rest done;
2 wrong usage; 3 model, provider or output unusable
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
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="file, folder or pattern")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="feature file to write")
    parser.add_argument(
        "--json",
        action="store_true",
        help="with -o: a JSON summary on stdout; without: JSON lines even on a terminal",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bar, no summary")
    add_model_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code."""
    from edgefeat.corpus import collect, extract_files
    from edgefeat.progress import Progress
    from edgefeat.sinks import SetInfo, open_sink

    started = time.monotonic()
    paths, failures = collect(arguments.sources)
    with open_extractor(arguments) as extractor:
        info = SetInfo(
            model=extractor.spec.name, fingerprint=extractor.fingerprint, dim=extractor.dim
        )
        output = arguments.output
        sink = open_sink(output, info) if output else _StdoutSink(info, as_json=arguments.json)
        bar_wanted = False if arguments.quiet or not output else None
        try:
            with Progress(len(paths), "photos", enabled=bar_wanted) as progress:
                for failure in failures:
                    progress.note(_failure_line(failure))

                def report(_path: str, failure: Failure | None) -> None:
                    if failure:
                        progress.note(_failure_line(failure))
                    progress.advance(failed=failure is not None)

                unreadable = extract_files(paths, extractor, sink, on_done=report)
            written = len(paths) - len(unreadable)
            failures += unreadable
            if written:
                sink.commit()
        finally:
            sink.close()
    if output:
        _summarise(arguments, info, written, failures, time.monotonic() - started)
    return 1 if failures else 0


def _failure_line(failure: Failure) -> str:
    return f"edgefeat: {failure.path}: {failure.reason}"


def _summarise(
    arguments: argparse.Namespace,
    info: SetInfo,
    written: int,
    failures: list[Failure],
    seconds: float,
) -> None:
    target = str(arguments.output) if written else None
    if arguments.json:
        summary = {
            "output": target,
            "written": written,
            "failed": [{"path": f.path, "reason": f.reason} for f in failures],
            "dim": info.dim,
            "model": info.model,
            "fingerprint": info.fingerprint,
            "seconds": round(seconds, 3),
        }
        sys.stdout.write(json.dumps(summary) + "\n")
    elif not arguments.quiet:
        done = f"{written} x {info.dim} features in {target}" if target else "nothing written"
        failed = f", {len(failures)} failed (named above)" if failures else ""
        sys.stderr.write(f"edgefeat: {done}{failed}, {seconds:.1f} s\n")


class _StdoutSink:
    """Rows on stdout: for people on a terminal, JSON lines for programs."""

    def __init__(self, info: SetInfo, *, as_json: bool) -> None:
        self._info = info
        self._for_people = sys.stdout.isatty() and not as_json

    def write(self, name: str, features: Features) -> None:
        from edgefeat.sinks import write_record

        if self._for_people:
            first = " ".join(f"{number:.3f}" for number in features[:6])
            sys.stdout.write(f"{name}  {features.size} features  {first} ...\n")
        else:
            write_record(sys.stdout, name, features, self._info)
        sys.stdout.flush()

    def commit(self) -> None:
        pass

    def close(self) -> None:
        pass
