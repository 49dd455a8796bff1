"""Does one part of a plan: its pictures are fetched, extracted and written as one file."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

from edgefeat.corpus.at_hand import Picture
from edgefeat.corpus.reading import ReadingExtractor
from edgefeat.errors import ImageError, ModelError
from edgefeat.many.batches import features_in_order
from edgefeat.options.corpus import OnDamaged
from edgefeat.options.extractor import ModelOptions
from edgefeat.options.many import ManyOptions
from edgefeat.places.place import FilePlace
from edgefeat.plan.fetching import Fetcher
from edgefeat.plan.names import Planned, read_part_names
from edgefeat.plan.part_file import PartCounts, PartWriter
from edgefeat.plan.plan import CorpusPlan, part_file
from edgefeat.sets.record import Failure

if TYPE_CHECKING:
    from edgefeat.extractor import FeatureExtractor

__all__ = ["check_model", "do_part", "model_options"]

_MANY = ManyOptions()
Told = Callable[[str, "str | None"], object]


def model_options(plan: CorpusPlan, given: ModelOptions) -> ModelOptions:
    """Return the options that the plan's extractor is opened with.

    Args:
        plan: The plan; it decides what changes a vector.
        given: The model file here, and whether it is trusted.
    """
    own = {name: getattr(given, name) for name, _ in ModelOptions.each()}
    return ModelOptions.of(**own | dict(plan.options))


def check_model(plan: CorpusPlan, extractor: FeatureExtractor, place: str) -> None:
    """Refuse a model that is not the plan's: its vectors could not be compared.

    Args:
        plan: The plan.
        extractor: An open extractor.
        place: What the plan's place is called, for the message.

    Raises:
        ModelError: It is another one.
    """
    if extractor.fingerprint != plan.info.fingerprint:
        raise ModelError(
            f"fingerprint: the plan in {place} has {plan.info.fingerprint[:12]} "
            f"({plan.info.model}), this model {extractor.fingerprint[:12]}",
            where=extractor.spec.name,
            remedy="Give the file of the model that the plan was made with, by {option} FILE.",
            option="model",
        )


def do_part(
    place: FilePlace,
    plan: CorpusPlan,
    part: int,
    extractor: FeatureExtractor,
    *,
    many: ManyOptions = _MANY,
    reads: int = 8,
    tell: Told = lambda _path, _reason: None,
    stop: Callable[[], bool] = lambda: False,
) -> PartCounts | None:
    """Extract a part and write it whole; what was there is replaced by the same bytes.

    Args:
        place: Where the plan is.
        plan: The plan.
        part: The number of the part.
        extractor: An extractor of the plan's model.
        many: How many pictures at a time.
        reads: How many files are read at once from behind a network.
        tell: Called after each picture with its name and, if it failed, the reason.
        stop: Asked after each picture whether to give the part up.

    Returns:
        What became of the pictures; None if the part was given up, and nothing written.

    Raises:
        SinkError: The part cannot be written.
        SourceError: Its pictures cannot be listed, or their store does not answer.
    """
    writer = PartWriter(plan.info, plan.keep)
    begun: deque[tuple[Planned, Picture]] = deque()
    with Fetcher(plan.image_column, reads) as fetcher:

        def pictures() -> Iterator[Picture]:
            waiting: deque[Planned] = deque()

            def planned() -> Iterator[Planned]:
                for one in read_part_names(place, part, plan.base):
                    waiting.append(one)
                    yield one

            for picture in fetcher.pictures(planned()):
                begun.append((waiting.popleft(), picture))
                yield picture

        outcomes = features_in_order(
            ReadingExtractor(extractor, OnDamaged(plan.on_damaged)),
            cast("Any", pictures()),
            workers=many.workers or extractor.usual_workers,
            batch=many.batch or extractor.usual_batch,
            retries=many.retries,
            ahead=2,
        )
        with closing(outcomes):
            for outcome in outcomes:
                one, picture = begun.popleft()
                reason = None
                if isinstance(outcome, ImageError):
                    reason = Failure.of(one.path, outcome).reason
                    writer.add(one.path, None, reason, None, one.kept)
                else:
                    writer.add(one.path, outcome, None, picture.damage, one.kept)
                tell(one.path, reason)
                if stop():
                    return None
    content, counts = writer.finish()
    place.write(part_file(part), content)
    return counts
