"""From files, folders and patterns to a set: the whole run, as a function of the library."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Literal

from edgefeat.corpus.at_hand import AtHand, Picture
from edgefeat.corpus.extracting import extract_pictures
from edgefeat.corpus.summary import CorpusStep, Ending, Summary, from_listing
from edgefeat.errors import OptionError, SourceError
from edgefeat.listing.excludes import Excludes
from edgefeat.listing.listing import Listing
from edgefeat.listing.names_file import read_names
from edgefeat.options.corpus import CorpusOptions
from edgefeat.options.many import ManyOptions, OnError
from edgefeat.options.output import OutputOptions
from edgefeat.sets.formats import OutputPlan
from edgefeat.sets.info import SetInfo
from edgefeat.sets.record import Failure
from edgefeat.sets.sink import Sink

if TYPE_CHECKING:
    from edgefeat.extractor import FeatureExtractor

__all__ = ["extract_folder", "extract_sources"]

_CORPUS = CorpusOptions()
_MANY = ManyOptions()
_OUTPUT = OutputOptions()
Told = Callable[[CorpusStep], object]


def extract_folder(
    source: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    extractor: FeatureExtractor | None = None,
    resume: bool = _OUTPUT.resume,
    sync: bool = _OUTPUT.sync,
    overwrite: bool = _OUTPUT.overwrite,
    store: Literal["f32", "f16", "i8", "u8"] = "f32",
    shard_size: int | None = _OUTPUT.shard_size,
    commit_every_s: float | None = _OUTPUT.commit_every_s,
    exclude: str | Sequence[str] = _CORPUS.exclude,
    default_excludes: bool = _CORPUS.default_excludes,
    files_from: str | os.PathLike[str] | None = _CORPUS.files_from,
    on_damaged: Literal["keep", "fail"] = "keep",
    batch: int | None = _MANY.batch,
    workers: int | None = _MANY.workers,
    on_error: Literal["stop", "skip"] = "skip",
    retries: int = _MANY.retries,
    on_step: Told | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Summary:
    """Write the features of all pictures of a folder to a set, as `edgefeat extract` does.

        summary = edgefeat.extract_folder("photos/", "features/")
        summary.rows, summary.failed

    Files are taken by what is inside them. Pictures that cannot be used do not end the run: they
    are in the set's ledger and in the summary, as is what was not taken. `FeatureSet.read` opens
    what was written.

    Args:
        source: A folder, file, archive (zip, tar) or pattern, or several of them.
        output: A folder of shards (it ends in / or has no ending), or a file that ends in .npz,
            .npy, .csv, .jsonl or .parquet.
        extractor: What makes the features; None opens the shipped model.
        resume: Whether to go on with a folder that is there and of the same model.
        sync: Whether to make a folder that is there equal to the sources: what is new is added,
            what has changed is done again, what is gone is dropped, what failed is tried again.
        overwrite: Whether an output that is there goes.
        store: How numbers are kept: float32, float16, or int8 with a scale a vector.
        shard_size: Pictures that a shard of a folder covers; None is 1024, or 16 MiB.
        commit_every_s: After how many seconds features are on the disk, also where a shard takes
            longer; None is 30.
        exclude: Patterns of files and folders to leave out, as of the shell. One without a slash
            is matched with names, one with a slash with paths below the source.
        default_excludes: Whether to leave out dot files and what systems keep beside pictures.
        files_from: A file with names of pictures, a line each or ended by zero bytes; `-` is
            stdin.
        on_damaged: Whether a picture whose decoder reports damage keeps its features and is named
            in the ledger (`"keep"`), or fails (`"fail"`).
        batch: Pictures for each inference; None takes what suits the provider (CPU: 1).
        workers: Pictures worked on at once; None takes one for each core, up to 4.
        on_error: Whether a picture that cannot be used ends the run (`"stop"`) or not (`"skip"`).
        retries: How often such a picture is tried again first.
        on_step: Called after each picture, and for each source that names no picture.
        stop: Asked after each picture whether to leave out the rest, such as `event.is_set`. What
            was written to a folder until then stays, and can be resumed.

    Raises:
        OptionError: A value does not fit, or does not go with the output.
        SinkError: The output is there already, or cannot be written.
        EdgefeatError: The model cannot be used.
    """
    output_options = OutputOptions.of(
        resume=resume,
        sync=sync,
        overwrite=overwrite,
        store=store,
        shard_size=shard_size,
        commit_every_s=commit_every_s,
    )
    options = CorpusOptions.of(
        exclude=exclude,
        default_excludes=default_excludes,
        files_from=files_from,
        on_damaged=on_damaged,
    )
    many = ManyOptions.of(batch=batch, workers=workers, on_error=on_error, retries=retries)
    plan = OutputPlan(output=os.fspath(output), options=output_options)
    if not plan.is_path:
        raise OptionError(
            f"expected a file or folder, got {plan.output!r}",
            option="output",
            remedy="`extract_sources` takes a sink of your own.",
        )
    sources = _sources(source)
    with _shipped() if extractor is None else nullcontext(extractor) as opened:
        return extract_sources(
            sources, plan, opened, options=options, many=many, on_step=on_step, stop=stop
        )


def extract_sources(
    sources: Sequence[str],
    output: OutputPlan | Sink,
    extractor: FeatureExtractor,
    *,
    options: CorpusOptions = _CORPUS,
    many: ManyOptions = _MANY,
    on_step: Told | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Summary:
    """Do the same with whole records of options, and with any sink; see `extract_folder`.

    Args:
        sources: Files, folders, archives and patterns.
        output: Where the features go. A sink is committed here, and left open.
        extractor: What makes the features.
        options: Which files are taken, and what a damaged one does.
        many: How many pictures at a time, and what a bad one does to the rest.
        on_step: Called after each picture, and for each source that names no picture.
        stop: Asked after each picture whether to leave out the rest.

    Raises:
        SinkError: The output is there already, or cannot be written.
        SourceError: A source cannot be seen, and the set is to follow it.
    """
    run = _Run(sources, extractor, options, many, on_step or (lambda _step: None), stop)
    if not isinstance(output, OutputPlan):
        return run.into(output, SetInfo.of(extractor, from_files=True), "")
    written = output.options
    info = SetInfo.of(extractor, written.store, from_files=True)
    with output.open(info, batch=many.batch or extractor.usual_batch) as sink:
        return run.into(sink, info, output.output, sync=written.sync)


def _shipped() -> FeatureExtractor:
    from edgefeat.extractor import FeatureExtractor

    return FeatureExtractor()


class _Run:
    """One run: the pictures are listed, worked on, written, and counted."""

    def __init__(
        self,
        sources: Sequence[str],
        extractor: FeatureExtractor,
        options: CorpusOptions,
        many: ManyOptions,
        tell: Told,
        stop: Callable[[], bool],
    ) -> None:
        self._started_s = time.monotonic()
        self._extractor, self._options, self._many = extractor, options, many
        self._tell, self._stop = tell, stop
        self._stops_at_failures = many.on_error is OnError.STOP
        self._sources = sources

    def into(self, sink: Sink, info: SetInfo, output: str, *, sync: bool = False) -> Summary:
        """Do all the work, and sum it up."""
        with self._listed(output) as listing:
            bad = [Failure.of(where, error) for where, error in listing.failures]
            if sync:
                _check_all_seen(listing)
            names, base = sink.names_there()
            at_hand = AtHand(listing, names, base)
            try:
                failed = self._extract(sink, at_hand, bad)
            except KeyboardInterrupt:
                sink.keep()
                raise
            ending = self._end(sink, failed)
            written = sink.summary()
            first = ending is Ending.FAILURE  # which no ledger has
            return Summary(
                output=output,
                info=info,
                rows=written.rows,
                resumed=written.resumed,
                failures=max(written.failures + first, len(failed)),
                failed=tuple(failed),
                damaged=written.damaged,
                **from_listing(listing),
                repeated=at_hand.repeated,
                changes=written.changes,
                synced=sync,
                ending=ending,
                loss=written.loss if written.rows else None,
                seconds=time.monotonic() - self._started_s,
            )

    def _listed(self, output: str) -> Listing:
        options = self._options
        excludes = Excludes(options.exclude, defaults=options.default_excludes)
        listing = Listing(excludes, output=output or None)
        listing.add(self._sources)
        if options.files_from is not None:
            listing.add(read_names(options.files_from), patterns=False)
        return listing

    def _extract(self, sink: Sink, at_hand: AtHand, bad: list[Failure]) -> list[Failure]:
        todo = sink.pending(at_hand.names, at_hand)
        total = max(len(at_hand.names), len(todo))
        done = total - len(todo)
        for failure in bad:
            self._tell(
                CorpusStep(path=failure.path, failure=failure, done=done, total=total, counts=False)
            )
        if bad and self._stops_at_failures:
            return bad[:1]

        def tell(picture: Picture, failure: Failure | None) -> None:
            nonlocal done
            done += 1
            step = CorpusStep(
                path=picture.name, failure=failure, done=done, total=total, damage=picture.damage
            )
            self._tell(step)

        failed = extract_pictures(
            todo,
            at_hand,
            self._extractor,
            sink,
            many=self._many,
            on_damaged=self._options.on_damaged,
            tell=tell,
            stop=self._stop,
        )
        # After the pictures: shards then begin where batches do, whatever sources are bad.
        if not (failed and self._stops_at_failures) and not self._stop():
            for failure in bad:
                sink.fail(failure)
        return bad + failed

    def _end(self, sink: Sink, failed: list[Failure]) -> Ending:
        if failed and self._stops_at_failures:
            sink.keep()
            return Ending.FAILURE
        if self._stop():
            sink.keep()
            return Ending.ASKED
        sink.commit()
        return Ending.DONE


def _check_all_seen(listing: Listing) -> None:
    """Refuse to follow sources that cannot be seen: their pictures would be taken for gone."""
    unseen = [(one, "it is not there.") for one in listing.missing]
    unseen += [
        (where, error.reason) for where, error in listing.failures if isinstance(error, SourceError)
    ]
    for where, reason in unseen:
        raise SourceError(
            f"a sync must see all of its sources, and nothing was changed: {reason}",
            where=where,
            remedy="If its pictures are to go, leave it out of the sources.",
        )


def _sources(given: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[str]:
    several = [given] if isinstance(given, str | os.PathLike) else list(given)
    for one in several:
        if not isinstance(one, str | os.PathLike):
            raise TypeError(
                f"source: expected a path or several, got {type(one).__name__} among them"
            )
    return [os.fspath(one) for one in several]
