"""The command line: nouns with their verbs, options that stand anywhere, examples, and what was probably meant."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from firmtrail._version import __version__
from firmtrail.cli.verbs import Verb, option

#: before the verb or behind it
ANYWHERE = [
    option("url", "the server; else FIRMTRAIL_URL, else the profile's", metavar="URL"),
    option("profile", "of your settings; else FIRMTRAIL_PROFILE, else default", metavar="NAME"),
    option("project", "its id or name; else FIRMTRAIL_PROJECT, else that of the API key", metavar="PROJECT"),
]
#: how shtab is told to complete the name of a file
_FILES = {"bash": "_shtab_compgen_files", "zsh": "_files", "fish": "(__fish_complete_path (commandline -ct))"}
_CHOICE = re.compile(r"invalid choice: '(?P<given>[^']*)' \(choose from (?P<known>.*)\)")


class Parser(argparse.ArgumentParser):
    """Takes no abbreviations: a script that used one would break when an option is added."""

    def __init__(self, **how: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **how)

    def error(self, message: str) -> NoReturn:
        """Name what was probably meant, where a word is not known."""
        if found := _CHOICE.search(message):
            message += _suggestion(found["given"], re.findall(r"[\w-]+", found["known"]))
        super().error(message)

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Read a whole command."""
        options, unknown = self.parse_known_args(arguments)
        if unknown:
            parser: Parser = options.parser
            known = re.findall(r"--[\w-]+", parser.format_help())
            given = next((word for word in unknown if word.startswith("-")), unknown[0])
            parser.error(f"unrecognized arguments: {' '.join(unknown)}{_suggestion(given.partition('=')[0], known)}")
        return options


def new_parser(nouns: Mapping[str, tuple[str, Sequence[Verb]]], verbs: Sequence[Verb]) -> Parser:
    """Make the parser of all commands."""
    parser = Parser(prog="firmtrail", description="What every device runs, and what it ran.")
    parser.add_argument("--version", action="version", version=f"firmtrail {__version__}")
    parser.set_defaults(root=parser)
    _add_anywhere(parser, default=None)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for verb in verbs:
        _add(verb, commands)
    for noun, (about, below) in nouns.items():
        parsers = commands.add_parser(noun, help=about, description=about)
        _add_anywhere(parsers, default=argparse.SUPPRESS)
        of_noun = parsers.add_subparsers(metavar="VERB", required=True)
        for verb in below:
            _add(verb, of_noun)
    return parser


def _add(verb: Verb, commands: Any) -> None:
    examples = "\n".join(f"  firmtrail {example}" for example in verb.examples)
    parser = commands.add_parser(
        verb.name, help=verb.about, description=verb.about, epilog=f"examples:\n{examples.replace('%', '%%')}"
    )
    for argument in verb.all_arguments():
        action: Any = parser.add_argument(argument.name, help=argument.about, **argument.how)
        if argument.is_file:
            action.complete = _FILES
    _add_anywhere(parser, default=argparse.SUPPRESS)
    parser.set_defaults(verb=verb, parser=parser)


def _add_anywhere(parser: argparse.ArgumentParser, *, default: Any) -> None:
    group = parser.add_argument_group("options of every command")
    for argument in ANYWHERE:
        group.add_argument(argument.name, help=argument.about, default=default, **argument.how)


def _suggestion(given: str, known: Sequence[str]) -> str:
    near = [word for word in known if given.strip("-") and given.strip("-") in word]
    near = near or difflib.get_close_matches(given, known, n=1, cutoff=0.5)
    return f". Did you mean {near[0]}?" if near else ""
