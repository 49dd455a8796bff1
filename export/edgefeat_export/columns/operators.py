"""The operators that every ONNX Runtime from 1.20 on has on a CPU, and checks against them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Final

import onnx
from onnx import defs

from edgefeat_export.columns.drawing import CLASSIC, OPSET, TOKENIZER
from edgefeat_export.errors import ConversionError
from edgefeat_export.graph import standard

__all__ = ["kernels", "require_known", "require_sound"]

_FILE: Final = "onnxruntime_1_20.txt"
_OF_THE_DEVICE: Final = ("StringNormalizer", "TfIdfVectorizer")
"""They are there, but what they give hangs on the locales that a device has, or is costly."""
_MOST_NAMED: Final = 3

Operator = tuple[str, str]


def require_sound(model: onnx.ModelProto, *, where: str) -> None:
    """Refuse a graph of columns that not every device opens.

    Args:
        model: The graph.
        where: Place to name in the error.

    Raises:
        ConversionError: An operator is unknown there, or is not standard.
    """
    require_known(model, where=where)
    standard.require_standard(model, where=where, opset=OPSET, besides=(CLASSIC, TOKENIZER))


def require_known(model: onnx.ModelProto, *, where: str) -> None:
    """Refuse a graph with an operator that ONNX Runtime 1.20 does not have.

    Args:
        model: The graph; graphs inside its loops are looked at too.
        where: Place to name in the error.

    Raises:
        ConversionError: An operator is unknown, or of a version that came later.
    """
    versions = {entry.domain: entry.version for entry in model.opset_import}
    used = set(_used(model.graph))
    unknown = sorted(_shown(*one) for one in used if not _is_there(one, versions))
    if unknown:
        raise ConversionError(
            "expected operators that ONNX Runtime 1.20 has, got"
            f" {', '.join(unknown[:_MOST_NAMED])}",
            where=where,
            remedy="Cut the network before the layer that they come from, or replace it.",
        )


@cache
def kernels() -> Mapping[Operator, tuple[tuple[int, int], ...]]:
    """Return the first and the last version of each operator's kernels, by domain and name."""
    text = resources.files(__package__).joinpath(_FILE).read_text()
    found: dict[Operator, tuple[tuple[int, int], ...]] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        domain, name, *ranges = line.split()
        found["" if domain == "ai.onnx" else domain, name] = tuple(
            (int(first), int(last)) for first, _, last in (one.partition("-") for one in ranges)
        )
    return found


def _used(graph: onnx.GraphProto) -> Iterator[Operator]:
    for node in graph.node:
        yield ("" if node.domain == "ai.onnx" else node.domain), node.op_type
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _used(attribute.g)


def _is_there(operator: Operator, versions: Mapping[str, int]) -> bool:
    domain, name = operator
    if name in _OF_THE_DEVICE or (domain == TOKENIZER and name != "Tokenizer"):
        return False
    ranges = kernels().get(operator, ())
    if domain == TOKENIZER:
        return bool(ranges)
    try:
        since = defs.get_schema(name, versions.get(domain, 0), domain).since_version
    except defs.SchemaError:
        return False
    return any(first <= since <= last for first, last in ranges)


def _shown(domain: str, name: str) -> str:
    return f"{domain}:{name}" if domain else name
