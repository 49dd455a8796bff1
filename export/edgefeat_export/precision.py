"""The precisions that a model file can have."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Precision"]


class Precision(StrEnum):
    """How the numbers of a model file are stored and computed.

    `fp32` is float32 throughout. `fp16` stores weights in half the bytes and computes in float32.
    `int8` stores and computes integers, with the worst layers left in float32 if need be.
    """

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"
