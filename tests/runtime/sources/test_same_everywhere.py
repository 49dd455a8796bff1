"""Frames of each kind of source have the same pixels and features on this CPU as on any other."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import edgefeat

TESTS = Path(__file__).parents[2]


def test_frames_are_the_committed_ones_on_this_cpu(extractor: edgefeat.FeatureExtractor) -> None:
    spec = importlib.util.spec_from_file_location("sources", TESTS / "cpus" / "sources.py")
    assert spec is not None
    assert spec.loader is not None
    sources = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sources)
    found = sources.hashes(extractor)
    assert found == json.loads((TESTS / "data" / "frames.json").read_text())
    for kind in ("JPEG 640x480", "JPEG 1920x1080", "yuyv422", "nv12", "yuv420p", "gray8"):
        for number in range(sources.FRAMES):  # a camera's frame is what comes through a pipe
            by_pipe = found[f"{kind} on a pipe {number}: features"]
            assert found[f"{kind} of a camera {number}: features"] == by_pipe
