"""Prints a network the way Keras does, with the layers it will be cut at marked."""

from __future__ import annotations

import re

from edgefeat_export.cut.headless import cut
from edgefeat_export.pipeline.build import load_network
from edgefeat_export.pipeline.request import BuildRequest

__all__ = ["summary"]


def summary(request: BuildRequest) -> str:
    """Return Keras's table of the network; `◄ name` stands beside the layer of each output."""
    network = load_network(request.network)
    headless = cut(network.model, request.taps, end=network.head.layer)
    lines: list[str] = []
    network.model.summary(
        line_length=100, print_fn=lambda text, **_: lines.extend(str(text).split("\n"))
    )
    for output in headless.outputs:
        pooled = f" ({output.pooling})" if output.pooling else ""
        mark = f"  ◄ {output.name}{pooled}"
        named = re.compile(rf"│\s*{re.escape(output.source_layer)}[\s(]")
        lines = [line + mark if named.search(line[:60]) else line for line in lines]
    reason = f"cut at {network.head.layer!r}: {network.head.reason}"
    chosen = any(tap.layer is None for tap in request.taps)
    return "\n".join([*lines, *([reason] if chosen else [])])
