"""Writes a map of a set as one HTML file: every picture a dot, like pictures together."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from html import escape
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import numpy as np

from edgefeat import atomic
from edgefeat.messages.counts import counted
from edgefeat.sets.searchable import SearchableSet
from edgefeat.sheets.map_script import MAP_SCRIPT, MAP_STYLE
from edgefeat.sheets.page import head, plain_name
from edgefeat.sheets.style import STYLE
from edgefeat.sheets.thumbnails import make_thumbnails

if TYPE_CHECKING:
    from edgefeat.arrays import Features
    from edgefeat.sets.clusters import Clusters

__all__ = ["folder_names", "write_map"]

_SIDE, _MOST_BYTES = 160, 6000  # a picture that is shown when its dot is pointed at
_MOST_LABELS = 24


def folder_names(there: SearchableSet) -> list[str]:
    """Return for each row the name of the folder that its picture lies in."""
    return [PurePath(path).parent.name or "." for path in there.paths]


def write_map(
    there: SearchableSet,
    places: Features,
    path: str | os.PathLike[str],
    *,
    clusters: Clusters | None = None,
    on_picture: Callable[[], None] = lambda: None,
) -> int:
    """Write a map; the file appears whole or not at all.

    Args:
        there: The set.
        places: Where each row lies: float32 `(N, 2)`, as `FeatureSet.plane` gives it.
        path: The HTML file; one that is there is replaced.
        clusters: Groups that give the colours; None takes the folders of the pictures.
        on_picture: Called after each picture.

    Returns:
        How many pictures could not be read, and are shown by name alone.

    Raises:
        SinkError: The file cannot be written.
    """
    pictures: list[str | None] = []
    with closing(make_thumbnails(there.paths, side=_SIDE, most_bytes=_MOST_BYTES)) as made:
        for thumbnail in made:
            pictures.append(None if thumbnail is None else b64encode(thumbnail.jpeg).decode())
            on_picture()
    names = [f"group {label + 1}" for label in clusters.labels] if clusters else folder_names(there)
    scaled = _scaled(places)
    groups, labels, sizes = _coloured(names)
    data = {
        "x": scaled[:, 0].round(4).tolist(),
        "y": scaled[:, 1].round(4).tolist(),
        "names": [plain_name(one) for one in there.paths],
        "groups": groups,
        "labels": [plain_name(one) for one in labels],
        "sizes": sizes,
        "pictures": pictures,
    }
    left_out = groups.count(-1)
    facts = (
        f"{counted(len(there), 'picture')}; like pictures lie together. Model "
        f"{there.info.model}, fingerprint {there.info.fingerprint[:12]}."
    )
    if left_out:
        facts += f" Grey: {left_out} pictures of groups beyond the {_MOST_LABELS} largest."
    text = _page(facts, data)
    atomic.write_bytes(Path(path), text.encode("utf-8", "replace"))
    return pictures.count(None)


def _scaled(places: Features) -> Features:
    """Return places within -1 to 1, around the middle of all."""
    if not len(places):
        return places
    low, high = places.min(axis=0), places.max(axis=0)
    half = max(float((high - low).max()) / 2, 1e-9)
    scaled: Features = ((places - (low + high) / 2) / np.float32(half)).astype(np.float32)
    return scaled


def _coloured(names: Sequence[str]) -> tuple[list[int], list[str], list[int]]:
    """Return the colour of each row, -1 beyond the most, and the labels with their sizes."""
    common = Counter(names).most_common(_MOST_LABELS)
    known = {label: number for number, (label, _) in enumerate(common)}
    groups = [known.get(name, -1) for name in names]
    return groups, [label for label, _ in common], [size for _, size in common]


def _page(facts: str, data: dict[str, object]) -> str:
    """Return the whole page; no name can end the element that holds the data."""
    held = json.dumps(data).replace("<", "\\u003c")
    return (
        f"{head('edgefeat: map', STYLE + MAP_STYLE)}<h1>Map</h1>"
        f'<div class="facts"><p>{escape(facts)}</p></div><div id="legend" class="legend"></div>'
        '<div class="map"><canvas id="canvas" tabindex="0" aria-label="Map of the pictures: arrow '
        'keys go from one to the next"></canvas><div class="side"><img id="picture" alt="">'
        '<b id="name"></b><p id="group"></p><div class="zoom"><button id="in">Nearer</button>'
        '<button id="out">Farther</button><button id="whole">Whole</button></div>'
        '<p class="keys">Point at a dot, or tap it. <kbd>arrows</kbd> walk, <kbd>+</kbd> '
        "<kbd>-</kbd> <kbd>0</kbd> zoom.</p></div></div>"
        f'<script type="application/json" id="data">{held}</script>'
        f"<script>{MAP_SCRIPT}</script></body></html>\n"
    )
