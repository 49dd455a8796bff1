"""Flags are made from records of options, read back, and refused where they have no effect."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from edgefeat.cli.main import main
from edgefeat.cli.options import add_options, is_given, read_options, refuse
from edgefeat.cli.parser import Parser
from edgefeat.errors import OptionError
from edgefeat.options.checks import switch, whole_number
from edgefeat.options.option import Options, option, whole_from


class KettleOptions(Options):
    """What a kettle can be asked."""

    cups: int = option(2, "cups to fill", check=whole_number, read=whole_from, metavar="N")
    tea: str | None = option(
        None, "100 % this tea (default: none)", check=lambda _name, value: value
    )
    whistle: bool = option(False, "whistle at the end", check=switch)
    keep_warm: bool = option(True, "let the water cool", check=switch)
    voltage: int = option(230, "volts", check=whole_number, flag=False)


@pytest.fixture
def parser() -> Parser:
    parser = Parser(prog="kettle")
    add_options(parser, KettleOptions, title="kettle")
    parser.add_argument("--every", type=int, default=1)
    return parser


def parse(parser: Parser, line: str) -> argparse.Namespace:
    return parser.parse_args(line.split())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", KettleOptions()),
        ("--cups 5 --tea green", KettleOptions(cups=5, tea="green")),
        ("--whistle --no-keep-warm", KettleOptions(whistle=True, keep_warm=False)),
    ],
    ids=["nothing", "values", "switches"],
)
def test_flags_make_the_record(parser: Parser, line: str, expected: KettleOptions) -> None:
    assert read_options(parse(parser, line), KettleOptions) == expected


@pytest.mark.parametrize("text", ["0", "-1", "x", "2.5", ""])
def test_the_record_checks_and_the_flag_is_named(parser: Parser, text: str) -> None:
    arguments = parser.parse_args([f"--cups={text}"])
    with pytest.raises(OptionError) as caught:
        read_options(arguments, KettleOptions)
    shown = 0 if text == "0" else repr(text)
    assert caught.value.message(parser.spell) == (
        f"--cups: expected a whole number of 1 or more, got {shown}."
    )


def test_help_shows_words_and_defaults(parser: Parser) -> None:
    text = " ".join(parser.format_help().split())
    assert "kettle: --cups N cups to fill (default: 2)" in text
    assert "--tea VALUE 100 % this tea (default: none)" in text
    assert "--whistle whistle at the end" in text
    assert "--no-keep-warm let the water cool" in text
    assert "volt" not in text


def test_a_part_of_a_record_can_be_added_to_a_group_that_is_there() -> None:
    parser = Parser(prog="kettle")
    group = parser.add_argument_group("water")
    add_options(parser, KettleOptions, title="water", only=["cups"])
    assert [action.dest for action in group._group_actions] == ["cups"]


def test_what_is_given_is_known_and_can_be_refused(parser: Parser) -> None:
    arguments = parse(parser, "--no-keep-warm --cups 2 --every 1")
    given = [name for name in ("cups", "tea", "whistle", "keep_warm") if is_given(arguments, name)]
    assert given == ["cups", "keep_warm"]  # also one that was given as its default
    assert not is_given(arguments, "every")
    refuse(arguments, "tea", "whistle", problem="has no effect")
    with pytest.raises(OptionError) as caught:
        refuse(
            arguments, "tea", "keep_warm", problem="has no effect on cold water", remedy="Heat it."
        )
    assert caught.value.message(parser.spell) == (
        "--no-keep-warm: has no effect on cold water. Heat it."
    )


def test_a_model_with_more_outputs_says_so_on_stderr(
    root: Path, photos: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = root / "tests" / "data" / "three_outputs.onnx"
    words = ["extract", str(photos / "coffee.jpg"), "--model", str(model)]
    assert main(words) == 0
    assert capfd.readouterr().err == (
        f"edgefeat: note: {model}: the vector is the first output, features (3); left out: grid "
        "(2 x 2 x 3), quarters (12). Choose with --outputs: names, or all.\n"
    )
    assert main([*words, "--outputs", "features"]) == 0
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("flag", [["--providers", "cpu"], ["--no-strict"], ["--threads", "2"]])
def test_info_refuses_what_only_a_self_test_uses(
    flag: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["info", *flag]) == 2
    assert capsys.readouterr().err.startswith(
        f"edgefeat info: error: {flag[0]}: has no effect: without a self-test nothing runs. Add "
        "--self-test.\n"
    )
    assert main(["info", "--self-test", *flag]) == 0
