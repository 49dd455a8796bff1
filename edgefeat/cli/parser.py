"""The parser of a command line: one look for wrong usage, and options as their user spells them.

Wrong usage takes two lines, whoever finds it, and names the command that explains more:

    edgefeat extract: error: --batch: expected a whole number of 1 or more, got '0'
    see `edgefeat extract --help`
"""

from __future__ import annotations

import argparse
import sys

TYPE_CHECKING = False  # for type checkers: importing typing costs a tenth of `edgefeat --help`
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, NoReturn

    from edgefeat.errors import OptionError

__all__ = ["Parser", "command_named", "suggestion"]


class Parser(argparse.ArgumentParser):
    """A parser of one command, or of the program with its commands.

    What it parses holds itself as `parser`: of all parsers the one of the command that was named.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{**options, "exit_on_error": False})
        self.set_defaults(parser=self)

    def parse_command(
        self, commands: argparse._SubParsersAction[Parser], words: Sequence[str]
    ) -> argparse.Namespace:
        """Parse a command line that names one of the commands, or exit with code 2.

        Args:
            commands: What this parser's `add_subparsers` returned.
            words: The command line, without the program's name.
        """
        named = command_named(words)
        if named is not None and named not in commands.choices:
            there_is = f". There is {', '.join(commands.choices)}"
            self.error(f"no command {named!r}{suggestion(named, commands.choices) or there_is}")
        arguments = argparse.Namespace()
        _, unknown = self.parse_known_args(words, arguments)
        if named is None or not unknown:
            return arguments
        parser: Parser = arguments.parser
        if unknown[0] == "--" or not unknown[0].startswith("-"):
            # Names on both sides of an option, which argparse takes only when it is asked twice.
            rest = words[list(words).index(named) + 1 :]
            arguments, unknown = parser.parse_known_intermixed_args(rest)
        if unknown:
            parser._refuse(unknown[0])
        return arguments

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse what is known; argparse's errors get our look."""
        try:
            return super().parse_known_args(args, namespace)
        except argparse.ArgumentError as error:
            place = "" if error.argument_name is None else f"{error.argument_name}: "
            self.error(f"{place}{error.message}")

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the command line and exit with code 2."""
        self.exit(2, self._wrong_usage(message))

    def explain(self, error: OptionError) -> int:
        """Say what is wrong with an option's value and return the exit code, 2."""
        sys.stderr.write(self._wrong_usage(error.message(self.spell)))
        return 2

    def spell(self, option: str) -> str:
        """Return an option of the library as this command spells it.

        `max_pixels` becomes `--max-pixels`, `batch=1` becomes `--batch 1`, and `strict=False`
        becomes `--no-strict`. What this command has no flag for stays a keyword.
        """
        name, _, value = option.partition("=")
        if value == "False" and (switch := self._flag(f"no_{name}")):
            return switch
        flag = self._flag(name)
        if flag is None:
            return option
        return flag if value in ("", "True") else f"{flag} {value}"

    def _flag(self, keyword: str) -> str | None:
        flag = f"--{keyword.replace('_', '-')}"
        for action in self._actions:
            if action.dest == keyword or flag in action.option_strings:
                flags = [flag for flag in action.option_strings if flag.startswith("--")]
                names = flags or action.option_strings or [str(action.metavar or action.dest)]
                return names[0]
        return None

    def _refuse(self, word: str) -> NoReturn:
        if not word.startswith("-"):
            self.error(f"one argument too many: {word!r}")
        name = word.partition("=")[0]
        flags = [flag for action in self._actions for flag in action.option_strings]
        self.error(f"no option {name!r}{suggestion(name, flags)}")

    def _wrong_usage(self, message: str) -> str:
        return f"{self.prog}: error: {message}\nsee `{self.prog} --help`\n"


def command_named(words: Sequence[str]) -> str | None:
    """Return the command that a command line names; None if it names none."""
    return next((word for word in words if not word.startswith("-")), None)


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return a question that names the known word nearest to a mistyped one; empty if none is."""
    from difflib import get_close_matches  # only for those who mistype

    nearest = get_close_matches(word, known, n=1)
    return f". Did you mean {nearest[0]!r}?" if nearest else ""
