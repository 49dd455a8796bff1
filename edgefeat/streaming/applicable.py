"""Refuses what a source cannot do: a rate without times, a new connection to what opens once."""

from __future__ import annotations

from edgefeat.errors import OptionError, SourceError
from edgefeat.options.stream import Limits, Selection
from edgefeat.sources.base import Source

__all__ = ["check_limits", "check_selection", "no_times"]

_INSTEAD_OF_A_RATE = "every=10"
_RATE_REMEDY = (
    "Leave the rate out: {option} takes one frame of ten. Or choose the policy `newest`, which "
    "samples frames by their arrival."
)


def check_selection(selection: Selection, source: Source, *, newest: bool) -> None:
    """Refuse a selection that a source cannot have.

    Args:
        selection: The selection.
        source: The source.
        newest: Whether only its newest frames count; then the time of arrival will do.

    Raises:
        OptionError: A rate or a heartbeat is asked of a source whose frames have no times.
    """
    if selection.at_least_s is not None and not source.traits.timed and not newest:
        raise OptionError(
            f"the frames of {source.name} have no times, so every {selection.at_least_s:g} s "
            "means nothing",
            option="at_least_s",
            remedy="Leave it out.",
        )
    if selection.fps is not None and not source.traits.timed and not newest:
        raise OptionError(
            f"the frames of {source.name} have no times, so {selection.fps:g} a second mean "
            "nothing",
            option=_INSTEAD_OF_A_RATE,
            remedy=_RATE_REMEDY,
        )


def check_limits(limits: Limits, source: Source) -> None:
    """Refuse limits that a source cannot have.

    Raises:
        OptionError: Reconnecting is asked of a source that is never opened again.
    """
    for name, given in (("wait", limits.wait), ("reconnect", limits.reconnect is not None)):
        if given and not source.traits.reopens:
            raise OptionError(
                f"does not go with {source.name}, which is opened only once",
                option=name,
                remedy="Leave it out.",
            )


def no_times(name: str | None) -> SourceError:
    """Return the error of a source, called `name`, whose frames turn out to have no times."""
    return SourceError(
        "the frames have no times that can be trusted, so no rate can be kept",
        where=name,
        option=_INSTEAD_OF_A_RATE,
        remedy=_RATE_REMEDY,
    )
