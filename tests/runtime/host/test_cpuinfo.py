"""Which instructions a CPU has, from the files of other machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgefeat.host.cpuinfo import instructions


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        (
            "processor\t: 0\nflags\t\t: fpu avx2 avx512_vnni\nbugs\t: x\nflags\t: other\n",
            ("fpu", "avx2", "avx512_vnni"),
        ),
        ("processor\t: 0\nFeatures\t: fp asimd asimddp\n", ("fp", "asimd", "asimddp")),
        ("processor\t: 0\n", ()),
    ],
    ids=["x86", "Arm", "neither"],
)
def test_flags_are_those_of_the_first_core(
    text: str, flags: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text(text)
    assert instructions(str(tmp_path)) == flags


def test_a_machine_that_tells_nothing_has_none(tmp_path: Path) -> None:
    assert instructions(str(tmp_path)) == ()
