"""Every pass does what its docstring shows."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

from edgefeat_export.graph import passes
from edgefeat_export.graph.passes.transpose_input import transpose_input
from edgefeat_export.graph.pipeline import PASSES, Pass
from graph_notation import assert_becomes, examples_of

NAMES = [module.name for module in pkgutil.iter_modules(passes.__path__)]
ONCE = {"transpose_input"}


def test_each_file_is_one_pass_of_its_name() -> None:
    assert {run.__module__ for run in PASSES} == {
        f"{passes.__name__}.{name}" for name in set(NAMES) - ONCE
    }
    assert {run.__name__ for run in PASSES} == set(NAMES) - ONCE
    assert len(set(PASSES)) == len(PASSES)


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_a_pass_is_what_it_does(name: str) -> None:
    run = getattr(importlib.import_module(f"{passes.__name__}.{name}"), name)
    assert_becomes(run, *examples_of(run))


def test_the_page_on_passes_lists_them_in_order_with_their_first_lines() -> None:
    text = (Path(__file__).parents[4] / "docs" / "passes.md").read_text(encoding="utf-8")
    rows = [f"| `{run.__name__}` | {_first_line(run)} |" for run in (transpose_input, *PASSES)]
    assert text.endswith("|---|---|\n" + "\n".join(rows) + "\n")


def _first_line(run: Pass) -> str:
    return (inspect.getdoc(inspect.getmodule(run)) or "").splitlines()[0]
