"""Gates: what is missed is named, with figures, for people and for programs."""

from __future__ import annotations

import pytest

from edgefeat.model.spec import Parity
from edgefeat_export.errors import VerificationError
from edgefeat_export.proof.gates import GATES, Gates, parse_gate, require


def parity(**changes: float | None) -> Parity:
    values: dict[str, float | None] = {
        "relative_l2_mean": 0.01,
        "relative_l2_max": 0.02,
        "cosine_mean": 0.999,
        "cosine_p1": 0.99,
        "cosine_min": 0.98,
        "neighbour_overlap_10": 0.9,
    }
    return Parity(images=100, **(values | changes))  # type: ignore[arg-type]


def test_what_passes_passes() -> None:
    require({"features": parity()}, Gates(relative_l2_max=0.02, cosine_min=0.98), "m.onnx")


def test_every_miss_is_named() -> None:
    gates = Gates(relative_l2_max=0.01, cosine_mean=0.9, neighbour_overlap_10=0.95)
    with pytest.raises(VerificationError) as refusal:
        require({"features": parity(), "other": parity(relative_l2_max=0.005)}, gates, "m.onnx")
    assert str(refusal.value) == (
        "m.onnx: its features are not Keras's on 100 images: features: relative_l2_max 0.02,"
        " allowed 0.01; features: neighbour_overlap_10 0.9, needed 0.95; other:"
        " neighbour_overlap_10 0.9, needed 0.95. --gate changes a limit."
    )
    assert refusal.value.reasons[0] == {
        "output": "features",
        "gate": "relative_l2_max",
        "needed": 0.01,
        "got": 0.02,
    }


@pytest.mark.parametrize("value", [float("nan"), None], ids=["nan", "unknown"])
def test_what_is_not_known_does_not_pass(value: float | None) -> None:
    with pytest.raises(VerificationError):
        require({"features": parity(cosine_p1=value)}, Gates(cosine_p1=0.5), "m.onnx")


def test_a_gate_can_be_changed_and_taken_away() -> None:
    gates = parse_gate("int8.cosine_mean=0.97", GATES)
    assert gates["int8"].cosine_mean == 0.97
    assert gates["fp32"] is GATES["fp32"]
    assert parse_gate("int8.cosine_mean=none", gates)["int8"].cosine_mean is None


@pytest.mark.parametrize(
    "text", ["int8", "int4.cosine_mean=1", "int8.cosine=1", "int8.cosine_mean=high"]
)
def test_other_gates_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected PRECISION\.GATE=NUMBER|could not convert"):
        parse_gate(text, GATES)
