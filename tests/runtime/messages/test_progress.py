"""One line on a terminal, drawn on a real pseudo-terminal; nothing where there is none."""

import os
import pty
import re
import subprocess
import sys

import pytest

from edgefeat.messages.progress import Progress, TerminalLine


def on_a_terminal(code: str) -> str:
    """Return what a program shows on a terminal that is 40 characters wide."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": "40"}
    with subprocess.Popen([sys.executable, "-c", code], stderr=theirs, env=environment) as running:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 4096):
                shown += part
        except OSError:  # the other end was closed
            pass
        assert running.wait(60) == 0
    os.close(ours)
    return shown.decode().replace("\r\n", "\n")


def test_a_line_is_drawn_over_and_taken_away() -> None:
    shown = on_a_terminal(
        "from edgefeat.messages.progress import TerminalLine\n"
        "with TerminalLine() as line:\n"
        "    line.draw('one'); line.draw('one'); line.note('said'); line.draw('two ' * 20)\n"
    )
    clear = "\r\x1b[K"
    assert shown == f"{clear}one{clear}said\n{clear}{('two ' * 20)[:39]}{clear}"


def test_a_bar_counts_what_is_done_and_what_failed() -> None:
    shown = on_a_terminal(
        "import os; os.environ['COLUMNS'] = '99'\n"
        "from edgefeat.messages.progress import Progress\n"
        "with Progress(2, 'photos') as bar:\n"
        "    bar.advance(); bar.note('b.jpg: broken'); bar.advance(failed=True)\n"
    )
    half, note, whole, end = shown.split("\r\x1b[K")[1:]
    assert re.fullmatch(r"photos \[#{12}\.{12}\] 1/2  [\d.]+/s", half)
    assert note == "b.jpg: broken\n"
    assert re.fullmatch(r"photos \[#{24}\] 2/2  [\d.]+/s  0:00 left  1 failed", whole)
    assert end == ""


def test_a_bar_goes_on_from_what_was_done_before() -> None:
    shown = on_a_terminal(
        "import os; os.environ['COLUMNS'] = '99'\n"
        "from edgefeat.messages.progress import Progress\n"
        "with Progress(20, 'photos', before=18) as bar: bar.advance(); bar.advance()\n"
    )
    first = shown.split("\r\x1b[K")[1]
    assert "] 19/20  " in first


def test_without_a_terminal_only_lines_of_their_own_are_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Progress(2, "photos") as bar, TerminalLine() as line:
        bar.advance()
        line.draw("half")
        bar.note("b.jpg: broken")
        line.note("said")
    assert capsys.readouterr() == ("", "b.jpg: broken\nsaid\n")
