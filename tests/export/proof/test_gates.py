"""Gates: what is missed is named, with figures, for people and for programs."""

from __future__ import annotations

import pytest

from edgefeat.errors import OptionError
from edgefeat.model.spec import Parity
from edgefeat_export.errors import VerificationError
from edgefeat_export.precision import Precision
from edgefeat_export.proof import gates
from edgefeat_export.proof.gates import GATES, Gates


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
    limits = Gates(relative_l2_max=0.02, cosine_min=0.98)
    gates.require({"features": parity()}, limits, file="m.onnx", reference="Keras")


def test_every_miss_is_named() -> None:
    limits = Gates(relative_l2_max=0.01, cosine_mean=0.9, neighbour_overlap_10=0.95)
    parities = {"features": parity(), "other": parity(relative_l2_max=0.005)}
    with pytest.raises(VerificationError) as refusal:
        gates.require(parities, limits, file="m.onnx", reference="Keras")
    assert str(refusal.value) == (
        "m.onnx: its features differ from those of Keras on 100 pictures: features: relative_l2_max"
        " 0.02, allowed 0.01; features: neighbour_overlap_10 0.9, needed 0.95; other:"
        " neighbour_overlap_10 0.9, needed 0.95. Change a limit with gates if you can live with"
        " that."
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
        gates.require(
            {"features": parity(cosine_p1=value)},
            Gates(cosine_p1=0.5),
            file="m.onnx",
            reference="Keras",
        )


def test_a_gate_can_be_changed_and_taken_away() -> None:
    changes = {"int8.cosine_mean": 0.97, "int8.cosine_min": None}
    limits = gates.changed(changes, precisions=(Precision.INT8,))
    assert limits[Precision.INT8].cosine_mean == 0.97
    assert limits[Precision.INT8].cosine_min is None
    assert limits[Precision.INT8].relative_l2_max == GATES[Precision.INT8].relative_l2_max
    assert limits[Precision.FP32] is GATES[Precision.FP32]


@pytest.mark.parametrize("name", ["int8", "int4.cosine_mean", "int8.cosine"])
def test_other_gates_are_refused(name: str) -> None:
    with pytest.raises(OptionError, match=r"^gates: expected PRECISION\.GATE with one of fp32, "):
        gates.changed({name: 0.5}, precisions=tuple(Precision))


def test_a_gate_that_nothing_would_use_is_refused() -> None:
    with pytest.raises(OptionError) as refusal:
        gates.changed({"int8.cosine_mean": 0.5}, precisions=(Precision.FP32,))
    assert str(refusal.value) == (
        "gates: int8.cosine_mean is for int8, but this is about fp32. Leave it out."
    )


@pytest.mark.parametrize("precision", Precision)
def test_any_number_of_pictures_can_tell_the_gates_there_are_by_default(
    precision: Precision,
) -> None:
    assert GATES[precision].cosine_p1 is None
    assert GATES[precision].neighbour_overlap_10 is None
