"""`reconciler completion`."""

from __future__ import annotations

import click

_SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
def command(shell: str) -> None:
    """Print the script by which a shell completes verbs, options, targets and addresses.

    \b
    bash, in ~/.bashrc:                        eval "$(reconciler completion bash)"
    zsh, in ~/.zshrc:                          eval "$(reconciler completion zsh)"
    fish, in ~/.config/fish/config.fish:       reconciler completion fish | source

    Names are those of the folder that --desired names. Nothing is connected to, and no variable needs to be set.

    \b
    Exit codes: 0.
    """
    from click.shell_completion import get_completion_class

    from reconciler.cli.app import ASKED_BY_A_SHELL, reconciler
    from reconciler.cli.shared import show

    if script := get_completion_class(shell):
        show(script(reconciler, {}, "reconciler", ASKED_BY_A_SHELL).source())
