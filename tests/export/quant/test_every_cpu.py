"""One float graph and one set of pictures give one int8 graph, whatever the CPU."""

from __future__ import annotations

import pytest

import emulated
from emulated import Cpu

SCRIPT = str(emulated.SCRIPTS / "int8_graph.py")
OLDER = emulated.held_back()
PICTURES = "92b1a9f8b2f38a41f3123c7b47c13b7833e5c4d5549bfc294877c27761d28aac"
SUMS = """
import hashlib, json, numpy as np
a, b = np.random.default_rng(1).normal(size=(2, 300, 300))
print(json.dumps(hashlib.sha256((a @ b).tobytes()).hexdigest()))
"""


@pytest.fixture(scope="module")
def here() -> dict[str, str]:
    hashes: dict[str, str] = emulated.this_one().json(SCRIPT)
    return hashes


def test_softened_pictures_have_the_same_bytes_everywhere(here: dict[str, str]) -> None:
    """Half of eight crops of the sample photos are shrunk and grown back."""
    assert here["pictures"] == PICTURES


@pytest.mark.parametrize("cpu", OLDER, ids=lambda cpu: cpu.name.split()[0])
def test_kernels_for_older_cpus_make_the_same_graphs(cpu: Cpu, here: dict[str, str]) -> None:
    """`make test-builds` does so with the release's graph too, and on whole emulated CPUs."""
    assert sorted(here) == ["branches", "curved", "mobile", "pictures"]
    assert cpu.json(SCRIPT) == here


@pytest.mark.skipif(not OLDER, reason="only x86 has kernels for older CPUs")
def test_those_kernels_round_sums_in_other_ways() -> None:
    """Otherwise the test above would pass whatever the quantizer rested on."""
    assert len({cpu.json("-c", SUMS) for cpu in (emulated.this_one(), *OLDER)}) > 1
