"""A frame that decodes though it is damaged is kept, and a run of them is told once."""

from __future__ import annotations

from pathlib import Path

import pytest

import edgefeat
from edgefeat.pictures.native_words import can_listen
from edgefeat.streaming import Event, EventKind, Selection

pytestmark = pytest.mark.skipif(not can_listen(), reason="no glibc: nothing is heard")


@pytest.mark.parametrize("roi", [None, (0, 0, 0.5, 0.5)])
def test_damaged_frames_are_kept_and_told_once(
    photos: Path, roi: tuple[float, float, float, float] | None, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = (photos / "coffee.jpg").read_bytes()
    half = whole[: len(whole) // 2] + b"\xff\xd9"
    events: list[Event] = []
    frames = [whole, half, half, whole, half]
    results = list(edgefeat.stream(frames, on_event=events.append, selection=Selection(roi=roi)))
    assert [one.index for one in results] == [0, 1, 2, 3, 4]
    told = [event.what for event in events if event.kind is EventKind.NOTICE]
    says = 'its decoder says "Corrupt JPEG data: premature end of data segment" and made up what'
    assert told == [
        f"frame 1 is a damaged JPEG: {says} is missing",
        f"frame 4 is a damaged JPEG: {says} is missing",
    ]
    assert capfd.readouterr().err == ""
