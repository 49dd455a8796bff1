"""The command line as a whole: commands, wrong usage, and errors that name flags."""

from __future__ import annotations

import subprocess
import sys

import pytest

from edgefeat.cli.main import COMMANDS, build_parser, main
from edgefeat.cli.parser import Parser
from edgefeat.errors import OptionError


def edgefeat(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "edgefeat", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["extact", "a.jpg"], "edgefeat: error: no command 'extact'. Did you mean 'extract'?"),
        (
            ["weigh"],
            f"edgefeat: error: no command 'weigh'. There is {', '.join(COMMANDS)}",
        ),
        (
            ["extract"],
            "edgefeat extract: error: expected a SOURCE, or names by --files-from FILE",
        ),
        (
            ["extract", "a.jpg", "--treads", "2"],
            "edgefeat extract: error: no option '--treads'. Did you mean '--threads'?",
        ),
        (
            ["extract", "a.jpg", "--threads=0"],
            "edgefeat extract: error: --threads: expected a whole number of 1 or more, got 0.",
        ),
        (["info", "a", "b"], "edgefeat info: error: one argument too many: 'b'"),
        (["-x"], "edgefeat: error: the following arguments are required: COMMAND"),
    ],
    ids=["command", "no near command", "missing", "option", "value", "too many", "no command"],
)
def test_wrong_usage_takes_two_lines_whoever_finds_it(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: object = main(words)
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    command = said.partition(": error:")[0]
    assert capsys.readouterr().err.splitlines() == [said, f"see `{command} --help`"]


def test_the_bare_command_prints_its_help_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("usage: edgefeat [-h] [--version] COMMAND ...")


@pytest.mark.parametrize(
    "words",
    [
        ["set", "a.jpg", "-k", "2", "b.jpg"],
        ["set", "-k", "2", "a.jpg", "b.jpg"],
        ["-k", "2", "set", "--", "a.jpg", "b.jpg"],
        ["set", "-k", "2", "--", "a.jpg", "b.jpg"],
    ],
)
def test_names_may_stand_on_both_sides_of_an_option(words: list[str]) -> None:
    parser, commands = build_parser(only="search")
    arguments = parser.parse_command(commands, ["search", *words])
    assert (arguments.set, arguments.photos, arguments.k) == ("set", ["a.jpg", "b.jpg"], 2)


def test_a_name_with_a_dash_in_front_stands_behind_two_dashes() -> None:
    parser, commands = build_parser(only="extract")
    arguments = parser.parse_command(commands, ["extract", "a.jpg", "-q", "--", "-odd.jpg"])
    assert arguments.sources == ["a.jpg", "-odd.jpg"]


def test_an_option_that_the_library_refuses_looks_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    parser = Parser(prog="edgefeat test")
    parser.add_argument("--batch", type=int)
    assert parser.explain(OptionError("expected at most 9, got 10", option="batch")) == 2
    assert capsys.readouterr().err.splitlines() == [
        "edgefeat test: error: --batch: expected at most 9, got 10.",
        "see `edgefeat test --help`",
    ]


def test_errors_name_the_flags_of_the_command() -> None:
    done = edgefeat("extract", "a.jpg", "--model", "none.onnx")
    assert done.returncode == 3
    assert done.stderr.startswith("edgefeat: error: none.onnx: no such file.")


@pytest.mark.parametrize(
    ("option", "spelled"),
    [
        ("max_pixels", "--max-pixels"),
        ("batch=1", "--batch 1"),
        ("strict=False", "--no-strict"),
        ("normalize=True", "--normalize"),
        ("output", "--output"),
        ("sources", "SOURCE"),
        ("quiet", "-q"),
        ("idle_unload_s", "idle_unload_s"),
        ("colour='rgb'", "colour='rgb'"),
    ],
)
def test_options_are_spelled_as_the_command_has_them(option: str, spelled: str) -> None:
    parser = Parser(prog="edgefeat test")
    parser.add_argument("sources", nargs="+", metavar="SOURCE")
    parser.add_argument("-o", "--output")
    parser.add_argument("-q", dest="quiet", action="store_true")
    group = parser.add_argument_group("model")
    group.add_argument("--max-pixels", type=int)
    group.add_argument("--batch", type=int)
    group.add_argument("--no-strict", action="store_true")
    group.add_argument("--normalize", action="store_true")
    assert parser.spell(option) == spelled
