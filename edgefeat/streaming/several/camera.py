"""One of several cameras: where its frames come from, which are wanted, and its name."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from edgefeat.errors import OptionError, SourceError
from edgefeat.options.stream import Limits, Selection
from edgefeat.sources.arrays import CallableSource, IterableSource
from edgefeat.sources.base import Source
from edgefeat.sources.camera import CameraSource
from edgefeat.sources.grammar import AnySource, open_source
from edgefeat.sources.stdin import PipeSource
from edgefeat.streaming.capture.buffer import Policy
from edgefeat.streaming.result import Extractor
from edgefeat.streaming.stream import PolicyName

__all__ = ["AnyCamera", "CameraSetup", "NamedCamera", "check_name", "check_together"]

_LONGEST_NAME = 64
_SIGNS = "LMN"  # letters of any alphabet, marks on them, and numbers, by Unicode's categories


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraSetup:
    """One camera of several, with what is asked of it.

    Attributes:
        source: Where its frames come from; see `edgefeat.stream`.
        policy: `newest` gives the latest frame and counts the others as dropped, `all` gives every
            frame in order; None: `newest` for live sources, `all` for the rest.
        selection: Which frames and features are wanted.
        limits: Times, and how often to reconnect. What can be opened again is waited for from the
            start, as with `wait=True`; `reconnect` bounds that.
        extractor: What makes its features, such as an `Answering` with the row beside its frames;
            None: the one that the cameras share.
    """

    source: AnySource
    policy: Policy | PolicyName | None = None
    selection: Selection = field(default_factory=Selection)
    limits: Limits = field(default_factory=Limits)
    extractor: Extractor | None = None


AnyCamera: TypeAlias = "AnySource | CameraSetup"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedCamera:
    """A camera that was checked, and is not opened yet.

    Attributes:
        name: What records, events and live numbers call it.
        camera: What is asked of it.
        source: Where its frames come from.
        alone: What no other camera can read at the same time; None if others can.
    """

    name: str
    camera: CameraSetup
    source: Source
    alone: object

    @classmethod
    def of(cls, name: str, given: AnyCamera) -> NamedCamera:
        """Check one camera.

        Raises:
            OptionError: The name does not fit.
            SourceError: The source names nothing that can be opened.
        """
        check_name(name)
        camera = given if isinstance(given, CameraSetup) else CameraSetup(source=given)
        try:
            source = open_source(camera.source)
        except SourceError as error:
            error.within(name)
            raise
        if source.traits.reopens and not camera.limits.wait:
            camera = replace(camera, limits=replace(camera.limits, wait=True))
        alone = _read_alone(camera.source, source)
        return cls(name=name, camera=camera, source=source, alone=alone)


def check_together(cameras: Iterable[NamedCamera]) -> None:
    """Refuse cameras that get in each other's way.

    Raises:
        OptionError: There is none; two names are one for a file system; or two cameras would read
            what only one can read.
    """
    names: dict[str, str] = {}
    alone: dict[object, str] = {}
    for one in cameras:
        # As file systems see it that know no case.
        folded = unicodedata.normalize("NFC", one.name).casefold()
        if (other := names.setdefault(folded, one.name)) != one.name:
            raise OptionError(
                f"two names for one file: {other} and {one.name}",
                option="cameras",
                remedy="Give them names that differ by more than case.",
            )
        if one.alone is not None and (other := alone.setdefault(one.alone, one.name)) != one.name:
            raise OptionError(
                f"{other} and {one.name} read the same, {one.source.name}, and only one can",
                option="cameras",
                remedy="Leave one of them out.",
            )
    if not names:
        raise OptionError("expected at least one camera, got none", option="cameras")


def check_name(name: object) -> None:
    """Refuse what cannot be the name of a camera, which is also that of a file.

    Raises:
        OptionError: It does not fit.
    """
    fits = (
        isinstance(name, str)
        and 0 < len(name) <= _LONGEST_NAME
        and name[0] not in ".-"
        and all(unicodedata.category(sign)[0] in _SIGNS or sign in "._-" for sign in name)
    )
    if not fits:
        raise OptionError(
            "expected a name of letters, digits and . _ - that begins with none of . and -, at "
            f"most {_LONGEST_NAME} long, got {name!r}",
            option="cameras",
        )


def _read_alone(given: object, source: Source) -> object:
    """Return what only one camera can read, by which two are told apart; None if all can."""
    if isinstance(source, CameraSource):
        return os.path.realpath(source.node)
    if isinstance(source, PipeSource):
        return "stdin"
    read_once = isinstance(source, CallableSource | IterableSource)
    return id(given) if read_once else None
