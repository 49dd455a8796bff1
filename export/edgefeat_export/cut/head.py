"""Finds where the features of a network end and its classes, or its picture, begin.

The same rule holds for every format, because it looks at operators (`cut.operations`). Classes and
reconstructions never count as features. Where the operators do not tell, `Head.sure` is False: then
the user chooses among the candidates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from edgefeat.errors import OptionError
from edgefeat_export.cut import narrows
from edgefeat_export.cut.classifier import Place, features_before, hidden_layers
from edgefeat_export.cut.ends import End, EndKind, end_of, source_of_move
from edgefeat_export.cut.operations import Operation, Operations
from edgefeat_export.errors import BackboneError

__all__ = ["Candidate", "Head", "find_head"]

_FEW: Final = 16  # fewer numbers than these are classes or a measurement, not an embedding
_USUAL_WIDTH: Final = 32  # embeddings have a multiple of it; classes hardly ever do
_PRIVATE_DEPTH: Final = 8  # layers that an output may have for itself, as detectors have
_MOST_CANDIDATES: Final = 6
_NAMED_FEATURES: Final = re.compile(
    r"embed|bottleneck|latent|(?<!de)cod(e|ing)|feature|descriptor|z_mean|(^|_)vec", re.IGNORECASE
)
_NAMED_CLASSES: Final = re.compile(r"class|logit|pred|prob|softmax|score|label", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place where one can cut, and why.

    Attributes:
        layer: Name of the layer whose output becomes the features.
        reason: A phrase for the user, such as "the pooled features before the classifier 'fc'".
        shape: What the layer gives for one picture, before any pooling.
    """

    layer: str
    reason: str
    shape: tuple[int, ...] = ()

    def __str__(self) -> str:
        """Return it for people: layer, shape and reason."""
        shape = f" ({'x'.join(map(str, self.shape))})" if self.shape else ""
        return f"{self.layer!r}{shape}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Head:
    """Where a network can be cut.

    Attributes:
        candidates: Where one can cut, the best place first; at least one.
        sure: Whether the first is what an owner of such a network wants. If not, ask.
        doubt: A phrase that tells why it is not sure; empty if it is.
    """

    candidates: tuple[Candidate, ...]
    sure: bool = True
    doubt: str = ""

    @property
    def layer(self) -> str:
        """Name of the layer at the best place."""
        return self.candidates[0].layer

    @property
    def reason(self) -> str:
        """Why the best place is there."""
        return self.candidates[0].reason

    def require_sure(self, where: str) -> None:
        """Ask for a layer if the place is not sure.

        Raises:
            OptionError: It is not sure. The message lists the candidates.
        """
        if self.sure:
            return
        listed = "; ".join(map(str, self.candidates))
        raise OptionError(
            f"{self.doubt}, so it is not known where its features are. Candidates: {listed}",
            where=where,
            option="layers",
            remedy="Name one with {option}; `--yes` (`take_first=True`) takes the first.",
        )


def find_head(network: Operations, name: str, *, doubt: str = "") -> Head:
    """Find where a network's features end.

    Args:
        network: The operators of the network.
        name: Name of the network, for messages.
        doubt: Why nobody can be sure, whatever the operators say; empty if they decide.

    Raises:
        BackboneError: There is no place where it can be cut, in front of classes and pictures.
    """
    outputs = [network[name] for name in network.outputs]
    best, unclear = _best(network, outputs)
    doubt = doubt or unclear
    places = [Place(_at_layer(network, one.node), one.reason) for one in best]
    found = dict[str, Candidate]()
    for place in (*places, *_others(network, outputs)):
        layer = network.layer_of.get(place.node.name)
        usable = place.node.size and not place.node.random
        if layer is not None and usable and layer not in found:
            found[layer] = Candidate(layer, place.reason, place.node.sides)
    if not found:
        raise BackboneError(
            "no layer lies between its picture and its classes where it could be cut",
            where=name,
            remedy="Name the layer to cut at with {option}; `edgefeat-export build MODEL --summary"
            "` shows all.",
            option="layers",
        )
    if places and network.layer_of.get(places[0].node.name) is None:
        doubt = doubt or "the place where its features end lies inside a layer"
    candidates = tuple(found.values())[:_MOST_CANDIDATES]
    return Head(candidates, sure=not doubt, doubt=doubt)


