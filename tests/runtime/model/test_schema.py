"""The JSON Schema of a record says what the codec writes, in the docstring's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pytest

from edgefeat.model.schema import described_fields, json_schema


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """One wheel.

    Attributes:
        size_hw: Height and width.
        colour: Its colour; null is
            unpainted.
    """

    size_hw: tuple[int, int]
    colour: Colour | None


@dataclass(frozen=True, kw_only=True)
class Cart:
    """A cart,
    with wheels.

    Attributes:
        schema: Name of the schema.
        wheels: The wheels.
        weights: Weight by part.
        extra: Keys of a later version.
    """

    schema: str = "cart/1"
    wheels: tuple[Wheel, ...]
    weights: Mapping[str, float]
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Untold:
    """A record with a field that nobody told."""

    secret: int


def test_a_record_becomes_a_schema() -> None:
    assert json_schema(Cart, title="Carts") == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Carts",
        "description": "A cart, with wheels.",
        "type": "object",
        "properties": {
            "schema": {"type": "string", "description": "Name of the schema.", "const": "cart/1"},
            "wheels": {
                "type": "array",
                "items": {"$ref": "#/$defs/Wheel"},
                "description": "The wheels.",
            },
            "weights": {
                "type": "object",
                "additionalProperties": {"type": "number"},
                "description": "Weight by part.",
            },
        },
        "required": ["schema", "wheels", "weights"],
        "$defs": {
            "Wheel": {
                "description": "One wheel.",
                "type": "object",
                "properties": {
                    "size_hw": {
                        "type": "array",
                        "prefixItems": [{"type": "integer"}, {"type": "integer"}],
                        "minItems": 2,
                        "items": False,
                        "description": "Height and width.",
                    },
                    "colour": {
                        "anyOf": [{"enum": ["red", "blue"]}, {"type": "null"}],
                        "description": "Its colour; null is unpainted.",
                    },
                },
                "required": ["size_hw", "colour"],
            }
        },
    }


def test_a_field_that_nobody_told_is_a_fault() -> None:
    assert described_fields(Untold) == {}
    with pytest.raises(KeyError, match="secret"):
        json_schema(Untold, title="Secrets")
