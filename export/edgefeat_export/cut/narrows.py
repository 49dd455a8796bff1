"""Where a network is narrowest: the code of an autoencoder, the bottleneck of a U-Net.

Such networks first shrink the picture and then make a picture again. What they know of it stands
between. A tensor that every way from the picture to the outputs passes is found by counting ways.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from edgefeat_export.cut.operations import Operation, Operations

__all__ = ["deepest", "grows_back", "last_maps", "narrowest"]

_BORDERS: Final = frozenset(["MirrorPad", "Pad", "PadV2"])
_GROWTH: Final = 1.5  # places after over places before; a border adds less
_REDUCTIONS: Final = frozenset(["AvgPool", "Max", "MaxPool", "Mean", "Sum"])


def grows_back(network: Operations, ends: Sequence[Operation]) -> bool:
    """Return whether maps become larger, or a vector becomes a map, on the way to some nodes."""
    learned, widest = _behind_layers(network), dict[str, Operation]()
    for node in network.in_order(network.upstream(one.name for one in ends)):
        before = [widest[name] for name in node.before if name in widest]
        source = max(before, key=lambda one: one.places, default=node)
        # Between two maps there may be tensors of more axes, which repeat rows and columns.
        widest[node.name] = node if len(node.sides) in (1, 3) else source
        if node.op in _BORDERS or not node.is_map or source.name not in learned:
            continue  # in front of all layers only the picture was enlarged
        if node.places >= _GROWTH * source.places and not _is_gate(network, source):
            return True
    return False


def narrowest(network: Operations, output: Operation) -> Operation | None:
    """Return the smallest tensor that every way from the picture to an output passes.

    Of equal ones it is the first, with the activation behind it. None if none is half as small as
    the picture and the output are, or if no layer lies in front of it or behind it.
    """
    passed = [node for node in _passes(network, output) if node.size and _can_cut(network, node)]
    learned, image = _behind_layers(network), network[network.image]
    between = [
        node
        for node in passed
        if node.name in learned and network.depth([output.name], network.upstream([node.name])) > 0
    ]
    limit = min(output.size or image.size, image.size) / 2
    small = [node for node in between if node.size <= limit]
    if not small:
        return None
    least = min(node.size for node in small)
    equals = [node for node in small if node.size == least]
    found = equals[0]
    for node in equals[1:]:
        if not network.depth([node.name], network.upstream([found.name])):
            found = node  # no layer lies between: it is the activation
    return _certain(network, found)


def _certain(network: Operations, node: Operation) -> Operation:
    """Return the mean that a random tensor is drawn around; the node itself if it is certain."""
    size = node.size
    while node.random:
        before = [one for one in network.before(node) if one.size == size]
        if not before:
            break
        node = min(before, key=lambda one: one.random)
    return node


def deepest(network: Operations, ends: Sequence[Operation]) -> Operation | None:
    """Return the last map of the fewest places on the way to some nodes, where one can cut.

    What a global pooling makes on a side branch, as in squeeze and excite, is no such map.
    """
    maps = last_maps(network, ends)
    return maps[0] if maps else None


def last_maps(network: Operations, ends: Sequence[Operation]) -> list[Operation]:
    """Return the last map of every size on the way to some nodes, fewest places first."""
    last = dict[int, Operation]()
    learned = _behind_layers(network)
    for node in network.in_order(network.upstream(one.name for one in ends)):
        small = len(node.sides) == 3 and node.size and node.name in learned
        if small and _can_cut(network, node) and not _is_gate(network, node):
            last[node.places] = node
    return [last[places] for places in sorted(last)]


def _passes(network: Operations, output: Operation) -> list[Operation]:
    """Return the nodes that every way from the picture to an output passes, in order."""
    inside = network.in_order(network.upstream([output.name]))
    names = {node.name for node in inside}
    here = {network.image: 1}  # ways from the picture to a node
    for node in inside:
        here.setdefault(node.name, sum(here.get(name, 0) for name in node.before))
    there = dict.fromkeys(names, 0) | {output.name: 1}  # ways from a node to the output
    for node in reversed(inside):
        for name in node.before:
            there[name] += there[node.name]
    ways = here.get(output.name, 0)
    return [node for node in inside if here[node.name] * there[node.name] == ways]


def _behind_layers(network: Operations) -> set[str]:
    """Return the names of the nodes that some weighted layer leads to."""
    found = set[str]()
    for node in network.nodes.values():
        if node.weighted or not found.isdisjoint(node.before):
            found.add(node.name)
    return found


def _is_gate(network: Operations, node: Operation) -> bool:
    """Return whether a node of one place comes out of a global pooling."""
    while node.places == 1 and node.before:
        before = network.before(node)
        widest = max(before, key=lambda one: one.places)
        if node.op in _REDUCTIONS and widest.places > 1:
            return True
        node = widest
    return False


def _can_cut(network: Operations, node: Operation) -> bool:
    return node.name in network.layer_of
