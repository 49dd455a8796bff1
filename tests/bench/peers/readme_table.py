"""Puts the peers' table into a Markdown file, between its two marks.

python tests/bench/peers/readme_table.py out/peers.json docs/measurements.md
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from compare_peers import table

BEGIN, END = "<!-- peers: made by `make bench-peers` -->\n", "<!-- end of peers -->\n"


def main(source: Path, target: Path) -> int:
    """Replace what stands between the marks; return the exit code."""
    text = target.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.stderr.write(f"{target}: expected the lines {BEGIN.strip()!r} and {END.strip()!r}\n")
        return 1
    made = table(json.loads(source.read_text(encoding="utf-8")))
    target.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
