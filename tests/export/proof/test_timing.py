"""Timing in turns: every call gets as many runs, long ones get few."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from edgefeat.host.machine import processor
from edgefeat_export.proof import timing


def test_calls_take_turns_and_only_runs_after_the_warm_up_count() -> None:
    order: list[str] = []
    first, second = timing.in_turns([lambda: order.append("a"), lambda: order.append("b")], runs=3)
    assert order == ["a", "b"] * 8  # five turns warm up
    assert first.runs == second.runs == 3
    assert 0 < first.fastest_ms <= first.median_ms


def test_long_calls_end_early_but_are_timed_once() -> None:
    (found,) = timing.in_turns([lambda: time.sleep(0.01)], runs=50, at_most_s=1e-6)
    assert found.runs == 1
    assert found.median_ms == pytest.approx(found.fastest_ms)
    assert found.fastest_ms >= 10


def test_files_are_timed_under_the_conditions_that_are_told(root: Path) -> None:
    (found,) = timing.of_files([root / "models" / "efficientnet_lite0_224_int8.onnx"])
    assert 1 <= found.runs <= 40
    assert timing.conditions().startswith(f"{processor().model}, 1 thread, ONNX Runtime ")
