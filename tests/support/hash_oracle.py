"""The hashes as docs/hashing.md writes them down: a second implementation, to compare with."""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "hashing.md"
_BLOCK = re.compile(r"^```python\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)


def page_functions() -> dict[str, Any]:
    """Return what the page's first block of Python defines, such as `farmhash64`."""
    block = _BLOCK.search(PAGE.read_text("utf-8"))
    assert block is not None
    found: dict[str, Any] = {}
    for example in doctest.DocTestParser().get_examples(block[1]):
        exec(example.source, found)  # noqa: S102 - the page's own lines
    return found
