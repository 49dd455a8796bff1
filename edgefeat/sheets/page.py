"""Writes a contact sheet as one HTML file, which asks for nothing from anywhere else.

Thumbnails stand inside the file. A content policy forbids the page to load or send anything, and
names of files are text, never markup.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import datetime
from html import escape
from pathlib import Path

from edgefeat import atomic
from edgefeat.sheets.script import SCRIPT
from edgefeat.sheets.sheet import Card, Section, Sheet, Table
from edgefeat.sheets.style import STYLE
from edgefeat.sheets.thumbnails import Thumbnail, make_thumbnails

__all__ = ["head", "plain_name", "write_sheet"]

_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'"
)


def write_sheet(
    sheet: Sheet,
    path: str | os.PathLike[str],
    *,
    on_picture: Callable[[], None] = lambda: None,
) -> int:
    """Write a sheet; the file appears whole or not at all.

    Args:
        sheet: What to show.
        path: The HTML file; one that is there is replaced.
        on_picture: Called after each picture.

    Returns:
        How many pictures could not be read, and stand there without a thumbnail.

    Raises:
        SinkError: The file cannot be written.
    """
    missing = 0

    def counted(thumbnails: Iterable[Thumbnail | None]) -> Iterator[Thumbnail | None]:
        nonlocal missing
        for thumbnail in thumbnails:
            missing += thumbnail is None
            on_picture()
            yield thumbnail

    place = Path(path)
    with (
        atomic.explained(place),
        atomic.Spool(place) as spool,
        closing(make_thumbnails(sheet.paths)) as thumbnails,
    ):
        for part in _parts(sheet, counted(thumbnails)):
            spool.file.write(part.encode("utf-8", "replace"))
        spool.publish()
    return missing


def head(title: str, style: str) -> str:
    """Return the beginning of a page that loads nothing from elsewhere."""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{escape(title)}</title><style>{style}</style>\n<body>"
    )


def plain_name(name: str) -> str:
    """Return a name in which bytes that are no text, and controls, are spelled out."""
    if name.isprintable():
        return name
    return name.encode("unicode_escape", "surrogateescape").decode("ascii", "replace")


def _shown(name: str) -> str:
    """Return a file's name as HTML text."""
    return escape(plain_name(name), quote=True)


def _parts(sheet: Sheet, thumbnails: Iterator[Thumbnail | None]) -> Iterator[str]:
    facts = "".join(f"<p>{escape(fact)}</p>" for fact in sheet.facts)
    yield head(f"edgefeat: {sheet.title}", STYLE)
    yield f'<h1>{escape(sheet.title)}</h1><div class="facts">{facts}</div>'
    if sheet.table is not None:
        yield _table(sheet.table)
    yield f"{_TOOLS}\n"
    for section in sheet.sections:
        yield _heading(section)
        for card in section.cards:
            yield _card(card, next(thumbnails))
        yield "</ol></section>\n"
    if not sheet.paths:
        yield "<p>No pictures.</p>"
    yield f"{_BAR}<script>{SCRIPT}</script></body></html>\n"


_TOOLS = (
    '<div class="tools"><input id="filter" type="search" placeholder="Filter by name"'
    ' aria-label="Filter by name"><output id="shown"></output><span class="keys"><kbd>arrows</kbd>'
    " move, <kbd>Enter</kbd> looks, <kbd>x</kbd> marks, <kbd>/</kbd> filters</span></div>"
)
_BAR = (
    '<div class="bar"><output id="marked"></output><button id="paths">Show their paths</button>'
    '<button id="none">Unmark all</button></div>'
    '<dialog id="look"><img id="large" alt=""><b id="path"></b><p id="told"></p>'
    '<button class="close">Close</button></dialog>'
    '<dialog id="list"><p>Marked pictures, to copy:</p>'
    '<textarea id="text" readonly aria-label="Paths"></textarea>'
    '<p><button class="close">Close</button></p></dialog>'
)


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{_shown(word)}</th>' for word in table.header)
    rows = []
    for at, (name, *cells) in enumerate(table.rows):
        marked = ("marked" if (at, column) in table.marked else "" for column in range(len(cells)))
        shown = zip(cells, marked, strict=True)
        texts = "".join(f'<td class="{css}">{_shown(cell)}</td>' for cell, css in shown)
        rows.append(f'<tr><th scope="row">{_shown(name)}</th>{texts}</tr>')
    return (
        f'<p>{_shown(table.caption)}</p><div class="table" tabindex="0"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>\n"
    )


def _heading(section: Section) -> str:
    return f'<section><h2>{_shown(section.title)}</h2><ol class="cards">'


def _card(card: Card, thumbnail: Thumbnail | None) -> str:
    name = _shown(card.path)
    short = _shown(card.path.rpartition("/")[2])
    picture = '<div class="none">cannot be read now</div>'
    if thumbnail is not None:
        picture = (
            f'<img src="{thumbnail.uri}" width="{thumbnail.width}" height="{thumbnail.height}" '
            f'alt="{short}" loading="lazy" decoding="async">'
        )
    word = ""
    if card.badge:
        css = " keep" if card.badge == "keep" else ""
        word = f'<i class="word{css}">{escape(card.badge)}</i>'
    marked, sign = (" marked", "\u2612") if card.marked else ("", "\u2610")
    return (
        f'<li class="card{marked}" tabindex="-1" data-path="{name}">{picture}'
        f'<p><b title="{name}">{short}</b><span class="told">{word}{_told(card)}</span></p>'
        f'<button class="mark" tabindex="-1" aria-label="Mark {short}" '
        f'aria-pressed="{str(card.marked).lower()}">{sign}</button></li>\n'
    )


def _told(card: Card) -> str:
    """Return score, size and date of a picture, as far as they are known, as HTML."""
    parts = [] if card.score is None else [f"{card.score:.3f}"]
    if card.facts is not None:
        height, width = card.facts.size_hw
        day = datetime.fromtimestamp(card.facts.changed_s).date().isoformat()
        parts += [f"{width} \u00d7 {height}", _size(card.facts.size_bytes), day]
    return "".join(f"<span>{escape(part)}</span> " for part in parts)


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1e5 else f"{size_bytes / 1e3:.0f} kB"
