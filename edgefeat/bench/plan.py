"""What is to be measured: which setups, on which pictures, under which loads.

Nothing heavy is imported here, so that the command line can show its help at once.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import field
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from edgefeat.errors import OptionError
from edgefeat.options.checks import even_size, number, whole_number
from edgefeat.options.extractor import EngineOptions, ModelOptions
from edgefeat.options.option import Options, number_from, option, size_from, whole_from
from edgefeat.record import Record

if TYPE_CHECKING:
    from contextlib import ExitStack
    from os import PathLike
    from pathlib import Path

    from edgefeat.bench.pictures import Pictures
    from edgefeat.bench.pipeline import Pipeline
    from edgefeat.bench.rows import RowItems
    from edgefeat.extractor import FeatureExtractor
    from edgefeat.model.spec import ModelSpec

__all__ = [
    "LOADS",
    "BenchPlan",
    "CameraLoad",
    "Load",
    "MultiStreamLoad",
    "OfflineLoad",
    "ServerLoad",
    "Setup",
    "SingleStreamLoad",
    "workers_used",
]


class Setup(Record):
    """One thing to measure: a model, and how it runs.

    Attributes:
        model: Which model, what is read of a picture, and which vector comes of it.
        engine: How the inference engine uses this machine.
        pipeline: Makes what is timed from the open model; None times the extractor's own stages.
    """

    model: ModelOptions = field(default_factory=ModelOptions)
    engine: EngineOptions = field(default_factory=EngineOptions)
    pipeline: Callable[[FeatureExtractor], Pipeline] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.model.signature, bytes):
            raise OptionError("expected a file: fresh processes read it", option="signature")

    @classmethod
    def of(cls, model: str | PathLike[str] | None = None, **options: Any) -> Self:
        """Make a setup of what a `FeatureExtractor` takes: `Setup.of("mine.onnx", threads=2)`.

        Args:
            model: A model file; None takes the one that ships with edgefeat.
            options: Fields of `ModelOptions` and `EngineOptions`.

        Raises:
            OptionError: A value does not fit.
            TypeError: There is no such option.
        """
        engine = {name for name, _ in EngineOptions.each()}
        return cls(
            model=ModelOptions.of(
                model=model, **{name: options[name] for name in options.keys() - engine}
            ),
            engine=EngineOptions.of(**{name: options[name] for name in options.keys() & engine}),
        )

    @property
    def path(self) -> Path:
        """The model file.

        Raises:
            OptionError: The model was given as bytes.
        """
        from pathlib import Path

        from edgefeat.model.shipped import default_model_path

        given = self.model.path
        return default_model_path() if given is None else Path(given)

    @property
    def options(self) -> dict[str, Any]:
        """Every option but the model file by name, with its value."""
        return {
            name: getattr(record, name)
            for record in (self.model, self.engine)
            for name, _ in record.each()
            if name != "model"
        }

    def read_spec(self) -> ModelSpec:
        """Read what the model says of itself.

        Raises:
            ModelError: The file is missing, foreign or damaged.
        """
        from edgefeat.model.file import read_model_file
        from edgefeat.model.shipped import default_model

        one = self.model
        file = read_model_file(
            default_model() if one.model is None else one.model,
            any_operator=one.any_operator,
            verify_key=one.verify_key,
            signature=one.signature,
        )
        return file.spec

    def open(self) -> FeatureExtractor:
        """Open the model.

        Raises:
            EdgefeatError: The model or a provider does not work.
        """
        from edgefeat.extractor import FeatureExtractor

        return FeatureExtractor.from_options(self.model, self.engine)

    def timed(self, extractor: FeatureExtractor) -> Pipeline:
        """Return what is timed on the open model."""
        from edgefeat.bench.pipeline import ExtractorPipeline, RowPipeline

        if self.pipeline is None and extractor.spec.picture is None:
            return RowPipeline(extractor)
        return (self.pipeline or ExtractorPipeline)(extractor)

    def open_in(self, stack: ExitStack) -> Pipeline:
        """Open the model until the stack closes, and return what is timed on it."""
        return self.timed(stack.enter_context(self.open()))


def _duration(words: str) -> Any:
    return option(5.0, words, check=number, read=number_from, metavar="S")


def _workers() -> Any:
    return option(
        None,
        "pictures that are worked on at once (default: one for each core)",
        check=whole_number,
        read=whole_from,
        metavar="N",
    )


class SingleStreamLoad(Options):
    """One call at a time.

    Several processes need setups whose `pipeline` can be pickled, and a main module that can be
    imported: in a script the call stands under `if __name__ == "__main__":`.
    """

    name = "single-stream"
    duration_s: float = _duration("seconds for each setup")
    min_calls: int = option(
        160,
        "at least so many calls, however long they take",
        check=whole_number,
        read=whole_from,
        metavar="N",
    )
    processes: int = option(
        5,
        "fresh processes, one after the other, that share the time; 1 measures in this process",
        check=whole_number,
        read=whole_from,
        metavar="N",
    )


class MultiStreamLoad(Options):
    """Queries of several pictures; a query is done when its last picture is."""

    name = "multi-stream"
    duration_s: float = _duration("seconds for each setup, or more until p90 can be stated")
    streams: int = option(
        8, "pictures in a query", check=whole_number, read=whole_from, metavar="N"
    )
    workers: int | None = _workers()


class ServerLoad(Options):
    """Pictures that arrive at random times: the highest rate whose p99 keeps a bound."""

    name = "server"
    latency_bound_ms: float = option(
        50.0,
        "milliseconds that p99 must keep, waiting included",
        check=number,
        read=number_from,
        metavar="MS",
    )
    workers: int | None = _workers()


class OfflineLoad(Options):
    """All pictures at hand: how many are done in a second."""

    name = "offline"
    duration_s: float = _duration("seconds for each setup")
    workers: int | None = _workers()


class CameraLoad(Options):
    """Frames at a fixed pace, of which the newest is taken; and their cost by kind of source."""

    name = "camera"
    duration_s: float = _duration("seconds for which frames come")
    fps: float = option(30.0, "frames a second", check=number, read=number_from, metavar="F")
    size_hw: tuple[int, int] | None = option(
        None,
        "width and height of the frames whose cost is measured (default: 1920x1080)",
        check=even_size,
        read=size_from,
        metavar="WxH",
    )


Load: TypeAlias = SingleStreamLoad | MultiStreamLoad | ServerLoad | OfflineLoad | CameraLoad
LOADS: tuple[type[Load], ...] = (
    SingleStreamLoad,
    MultiStreamLoad,
    ServerLoad,
    OfflineLoad,
    CameraLoad,
)
"""Every load there is, in the order that they are run."""


def workers_used(load: MultiStreamLoad | ServerLoad | OfflineLoad) -> int:
    """Return how many pictures a load really works on at once."""
    return load.workers or len(os.sched_getaffinity(0))


class BenchPlan(Record):
    """What to measure. Setups under single stream take turns; other loads run one by one.

    Attributes:
        setups: Models, and how they run; at least one.
        pictures: What they run on: pictures, or rows for models that take no picture.
        loads: Loads to put on each setup; at least one, and each kind once at most.
        cold_starts: Fresh processes to time from their start to the first feature, for each setup.
    """

    setups: tuple[Setup, ...]
    pictures: Pictures | RowItems
    loads: tuple[Load, ...] = (SingleStreamLoad(),)
    cold_starts: int = 5

    def __post_init__(self) -> None:
        whole_number("cold_starts", self.cold_starts, least=0)
        if not self.setups:
            raise OptionError("expected at least one setup, got none", option="setups")
        if not self.loads:
            raise OptionError("expected at least one load, got none", option="loads")
        (name, times), *_ = Counter(load.name for load in self.loads).most_common(1)
        if times > 1:
            raise OptionError(f"expected each load once, got {name} {times} times", option="loads")
        if hasattr(sys, "frozen"):  # set by PyInstaller and its kin
            self._refuse_fresh_processes()

    def _refuse_fresh_processes(self) -> None:
        """Refuse what starts Python afresh: a frozen application would start itself instead."""
        problem = "a frozen application has no Python that could be started afresh"
        if self.cold_starts:
            raise OptionError(problem, option="cold_starts=0", remedy="Pass {option}.")
        if any(isinstance(load, SingleStreamLoad) and load.processes > 1 for load in self.loads):
            raise OptionError(problem, option="processes=1", remedy="Pass {option}.")
