"""A taught file as bytes: the backbone, the head behind it, the spec that tells of both."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from edgefeat.errors import ModelError
from edgefeat.model.file import ModelFile, content_sha256
from edgefeat.model.fingerprint import fingerprint
from edgefeat.model.outputs import OutputKind
from edgefeat.model.spec import (
    METADATA_KEY,
    SPEC_VERSION,
    SPEC_VERSION_WITH_INPUTS,
    ModelSpec,
)
from edgefeat.teaching.grafting import graft, metadata_of, opened_up, ungraft
from edgefeat.teaching.graph import parts_of
from edgefeat.teaching.head import Head
from edgefeat.teaching.memory import MEMORY_KEY, Shown, remembered

__all__ = [
    "HEAD_KEY",
    "BareModel",
    "TaughtBytes",
    "backbone_bytes",
    "check_backbone",
    "taught_bytes",
]

HEAD_KEY = "head"
"""The key of the spec that tells how a head came about."""


class BareModel(NamedTuple):
    """A model behind whose features a head may stand.

    Attributes:
        data: The file, without a head.
        spec: What it says about itself.
        memory: What the file that it came from was taught; None if nothing.
    """

    data: bytes
    spec: ModelSpec
    memory: str | None


class TaughtBytes(NamedTuple):
    """A taught file, before it is written.

    Attributes:
        data: The file.
        head: How many bytes of it the head takes.
        memory: How many bytes of it are what it remembers.
    """

    data: bytes
    head: int
    memory: int


def check_backbone(file: ModelFile) -> None:
    """Raise unless a head can stand behind the features of a model.

    Raises:
        ModelError: It takes frames or columns, has a head that was not taught, or makes a map.
    """
    spec = file.spec
    if spec.frame is not None:
        problem, remedy = "is a bundle", "Teach with the model inside it."
    elif spec.columns:
        problem, remedy = "takes columns", "Teach with a model that takes pictures alone."
    elif spec.primary.kind is not OutputKind.VECTOR:
        problem, remedy = (
            "gives a feature map",
            "Export it with pooling, so that it gives a vector.",
        )
    elif spec.features_fingerprint is not None and HEAD_KEY not in spec.extra:
        problem, remedy = "has a head already", "Teach with the model behind which it stands."
    else:
        return
    raise ModelError(f"{problem}, and cannot be taught", where=file.path, remedy=remedy)


def backbone_bytes(file: ModelFile) -> BareModel:
    """Return a model without the head that it was taught, if it was taught one.

    Raises:
        ModelError: What is left is not the backbone that the file names.
    """
    data = Path(file.path).read_bytes() if isinstance(file.for_engine(), str) else _bytes(file)
    metadata = metadata_of(data)
    spec = file.spec
    if spec.features_fingerprint is None:
        return BareModel(data, spec, None)
    answers = frozenset(one.name for one in spec.outputs if not one.kind.is_feature)
    memory = metadata.pop(MEMORY_KEY, None)
    extra = {key: value for key, value in spec.extra.items() if key != HEAD_KEY}
    bare = replace(
        spec,
        spec_version=SPEC_VERSION,
        outputs=spec.features,
        fingerprint=spec.features_fingerprint,
        features_fingerprint=None,
        extra=extra,
    )
    metadata[METADATA_KEY] = bare.to_json()
    left = ungraft(data, answers, metadata)
    if fingerprint(content_sha256(left), bare.sealed_input, bare.outputs) != bare.fingerprint:
        raise ModelError(
            "what is left without its head is not the model that it names",
            where=file.path,
            remedy="Teach anew, with that model.",
        )
    return BareModel(left, bare, memory)


def taught_bytes(
    backbone: BareModel, head: Head, shown: Shown | None, told: dict[str, Any], *, where: str
) -> TaughtBytes:
    """Return a taught file.

    Args:
        backbone: The model.
        head: What stands behind it.
        shown: What the file remembers; None for nothing.
        told: How the head came about, for the spec.
        where: The model's name, for messages.

    Raises:
        ModelError: No head can stand behind this model.
    """
    parts = parts_of(head, batch=opened_up(backbone.data, where=where).batch)
    spec = replace(
        backbone.spec,
        spec_version=SPEC_VERSION_WITH_INPUTS,
        outputs=(*backbone.spec.outputs, *head.outputs()),
        features_fingerprint=backbone.spec.fingerprint,
        extra={**backbone.spec.extra, HEAD_KEY: told},
    )
    bare = content_sha256(graft(backbone.data, parts, {}))
    spec = replace(spec, fingerprint=fingerprint(bare, spec.sealed_input, spec.outputs))
    metadata = {**metadata_of(backbone.data), METADATA_KEY: spec.to_json()}
    memory = "" if shown is None else remembered(shown)
    if memory:
        metadata[MEMORY_KEY] = memory
    return TaughtBytes(
        data=graft(backbone.data, parts, metadata),
        head=len(parts.fields),
        memory=len(memory.encode()),
    )


def _bytes(file: ModelFile) -> bytes:
    data = file.for_engine()
    return data.encode() if isinstance(data, str) else data
