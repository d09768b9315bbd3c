"""`memfit completion`: a script by which a shell completes commands, options and files."""

from argparse import Action, ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Iterator

from memfit.cli.console import USABLE, Command, Parser
from memfit.errors import InputError

SHELLS = ("bash", "zsh", "tcsh")
_FILES = {"bash": "_shtab_compgen_files", "zsh": "_files", "tcsh": "f"}
"""What shtab calls the names of files, in each shell."""
_FILE_WORDS = (
    *("PATH", "FILE", "RESULT", "RESULT|PARAMS.toml", "PARAMS.toml", "OUT", "DIR"),
    *("FOLDER", "ROOT", "CSV", "DEVICE", "PICTURE"),
)
"""What stands for the name of a file or a folder."""


def _add_options(parser: Parser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="for which shell")


def _run(given: Namespace) -> int:
    """Print the script."""
    try:
        import shtab
    except ImportError as problem:
        raise InputError("Completion needs the package shtab: pip install shtab.") from problem
    parser = given.whole_parser()
    for action in _actions(parser):
        if action.metavar in _FILE_WORDS:
            action.complete = _FILES  # type: ignore[attr-defined]
    print(shtab.complete(parser, shell=given.shell))
    return USABLE


def _actions(parser: ArgumentParser) -> Iterator[Action]:
    """All options and arguments of a parser and of its commands."""
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            action.help = None  # what is hidden is not completed
            for name, one in action.choices.items():
                action._choices_actions.append(action._ChoicesPseudoAction(name, (), one.description))
                yield from _actions(one)
        else:
            yield action


COMPLETION = Command(
    summary="Print a script by which a shell completes commands, options and files.",
    details="For bash: memfit completion bash > ~/.local/share/bash-completion/completions/memfit\n"
    "For zsh, into a folder of fpath: memfit completion zsh > _memfit",
    add_options=_add_options,
    run=_run,
)
