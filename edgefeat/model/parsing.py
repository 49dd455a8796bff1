"""Reads what a model file says about itself: the JSON text under the metadata key.

An unknown major version is refused, an unknown minor one is warned about. Standard library only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from edgefeat.errors import ModelError
from edgefeat.model import codec
from edgefeat.model.spec import METADATA_KEY, SPEC_VERSION, InputSpec, ModelSpec

__all__ = ["parse_spec"]

_KNOWN_MINOR = {1: 0, 2: 0}  # by major version
_REBUILD = "Export the model again with `edgefeat-export build`."


def parse_spec(text: str, *, where: str) -> ModelSpec:
    """Read the JSON text of the metadata key.

    Args:
        text: The JSON text.
        where: The file's name, for messages.

    Raises:
        ModelError: Not JSON, an unknown major version, or a field that does not fit.
    """
    try:
        document = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise _metadata_error(f"expected JSON, got {error}", where=where) from error
    _check_version(document, where)
    try:
        return codec.read(ModelSpec, _with_inputs(document))
    except codec.CodecError as error:
        raise _metadata_error(error.problem, path=error.where, where=where) from error


def _with_inputs(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document with the list `inputs`: a spec 1.x and a bundle have one `input`.

    Raises:
        CodecError: The one input does not fit, or a list came where none is expected.
    """
    if document["spec_version"].startswith("2.") and document.get("frame") is None:
        if "input" in document:
            problem = (
                "expected a list 'inputs' in its place, or a 'frame' beside it, as in a bundle"
            )
            raise codec.CodecError(problem).inside("input")
        return dict(document)
    if "inputs" in document:
        problem = f"expected 'input' in spec {document['spec_version']}, with one picture"
        raise codec.CodecError(problem).inside("inputs")
    try:
        picture = codec.read(InputSpec, document.get("input"))
    except codec.CodecError as error:
        error.inside("input")
        raise
    rest = {key: value for key, value in document.items() if key != "input"}
    return rest | {"inputs": [picture]}


def _metadata_error(problem: str, *, path: str | None = None, where: str) -> ModelError:
    """Return the error of a spec that does not fit, at a path inside the metadata of a file."""
    error = ModelError(problem, where=path, remedy=_REBUILD)
    return error.within(f"metadata {METADATA_KEY!r}").within(where)


def _check_version(document: Any, where: str) -> None:
    version = document.get("spec_version") if isinstance(document, Mapping) else None
    match = re.fullmatch(r"(\d{1,4})\.(\d{1,4})", version) if isinstance(version, str) else None
    if match is None:
        problem = f"expected text like {SPEC_VERSION!r}, got {version!r}"
        raise _metadata_error(problem, path="spec_version", where=where)
    major, minor = int(match[1]), int(match[2])
    if major not in _KNOWN_MINOR:
        known = " and ".join(f"{one}.x" for one in _KNOWN_MINOR)
        raise ModelError(
            f"spec version {version} cannot be read by this edgefeat, which knows {known}",
            where=where,
            remedy=f"Install an edgefeat that knows {major}.x, or export the model again.",
        )
    if minor > _KNOWN_MINOR[major]:
        from edgefeat.messages.warn import warn_caller

        warn_caller(
            f"{where}: spec version {version} is newer than {major}.{_KNOWN_MINOR[major]}: parts "
            "that this edgefeat does not know are ignored. Consider `pip install -U edgefeat`.",
            UserWarning,
        )
