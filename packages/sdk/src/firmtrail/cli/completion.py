"""`firmtrail completion`: scripts that let a shell complete commands."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import Any

from firmtrail.cli.verbs import UsageError, Verb


def _print(parser: Any, shell: str) -> None:
    try:
        import shtab  # noqa: PLC0415  an extra
    except ImportError:
        raise UsageError("Completion takes one more package: pip install 'firmtrail[completion]'") from None
    sys.stdout.write(shtab.complete(parser, shell))


def _verb(shell: str, example: str) -> Verb:
    return Verb(
        shell,
        f"the script for {shell}; needs firmtrail[completion]",
        lambda _, options: _print(options.root, shell),
        client=lambda _: nullcontext(),
        examples=[example],
    )


VERBS = [
    _verb("bash", "completion bash > ~/.local/share/bash-completion/completions/firmtrail"),
    _verb("zsh", "completion zsh > ~/.zfunc/_firmtrail"),
    _verb("fish", "completion fish > ~/.config/fish/completions/firmtrail.fish"),
]