def _at_layer(network: Operations, node: Operation) -> Operation:
    """Return the nearest output of a layer that holds the same numbers; else the node itself."""
    found = node
    while found.name not in network.layer_of and len(found.before) == 1:
        (before,) = network.before(found)
        if found.op not in ("Reshape", "Squeeze", "Transpose") or before.sides != node.sides:
            return node
        found = before
    return found


def _best(network: Operations, outputs: Sequence[Operation]) -> tuple[list[Place], str]:
    """Return the best places, and why they are not sure, if they are not."""
    if not outputs:
        return [], "it has no output that hangs on the picture"
    ends = [end_of(network, output) for output in outputs]
    made_again = _made_again(network, outputs)
    if made_again is not None:
        return made_again
    if len(outputs) > 1 or _is_joined(network, outputs[0], ends[0]):
        return _shared(network, outputs, ends)
    return _of_one(network, outputs[0], ends[0])


def _of_one(network: Operations, output: Operation, end: End) -> tuple[list[Place], str]:
    """Return the best places of a network with one output that is no picture."""
    whole = Place(output, _whole(end))
    if end.kind is EndKind.CLASSES:
        layers = network.nearest_weighted([output.name])
        before = features_before(network, layers[0]) if layers else None
        return ([before], "") if before else ([], "nothing comes before its classes")
    if end.layer is None or end.kind in (EndKind.UNIT_LENGTH, EndKind.NORMALISED):
        return [whole], ""
    before, width = features_before(network, end.layer), output.width
    if before is None:
        return [whole], ""
    name = _layer_name(network, end.layer, output)
    if end.kind is EndKind.LINEAR and _NAMED_FEATURES.search(name):
        return [whole], ""
    if width < _FEW:
        return [before], ""
    if end.kind is EndKind.ACTIVATED:
        return [whole], ""
    if _NAMED_CLASSES.search(name):
        return [before], ""
    if width in (_FEW, _USUAL_WIDTH) or width % _USUAL_WIDTH == 0:
        return [whole], ""
    doubt = f"its last layer {name!r} gives {width} numbers without an activation, which may be"
    return [before, whole], f"{doubt} scores of classes or an embedding"


def _whole(end: End) -> str:
    return {
        EndKind.UNIT_LENGTH: "its end, an embedding of unit length",
        EndKind.NORMALISED: "its end, an embedding that is normalised",
        EndKind.LINEAR: "its end, an embedding: a layer without activation",
    }.get(end.kind, "it has no classification head, so nothing is cut off")


def _made_again(
    network: Operations, outputs: Sequence[Operation]
) -> tuple[list[Place], str] | None:
    """Return the best places of a network that makes a picture again; None if it makes none."""
    image, first = network[network.image], outputs[0]
    heads = network.nearest_weighted([one.name for one in outputs])
    rebuilt = any(one.size == image.size and one.size for one in outputs)
    dense = any(head.is_map for head in heads) and any(
        one.is_map or (len(one.sides) == 2 and all(head.is_map for head in heads))
        for one in outputs
    )
    if not (rebuilt or dense):
        return None
    if rebuilt and len(outputs) == 1:
        code = narrows.narrowest(network, first)
        if code is not None and not _skips(network, code, heads):
            return [Place(code, "the narrowest tensor between a picture and its copy")], ""
    if dense and narrows.grows_back(network, heads):
        code = narrows.narrowest(network, first) if len(outputs) == 1 else None
        tops = [before for head in heads for before in network.before(head)]
        deep = _deepest_shared(network, tops)
        if code is not None and (deep is None or code.places <= deep.places):
            return [Place(code, "the narrowest tensor between encoder and decoder")], ""
        if deep is not None:
            return [Place(deep, "the last map of fewest places, between encoder and decoder")], ""
    copies = image.sides[:2]
    same_size = any(one.is_map and one.sides == image.sides for one in outputs)
    if same_size and copies:
        before = [p for head in heads if (p := features_before(network, head))]
        return before, "it makes a picture of the size of its input, and no tensor in it is narrow"
    return None


