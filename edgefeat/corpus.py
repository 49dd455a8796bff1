"""Takes many pictures to a sink, in order; a bad one is reported and the rest go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgefeat.errors import EdgefeatError, ImageError, SourceError
from edgefeat.extractor import FeatureExtractor
from edgefeat.filesets import expand
from edgefeat.sinks import Sink

__all__ = ["Failure", "collect", "extract_files"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One source or picture that gave no features, and why."""

    path: str
    reason: str

    @classmethod
    def of(cls, path: str, error: EdgefeatError) -> Failure:
        """Make one from an error, without repeating the path its message begins with."""
        return cls(path=path, reason=str(error).removeprefix(f"{path}: "))


def collect(sources: Sequence[str]) -> tuple[list[str], list[Failure]]:
    """Return the picture files that the sources name, and the sources that name none."""
    paths: list[str] = []
    failures: list[Failure] = []
    for source in sources:
        try:
            paths += expand(source)
        except SourceError as error:
            failures.append(Failure.of(source, error))
    return paths, failures


def extract_files(
    paths: Sequence[str],
    extractor: FeatureExtractor,
    sink: Sink,
    *,
    on_done: Callable[[str, Failure | None], None] = lambda _path, _failure: None,
) -> list[Failure]:
    """Write the features of every readable picture to the sink; does not commit it.

    Args:
        paths: Picture files, in the order of the output.
        extractor: An open extractor.
        sink: Takes each path with its vector.
        on_done: Called after each picture, with its failure or None.

    Returns:
        The pictures that could not be read or used.
    """
    failures: list[Failure] = []
    for path in paths:
        failure = None
        try:
            features = extractor.extract(path)
        except ImageError as error:
            failure = Failure.of(path, error)
            failures.append(failure)
        else:
            sink.write(path, features.reshape(-1))
        on_done(path, failure)
    return failures
