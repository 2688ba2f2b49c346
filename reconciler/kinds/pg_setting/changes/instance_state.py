"""What an instance runs, and what its files will bring: what every change of one of its settings begins with."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.kinds.pg_setting import provenance, values
from reconciler.kinds.pg_setting.model import Definition
from reconciler.kinds.pg_setting.observed import SettingObserved
from reconciler.kinds.pg_setting.values import Canonical, names
from reconciler.model import ComesTrue, Provenance


@dataclass(frozen=True, slots=True)
class State:
    """What the instance runs, and what its files will bring; None where that cannot be told.

    `derived`: the server itself made the running value, out of a default such as -1. `unset`: nobody has given it any
    value, not even an empty one, as only happens to what no library defines.
    """

    running: Canonical | None
    coming: Canonical | None
    boot: Canonical | None
    derived: bool
    unset: bool = False


def state_of(definition: Definition, observed: SettingObserved) -> State:
    """What runs, and what the files will bring."""
    running = values.read(definition, observed.running)
    boot = values.read(definition, definition.boot_val or ("" if definition.vartype == "string" else None))
    derived = observed.source in ("default", "override") and boot in (-1, 0) and running != boot
    entry = observed.last_entry
    if entry is not None:
        coming = values.read(definition, entry.setting)
    elif observed.source == "configuration file":
        coming = boot  # its line is gone, and the files have not been read again since
    else:
        coming = running
    unset = definition.unloaded and definition.boot_val is None and observed.source == "default"
    return State(running, coming, boot, derived, unset)


def where(definition: Definition, observed: SettingObserved, state: State, *, running: bool = False) -> Provenance:
    """Where the value in force comes from. `running`: it is as declared, and only the files differ."""
    if observed.source == "command line":
        comes_true = ComesTrue.NEVER
    elif definition.context == "postmaster":
        comes_true = ComesTrue.RESTART
    else:
        comes_true = ComesTrue.NEW_SESSION if definition.context.endswith("backend") else ComesTrue.RELOAD
    coming = short(definition, state.coming) if observed.server.files_visible and not state.derived else ""
    return provenance.of(
        observed,
        ComesTrue.RELOAD if running else comes_true,
        value=short(definition, state.running),
        coming=coming,
        sensitive=definition.name in names.SENSITIVE,
    )


def short(definition: Definition, value: Canonical | None) -> str:
    """`value` for people; empty where it is not known."""
    return "" if value is None else values.shown(definition, value)
