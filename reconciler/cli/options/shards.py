"""The option that leaves a run a part of the targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reconciler.cli.app import Run

if TYPE_CHECKING:
    from reconciler.desired.load import Desired
    from reconciler.model import Shard

F = TypeVar("F", bound=Callable[..., Any])


class OneShard(click.ParamType["Shard"]):
    """A shard: I/N."""

    name = "shard"

    def convert(self, value: str | Shard, param: click.Parameter | None, context: click.Context | None) -> Shard:
        """Fails with what is valid."""
        from reconciler.fleet.shards import parse

        if not isinstance(value, str):
            return value
        try:
            return parse(value)
        except ValueError as error:
            self.fail(str(error), param, context)


def option(command: F) -> F:
    """Adds `--shard` to `command`, which gets it as `shard`."""
    return click.option(
        "--shard", type=OneShard(), metavar="I/N",
        help="Take the targets of one of N shards only, from 0/N on: those of one server are in one of them.",
    )(command)  # fmt: skip


def taken(run: Run, desired: Desired, shard: Shard | None) -> Desired:
    """`desired` without the targets of other shards; where none is left, that is said.

    What is declared of other targets stays: what a run asks for by its address may be of another shard.
    """
    from reconciler.fleet.shards import members

    if shard is None:
        return desired
    targets = members(desired.targets, shard)
    if not targets:
        run.tell(f"No target is of the shard {shard}: there is nothing to do.")
    return replace(desired, targets=targets)
