"""`reconciler explain`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from reconciler.cli.app import Run
from reconciler.cli.options import completed_names
from reconciler.cli.shared import load, now, show_lines
from reconciler.errors import UsageError
from reconciler.model import Address, System

if TYPE_CHECKING:
    from reconciler.desired.load import Desired
    from reconciler.model import Resource


@click.command()
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS…", shell_complete=completed_names.names)
@click.pass_obj
def command(run: Run, addresses: tuple[str, ...]) -> None:
    """Say where something is declared, and what decides about what no file lists; connect to nothing.

    An address is TARGET/KIND/NAME, as plans have it: main/pg_index/public.orders_idx, cache/redis_user/bob,
    main/pg_setting/work_mem; the target may be a pattern: tenant-*. Of the indexes of a table that nobody lists:
    main/pg_index/public.orders.*; of one of them alone, whose table no file knows, all rules are told that may be about
    it. Where a declaration overrides a default, the default's place is told as well, and so is each rule by which a
    difference is ignored.

    \b
    Exit codes: 0 all was told; 1 an error.
    """
    asked = [_address(text) for text in addresses]
    desired = load(run, sorted({address.target for address in asked}), offline=True)
    of_each = [one for address in asked for one in _of_each_target(address, desired)]
    show_lines("\n".join(line for each in of_each for line in (*_told(each, desired), *_ignored(each, desired))))


def _of_each_target(address: Address, desired: Desired) -> list[Address]:
    """`address`, or that of each target which its pattern fits and which can have such a thing."""
    from reconciler.desired.patterns import fits
    from reconciler.kinds.registry import BY_NAME

    if address.target in desired.targets:
        _refuse_other_system(address, desired.targets[address.target].system)
        return [address]
    fitting = {name: each.system for name, each in desired.targets.items() if fits(address.target, name)}
    wanted = BY_NAME[address.kind].system
    found = [name for name, system in fitting.items() if wanted in (None, system)]
    if not found:
        raise UsageError(f"{address}: of the targets that {address.target} fits, none is {wanted}")
    return [address._replace(target=name) for name in found]


def _address(text: str) -> Address:
    from reconciler.kinds.registry import BY_NAME

    try:
        address = Address.parse(text)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if address.kind not in BY_NAME:
        raise UsageError(f"{text}: there is no kind {address.kind}; choose one of {', '.join(BY_NAME)}")
    return address


def _refuse_other_system(address: Address, system: System) -> None:
    from reconciler.kinds.registry import BY_NAME

    wanted = BY_NAME[address.kind].system
    if wanted not in (None, system):
        raise UsageError(f"{address}: {address.target} is {system}, and {address.kind} is of {wanted}")


def _near(address: Address, declared: Sequence[Resource]) -> Iterator[str]:
    """What is declared and may be meant: the same in a scope (`database app/work_mem`), or a name that is near."""
    from reconciler.yaml.suggestions import nearest

    if address.name.endswith("*"):  # it is asked for rules
        return
    known = {each.address.name: each for each in declared if each.stands_for_itself}
    near = [name for name in known if name.endswith(f"/{address.name}")]
    if not near and (name := nearest(address.name, known)):
        near = [name]
    for name in near:
        yield f"  {known[name].address} is declared, at {known[name].declared_at}"


def _ignored(address: Address, desired: Desired) -> Iterator[str]:
    """By which rules a difference there is ignored, or was until one of them ended."""
    from reconciler.planning.ignoring import is_about

    today = now().date()
    for rule in desired.ignore:
        if is_about(rule, address, address.target):
            what = f"its {rule.attribute}" if rule.attribute else "what differs"
            state = f"{what} is ignored until" if today <= rule.until else f"{what} was ignored until"
            yield f"  {state} {rule.until}, by {rule.pattern} at {rule.declared_at}: {rule.reason}"


def _told(address: Address, desired: Desired) -> Iterator[str]:
    from reconciler.kind.explaining import Rules
    from reconciler.kinds.registry import BY_NAME

    mine = [each for each in desired.resources if each.address[:2] == address[:2]]
    declared = [each for each in mine if each.address == address and each.stands_for_itself]
    if declared:
        yield f"{address}: declared at {declared[0].declared_at}"
        for place in desired.overridden.get(address, ()):
            yield f"  and not at {place}, which is a default"
        return
    kind = BY_NAME[address.kind]
    found = kind.rulings(address, mine) if isinstance(kind, Rules) else []
    defaults = [each for each in desired.overridden_rules if each.address[:2] == address[:2]]
    known = {(each.pattern, each.at) for each in found}
    overridden = [
        f"  and not {each.policy}, by {each.pattern} at {each.at}, which is a default"
        for each in (kind.rulings(address, defaults) if isinstance(kind, Rules) else [])
        if (each.pattern, each.at) not in known
    ]
    if not found:
        yield f"{address}: no file declares it, and it is kept"
        yield from _near(address, mine)
        return
    decides, *others = found
    if decides.only_by:
        yield f"{address}: no file declares it, and {decides.only_by} decides: by the first of these that fits"
        for each in found:
            yield f"  {each.policy}, by {each.pattern} at {each.at}"
        yield from overridden
        return
    yield f"{address}: no file declares it: {decides.policy}, by {decides.pattern} at {decides.at}"
    for each in others:
        yield f"  and not {each.policy}, by {each.pattern} at {each.at}"
    yield from overridden
    yield from _near(address, mine)
