"""What lies in front of a classifier: pooled or flattened features, and its hidden layers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from edgefeat_export.cut.ends import source_of_activation, source_of_affine, source_of_move
from edgefeat_export.cut.operations import Operation, Operations

__all__ = ["Place", "features_before", "hidden_layers"]

_FEW: Final = 16  # a hidden layer of fewer numbers is no good vector
_POOLS: Final = frozenset(["AvgPool", "Max", "MaxPool", "Mean", "Sum"])


@dataclass(frozen=True, slots=True)
class Place:
    """A tensor where one could cut.

    Attributes:
        node: The tensor.
        reason: A phrase that tells why.
    """

    node: Operation
    reason: str


@dataclass(frozen=True, slots=True)
class _Walk:
    """The way from a classifier back to its features.

    Attributes:
        end: Where it ends; None if that is the picture.
        hidden: The hidden layers on it, the one nearest to the classifier first.
        embedding: A hidden layer without activation, which is an embedding; ends the way.
    """

    end: Operation | None
    hidden: tuple[Operation, ...]
    embedding: bool = False


def features_before(network: Operations, classifier: Operation) -> Place | None:
    """Return the features that a classifier works on.

    They are pooled or flattened in front of its dense layers. Behind a flattened map the first
    hidden layer is taken instead: the map itself knows each place of the picture by heart.

    Args:
        network: The operators of the network.
        classifier: The last weighted layer.

    Returns:
        The place; None if nothing was learned in front of the classifier.
    """
    name = _name(network, classifier)
    walk = _walk(network, classifier)
    hidden = [node for node in walk.hidden if node.width >= _FEW]
    before = f"before the classifier {name!r}"
    if walk.embedding and walk.end is not None:
        return Place(walk.end, f"the embedding {before}: a layer without activation")
    if hidden and (walk.end is None or _is_flattened(network, walk.end)):
        return Place(hidden[-1], f"the first hidden layer {before}, behind a flattened map")
    if walk.end is None:
        return None
    return Place(walk.end, f"the {_kind(network, walk.end)} features {before}")


def hidden_layers(network: Operations, classifier: Operation) -> Iterator[Place]:
    """Yield the tensors on the way from a classifier back to its features, and their end."""
    walk = _walk(network, classifier)
    for node in walk.hidden:
        yield Place(node, "a hidden layer of the classifier")
    if walk.end is not None:
        yield Place(walk.end, f"the {_kind(network, walk.end)} features before its dense layers")


def _walk(network: Operations, classifier: Operation) -> _Walk:
    if len(classifier.before) != 1:
        return _Walk(None, ())
    hidden = list[Operation]()
    (node,) = network.before(classifier)
    top, activation = node, None
    while True:
        if not network.depth([node.name], set()):
            return _Walk(None, tuple(hidden))
        if node.places > 1 or _is_flattened(network, node):
            return _Walk(node, tuple(hidden))
        if node.weighted:
            if activation is None:
                return _Walk(top, tuple(hidden), embedding=True)
            hidden.append(activation)
            (node,) = network.before(node)
            top, activation = node, None
            continue
        source = source_of_move(network, node) or source_of_affine(network, node)
        if source is None and (source := source_of_activation(network, node)) is not None:
            activation = node
        # One row of many, or of a number that nobody knows, as a recurrent layer gives its last.
        taken = source is not None and source.places != 1 and not _is_folded(node, source)
        if source is None or taken:
            return _Walk(node, tuple(hidden))
        node = source


def _is_flattened(network: Operations, node: Operation) -> bool:
    if node.op != "Reshape" or len(node.before) != 1:
        return False
    source = network[node.before[0]]
    return source.places > 1 and not _is_folded(node, source)


def _is_folded(node: Operation, source: Operation) -> bool:
    """Return whether places became rows of the batch, as in front of a dense layer on tokens."""
    rows = node.op == "Reshape" and len(node.sides) == 1
    return rows and node.width in (0, source.width) and node.size < source.size


def _kind(network: Operations, node: Operation) -> str:
    if _is_flattened(network, node):
        return "flattened"
    return "pooled" if node.op in _POOLS and node.places == 1 else "last"


def _name(network: Operations, classifier: Operation) -> str:
    """Return the first layer behind a weighted operator that has a name."""
    behind = {classifier.name}
    for node in network.nodes.values():
        if node.name in behind or not behind.isdisjoint(node.before):
            behind.add(node.name)
            if node.name in network.layer_of:
                return network.layer_of[node.name]
    return classifier.name.split(":")[0]
