"""Prints a network the way Keras does, with the layers it will be cut at marked."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgefeat_export.columns import cut as table_cut
from edgefeat_export.columns import opening
from edgefeat_export.cut import headless
from edgefeat_export.cut.head import Head
from edgefeat_export.networks import load
from edgefeat_export.networks.request import NetworkRequest
from edgefeat_export.pipeline.request import network_of

if TYPE_CHECKING:
    import keras

__all__ = ["summary"]


def summary(
    network: str | os.PathLike[str] | NetworkRequest,
    *,
    layers: Sequence[str | headless.Tap] = (),
    pooling: str | None = None,
) -> str:
    """Return Keras's table of a network; `◄ name` stands beside the layer of each output.

    Where no layer is named, the places where one can cut stand below, the best one first.

    Args:
        network: A backbone's name, a saved model's path, or a `NetworkRequest`.
        layers: Where features leave the network; see `build`.
        pooling: How maps become vectors; see `build`.

    Raises:
        BackboneError: The network cannot be loaded or cut.
        OptionError: An option makes no sense.
    """
    taps = headless.taps_at(layers, pooling)
    request = network_of(network)
    if opening.is_table(request.name):
        path = Path(request.name)
        opened = opening.open_table(
            path, name=path.stem, allow_code=request.allow_code, code=request.code
        )
        body, found = table_cut.cut(opened.model, taps)
        return _marked(opened.model, body, [] if found is None else [f"cut at {found}"])
    loaded = load.load_network(request, headless.layers_of(taps))
    body = loaded.cut(taps, take_first=True)
    unnamed = any(tap.layer is None for tap in taps)
    return _marked(loaded.model, body, _candidates(loaded.head) if unnamed else [])


def _marked(model: keras.Model, body: headless.Headless, more: Sequence[str]) -> str:
    """Return Keras's table of a model with its outputs marked, and more lines below."""
    lines: list[str] = []
    model.summary(line_length=100, print_fn=lambda text, **_: lines.extend(str(text).split("\n")))
    for output in body.outputs:
        pooled = f" ({output.pooling})" if output.pooling else ""
        mark = f"  ◄ {output.name}{pooled}"
        named = re.compile(rf"│\s*{re.escape(output.source_layer)}[\s(]")
        lines = [line + mark if named.search(line[:60]) else line for line in lines]
    return "\n".join([*lines, *more])


def _candidates(head: Head) -> list[str]:
    """Return a line for every place where one can cut."""
    first, *others = head.candidates
    lines = [f"cut at {first}"]
    if not head.sure:
        lines = [f"{head.doubt}; `build` asks for a layer.", f"first candidate: {first}"]
    return [*lines, *(f"other candidate: {one}" for one in others)]
