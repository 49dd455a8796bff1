"""The JSON Schema of a line: what `edgefeat stream` and `edgefeat extract` write, key by key.

Draft 2020-12; `--schema` of both commands prints it. Standard library only.
"""

from __future__ import annotations

from typing import Any

__all__ = ["json_schema"]


def json_schema() -> dict[str, Any]:
    """Return the schema."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "One line of `edgefeat extract` or `edgefeat stream`",
        "type": "object",
        "properties": {**_ROW, **_FRAME, **_ANSWERS, **_ARRAYS},
        "required": ["path", "index", "model", "fingerprint"],
        "oneOf": [{"required": ["features"]}, {"required": ["outputs"]}],
        "dependentRequired": {name: sorted(_ALWAYS - {name}) for name in _FRAME},
        "$defs": {"array": _ARRAY, "numbers": _NUMBERS},
    }


_ROW: dict[str, Any] = {
    "path": {
        "type": "string",
        "description": "What the row is called: the picture's path, or SOURCE#INDEX for a frame "
        "that has no name. A name that is not UTF-8 is `bytes:` and the name with each odd byte "
        "as %XX.",
    },
    "index": {
        "type": "integer",
        "minimum": 0,
        "description": "A picture's number among the rows, or a frame's number in its source, "
        "where frames that were left out leave gaps.",
    },
    "model": {"type": "string", "description": "The model's name."},
    "fingerprint": {
        "type": "string",
        "description": "Of model and preprocessing. Vectors of two fingerprints must not be "
        "compared.",
    },
}

_FRAME: dict[str, Any] = {
    "source": {
        "type": "string",
        "description": "What the stream's source is called, without passwords. This and what "
        "follows down to `gap_s` are there for frames of a stream, all or none.",
    },
    "wall_time": {
        "type": "number",
        "description": "Unix time in seconds, right after the frame was grabbed.",
    },
    "media_s": {
        "type": ["number", "null"],
        "description": "The source's own clock in seconds; null if it states no time that can be "
        "trusted.",
    },
    "age_ms": {
        "type": "number",
        "minimum": 0,
        "description": "Time from capture to the features, in milliseconds.",
    },
    "dropped": {
        "type": "integer",
        "minimum": 0,
        "description": "Frames that had made room for newer ones by then.",
    },
    "device": {"type": "string", "description": "What the device is called."},
    "camera": {"type": "string", "description": "What the user calls the camera."},
    "session": {
        "type": "string",
        "description": "Which run of a stream it was. `index` and `dropped` start anew with each.",
    },
    "monotonic_s": {
        "type": ["number", "null"],
        "description": "The device's clock that is never set, in seconds, right after the frame "
        "was grabbed. It starts anew with each boot.",
    },
    "gap_s": {
        "type": ["number", "null"],
        "description": "Seconds without a connection before this frame; null if there was one all "
        "along.",
    },
    "motion": {
        "type": ["number", "null"],
        "minimum": 0,
        "description": "Grey levels by which blocks of the picture differ from what stood before, "
        "changes of the light taken out; null if nothing stood before. Older lines lack this and "
        "the next two.",
    },
    "novelty": {
        "type": ["number", "null"],
        "description": "Cosine distance of the features from those that stood before; null if none "
        "did.",
    },
    "change": {
        "enum": ["", "first", "enter", "change", "leave", "heartbeat"],
        "description": "Why gates let the frame pass; empty without gates.",
    },
}
_ALWAYS = _FRAME.keys() - {"motion", "novelty", "change"}

_ANSWERS: dict[str, Any] = {
    "label": {
        "type": "string",
        "description": "The class that the model's head gives. This and the next two are there for "
        "models with a head that gives them.",
    },
    "probabilities": {
        "type": "object",
        "description": "The probability of each class, by its name.",
        "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1},
    },
    "value": {"type": "number", "description": "The number that the model's head gives."},
}

_ARRAYS: dict[str, Any] = {
    "features": {"$ref": "#/$defs/array", "description": "The model's output."},
    "output": {
        "type": "string",
        "description": "The name of the output that stands in `features`; left out if it is "
        "called `features`.",
    },
    "outputs": {
        "type": "object",
        "description": "In the place of `features` where several outputs were asked for: each by "
        "its name.",
        "additionalProperties": {"$ref": "#/$defs/array"},
        "minProperties": 2,
    },
}

_NUMBERS: dict[str, Any] = {
    "type": "array",
    "items": {"anyOf": [{"type": "number"}, {"$ref": "#/$defs/numbers"}]},
}

_ARRAY: dict[str, Any] = {
    "oneOf": [
        {
            "$ref": "#/$defs/numbers",
            "description": "Decimals that read back as the same float32; a map is nested: rows, "
            "columns, channels.",
        },
        {
            "type": "object",
            "description": "The numbers as little-endian bytes. So are float32 numbers written "
            "that JSON has no word for: infinities, and what is not a number.",
            "properties": {
                "store": {
                    "enum": ["f32", "f16", "i8", "u8"],
                    "description": "float32, float16, or codes of int8 or uint8 that `scale` "
                    "multiplies.",
                },
                "shape": {"type": "array", "items": {"type": "integer", "minimum": 1}},
                "base64": {"type": "string", "contentEncoding": "base64"},
                "scale": {"type": "number", "description": "Present with i8 and u8."},
            },
            "required": ["store", "shape", "base64"],
            "additionalProperties": False,
        },
    ]
}
