"""Makes a plan: the pictures are found and named, part by part, and the plan vouches for them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from edgefeat.errors import SourceError
from edgefeat.options.corpus import CorpusOptions
from edgefeat.options.extractor import ModelOptions
from edgefeat.options.plan import PlanOptions
from edgefeat.places.address import is_url, shown
from edgefeat.places.opening import open_place
from edgefeat.plan.finding import Finder
from edgefeat.plan.names import NamesWriter, Planned
from edgefeat.plan.plan import PLAN, CorpusPlan, read_plan
from edgefeat.record import Record
from edgefeat.sets.info import SetInfo
from edgefeat.sets.parquet import pyarrow_for

if TYPE_CHECKING:
    from edgefeat.extractor import FeatureExtractor

__all__ = ["PlanMade", "make_plan"]

_PLAN = PlanOptions()
_CORPUS = CorpusOptions()


class PlanMade(Record):
    """A plan, and what became of the sources.

    Args:
        plan: The plan that the place now holds.
        was_there: Whether the place held the very same plan already.
        finder: What was not taken, what was left out on purpose, and what cannot be read.
    """

    plan: CorpusPlan
    was_there: bool
    finder: Finder


def make_plan(
    sources: Sequence[str],
    place: str,
    extractor: FeatureExtractor,
    *,
    model: ModelOptions,
    options: CorpusOptions = _CORPUS,
    plan: PlanOptions = _PLAN,
    tell: Callable[[int], object] = lambda _count: None,
) -> PlanMade:
    """List the pictures of some sources and cut them into parts.

    Only the names of one part, and those of one folder, are in memory at a time.

    Args:
        sources: Folders, files, patterns, plain tar archives, Parquet files, and their URLs.
        place: A folder or URL for the plan and, later, its parts.
        extractor: The model whose features the parts will have.
        model: The options that it was opened with.
        options: Which files are taken, and what becomes of damaged ones.
        plan: How large a part is, and what is read of tables.
        tell: Called with the number of pictures found so far.

    Raises:
        DependencyError: pyarrow, fsspec or the package of a URL's scheme is missing.
        OptionError: An option that a source needs is missing.
        SinkError: The place holds another plan, or cannot be written.
        SourceError: There is no picture, or a source cannot be read.
    """
    opened = open_place(place)
    pyarrow_for(opened.name)  # before a corpus is walked for nothing
    there = read_plan(opened) if opened.read(PLAN) is not None else None
    writer = NamesWriter(None if there else opened, plan.part_size, plan.keep, tell)
    relative = False

    def take(one: Planned) -> None:
        nonlocal relative
        address = one.address or one.path
        relative = relative or not (address.startswith("/") or is_url(address))
        writer.add(one)

    finder = Finder(take, options, plan, None if is_url(place) else place)
    finder.find(sources)
    names_sha256 = writer.finish()
    if not writer.pictures:
        raise finder.failures[0][1] if finder.failures else SourceError("the sources name no file")
    made = CorpusPlan(
        info=SetInfo.of(extractor, plan.store, from_files=True),
        options=_options(model),
        on_damaged=options.on_damaged.value,
        part_size=plan.part_size,
        pictures=writer.pictures,
        names_sha256=names_sha256,
        base=os.getcwd() if relative else None,  # noqa: PTH109 - as the user's shell has it
        image_column=plan.image_column,
        keep=plan.keep,
        sources=tuple(shown(one) for one in sources),
        not_taken=finder.tally.counts(),
    )
    if there is not None:
        made.check_same(there, opened.name)
    else:
        opened.write(PLAN, made.to_json())
    return PlanMade(plan=there or made, was_there=there is not None, finder=finder)


def _options(model: ModelOptions) -> dict[str, object]:
    """Return the options that change a vector or refuse a picture, as JSON has them."""
    return {
        "outputs": None if model.outputs is None else list(model.outputs),
        "normalize": model.normalize,
        "decode": None if model.decode is None else model.decode.value,
        "max_pixels": model.max_pixels,
    }
