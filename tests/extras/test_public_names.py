"""The public names that need more than the runtime has: scikit-learn's and the exporter's."""

from __future__ import annotations

import pytest

from public_names import ELSEWHERE, changes


@pytest.mark.parametrize("module", ELSEWHERE)
def test_public_names_are_those_of_the_committed_file(module: str) -> None:
    assert (difference := changes(module)) == "", difference