def _deepest_shared(network: Operations, tops: Sequence[Operation]) -> Operation | None:
    """Return the last map of fewest places; of equal ones that which all heads look at."""
    deep = narrows.deepest(network, tops)
    common = set.intersection(*(network.upstream([top.name]) for top in tops))
    shared = narrows.deepest(network, network.in_order(common))
    return shared if deep and shared and shared.places == deep.places else deep


def _skips(network: Operations, code: Operation, heads: Sequence[Operation]) -> bool:
    """Return whether maps of fewer places than a code has lie beside ways around them."""
    deep = narrows.deepest(network, heads)
    return deep is not None and deep.places < code.places


def _is_joined(network: Operations, output: Operation, end: End) -> bool:
    """Return whether one output puts the outputs of several layers together, as detectors do."""
    if end.kind is EndKind.CLASSES:
        return len(network.nearest_weighted([output.name])) > 1
    if end.kind is not EndKind.OTHER or len(output.sides) < 2:
        return False
    while (source := source_of_move(network, output)) is not None:
        output = source
    parts = [end_of(network, part).kind for part in network.before(output)]
    return output.op in ("ConcatV2", "Pack") and EndKind.LINEAR in parts


def _shared(
    network: Operations, outputs: Sequence[Operation], ends: Sequence[End]
) -> tuple[list[Place], str]:
    """Return the best places of a network with several outputs: what all of them share."""
    vectors = [
        Place(one, f"the output {_name(network, one)!r}, a vector that is no classes")
        for one, end in zip(outputs, ends, strict=True)
        if len(one.sides) == 1 and end.kind not in (EndKind.CLASSES, EndKind.LINEAR)
        if one.width >= _FEW or end.kind is not EndKind.ACTIVATED
    ]
    if len(vectors) == 1:
        return vectors, ""
    heads = network.nearest_weighted([one.name for one in outputs])
    tops = [before.name for head in heads for before in network.before(head)]
    if not tops:
        return vectors, "its outputs share no layer"
    common = set.intersection(*(network.upstream([top]) for top in tops))
    usable = [node for node in network.in_order(common) if node.name in network.layer_of]
    usable = [node for node in usable if node.size and network.depth([node.name], set())]
    if not usable:
        return vectors, "its outputs share no layer"
    last = usable[-1]
    if last.is_map:
        last = narrows.deepest(network, usable) or last
    place = Place(last, "the last tensor that all its outputs share")
    private = network.depth(network.outputs, common)
    if vectors or private > _PRIVATE_DEPTH:
        return [*vectors, place], f"it has {len(outputs)} outputs that share little"
    return [place], ""


def _others(network: Operations, outputs: Sequence[Operation]) -> Iterator[Place]:
    """Yield other places where one can cut, the likely ones first."""
    heads = network.nearest_weighted([one.name for one in outputs])
    for head in heads:
        if (before := features_before(network, head)) is not None:
            yield before
        yield from hidden_layers(network, head)
    for output in outputs:
        if _may_be_features(network, output.name) and not output.is_map:
            yield Place(output, "the whole network, nothing cut off")
    tops = [before for head in heads for before in network.before(head)]
    tops += [network[name] for name in network.outputs if _may_be_features(network, name)]
    for node in narrows.last_maps(network, tops):
        height, width = node.sides[:2]
        yield Place(node, f"the last map of {height}x{width}")
    for node in reversed(network.in_order(network.upstream(top.name for top in tops))):
        if node.name in network.layer_of and node.size and network.depth([node.name], set()):
            yield Place(node, "a tensor further in front")


def _may_be_features(network: Operations, name: str) -> bool:
    """Return whether an output is neither classes, nor a measurement, nor a picture."""
    output = network[name]
    end = end_of(network, output)
    measures = end.kind is EndKind.LINEAR and output.width < _FEW
    copies = output.size == network[network.image].size or narrows.grows_back(network, [output])
    return end.kind is not EndKind.CLASSES and not measures and not copies


def _layer_name(network: Operations, layer: Operation, output: Operation) -> str:
    """Return the name of the layer that a weighted operator belongs to."""
    names = network.upstream([output.name]) - network.upstream(layer.before)
    for node in network.in_order(names):
        if node.name in network.layer_of:
            return network.layer_of[node.name]
    return _name(network, output)


def _name(network: Operations, node: Operation) -> str:
    return network.layer_of.get(node.name, node.name.split(":")[0])
