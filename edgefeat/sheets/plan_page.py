"""The status of a plan as one HTML file that works offline: how far it is, what failed, what waits.

It can be written again and again by a loop or a timer; a browser shows the new one on reload.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from html import escape
from pathlib import Path

from edgefeat import atomic
from edgefeat.messages.progress import clock
from edgefeat.plan.status import Status, ranges_text
from edgefeat.sheets.page import head
from edgefeat.sheets.style import STYLE

__all__ = ["write_plan_page"]

_MOST_CELLS = 2000
_STYLE = """
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(.8rem, 1fr)); gap: 2px;
  max-width: 60rem; margin: .6rem 0 }
.grid i { height: .8rem; border-radius: 2px; background: var(--line) }
.grid i.done { background: var(--keep) } .grid i.some { background: var(--focus) }
progress { width: min(100%, 30rem); height: 1rem; accent-color: var(--keep) }
.failures { list-style: none; padding: 0; max-width: 60rem }
.failures li { border-bottom: 1px solid var(--line); padding: .5rem 0; overflow-wrap: anywhere }
.failures p { margin: .2rem 0 0; color: var(--soft); font-size: .88rem }
"""


def write_plan_page(status: Status, place: str, path: str | os.PathLike[str]) -> None:
    """Write the page; it appears whole or not at all.

    Args:
        status: What to show.
        place: What the plan's place is called.
        path: The HTML file; one that is there is replaced.

    Raises:
        SinkError: The file cannot be written.
    """
    atomic.write_text(Path(path), "".join(_page(status, place)))


def _page(status: Status, place: str) -> Iterator[str]:
    plan, done = status.plan, len(status.done)
    yield head(f"edgefeat: {done} of {plan.parts} parts", STYLE + _STYLE)
    yield f"<h1>{done} of {plan.parts} parts are done</h1>\n<div class='facts'>\n"
    yield f"<p>{escape(place)}</p>\n"
    yield (
        f"<p>{status.rows} of {plan.pictures} pictures have features; {status.failed} failed, "
        f"{status.damaged} of damaged pictures.</p>\n"
    )
    now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    left = "" if status.left_s is None else f"; {clock(status.left_s)} left at the pace so far"
    yield f"<p>Looked at on {now} UTC{left}.</p>\n"
    yield (
        f"<p>Model {escape(plan.info.model)}, fingerprint "
        f"{escape(plan.info.fingerprint[:12])}.</p>\n</div>\n"
    )
    yield f"<p><progress max='{plan.parts}' value='{done}'></progress></p>\n"
    yield _grid(status)
    if status.missing:
        yield f"<p>Missing parts: {ranges_text(status.missing, most=30)}</p>\n"
    yield _failures(status)
    if plan.not_taken:
        kinds = ", ".join(f"{count} {escape(kind)}" for kind, count in plan.not_taken.items())
        yield f"<h2>Not taken</h2>\n<p>{kinds}</p>\n"
    if status.foreign:
        names = escape(", ".join(status.foreign[:20]))
        yield f"<h2>Other Parquet files in the place</h2>\n<p>{names}</p>\n"
    yield "</body></html>\n"


def _grid(status: Status) -> str:
    """Return a square for each part, or for some parts that follow each other."""
    parts = status.plan.parts
    each = -(-parts // _MOST_CELLS)
    there = set(status.done)
    cells = []
    for first in range(0, parts, each):
        last = min(first + each, parts)
        count = sum(part in there for part in range(first, last))
        kind = "done" if count == last - first else "some" if count else ""
        name = f"part {first}" if each == 1 else f"parts {first} to {last - 1}: {count} done"
        cells.append(f"<i class='{kind}' title='{name}'></i>")
    said = f"{len(status.done)} of {parts} parts are done"
    return f"<div class='grid' role='img' aria-label='{said}'>{''.join(cells)}</div>\n"


def _failures(status: Status) -> str:
    if not status.failures:
        return "<h2>Failures</h2>\n<p>None in the parts that are done.</p>\n"
    items = "".join(
        f"<li><b>{one.count}</b> {escape(one.reason)}"
        f"<p>such as {escape(', '.join(one.examples))}</p></li>\n"
        for one in status.failures
    )
    return f"<h2>Failures</h2>\n<ul class='failures'>\n{items}</ul>\n"
