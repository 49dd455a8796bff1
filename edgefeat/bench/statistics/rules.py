"""Rules that a run must keep against an earlier one, such as `p90>+10%`.

Standard library only: a rule is read before anything heavy is loaded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgefeat.errors import OptionError

__all__ = ["SHOWN_WITHOUT_RULES", "Rule", "parse_rule"]

_RULE = re.compile(r"\s*(p\d{1,2}(?:\.\d+)?|cpu)\s*>\s*\+?\s*(\d+(?:\.\d+)?)\s*%\s*")
_CPU = "cpu"
SHOWN_WITHOUT_RULES = ("p50>0%", "p90>0%", "cpu>0%")
"""What two runs are compared by if nobody gives a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What must not happen: a statistic grows by more than a limit.

    Attributes:
        text: The rule as it was given.
        statistic: `p50`, `p90`, ... for a latency, or `cpu` for CPU time a picture.
        quantile: The latency's quantile, between 0 and 1; None for `cpu`.
        percent: The growth that must not be exceeded.
    """

    text: str
    statistic: str
    quantile: float | None
    percent: float


def parse_rule(text: str) -> Rule:
    """Read a rule such as `p90>+10%` or `cpu>5%`.

    Raises:
        OptionError: The text is no rule.
    """
    found = _RULE.fullmatch(text)
    quantile = None
    if found and found[1] != _CPU:
        quantile = round(float(found[1][1:]) / 100, 6)
    if found is None or quantile == 0:
        raise OptionError(
            f"expected a rule like 'p90>+10%' (p50, p90, ... or cpu, then a growth), got {text!r}",
            option="fail_if",
        )
    return Rule(text=text, statistic=found[1], quantile=quantile, percent=float(found[2]))
