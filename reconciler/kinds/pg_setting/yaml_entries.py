"""What is to be written of one setting: in which forms it may be declared, or why it is left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reconciler.kinds.pg_setting import provenance, values, yaml_comments
from reconciler.kinds.pg_setting.changes import managed, obstacles, scoped
from reconciler.kinds.pg_setting.changes.patroni import SOURCE
from reconciler.kinds.pg_setting.model import Definition, PgSetting
from reconciler.kinds.pg_setting.observed import Server, SettingObserved
from reconciler.kinds.pg_setting.values import Canonical, names
from reconciler.yaml.writing import LeftOut

_FIXED = "fixed when the server was built, its cluster was made, or it was started"
_SOURCES_OF_DEFAULTS = ("default", "override")

Form = str | list[str]
Path = tuple[str, ...]
"""Where an entry stands: the section, then the keys down to the name of the setting."""


@dataclass(frozen=True, slots=True)
class Found:
    """A setting that may be declared, in the `forms` that are to be tried one after the other.

    `comment(waits)` is what stands beside it, where `waits` says that it waits for a restart; `otherwise` why it is
    left out if no form is read back as what is there, empty for what the plan says.
    """

    forms: Sequence[Form]
    comment: Callable[[bool], str]
    otherwise: str = ""


Entry = Found | LeftOut


def of_instance(resource: PgSetting, observed: SettingObserved) -> Entry | None:
    """None where the setting is at its default."""
    definition = observed.definition
    if definition is None:
        return None  # it has gone since the names were read
    boot = values.read(definition, definition.boot_val or ("" if definition.vartype == "string" else None))
    running = values.read(definition, observed.running)
    by_default = observed.source in _SOURCES_OF_DEFAULTS
    never = obstacles.never(definition)
    if never:
        if definition.context == "internal":
            return None if running == boot else LeftOut(_FIXED)
        return None if by_default or observed.masked_by else LeftOut(never)
    if observed.source == "command line":
        return LeftOut(f"given on the server's command line{yaml_comments.masked_lines(observed)}")
    if observed.source == "environment variable":
        return LeftOut("given by the environment that the server was started in")
    if observed.running is None and observed.masked_by:
        return LeftOut(f"not visible to this session because of {observed.masked_by}")
    lines = [values.read(definition, entry.setting) for entry in observed.entries]
    if not any(value != boot for value in lines) and (by_default or running == boot):
        return None
    texts = (observed.running, *(entry.setting for entry in observed.entries))
    if yaml_comments.may_be_secret(definition, *texts):
        return LeftOut(yaml_comments.declare_instead(definition))
    last = observed.last_entry
    forms = [*_forms(definition, last.setting if last else None), *_forms(definition, observed.running)]
    otherwise = ""
    if last is not None and lines[-1] != running:
        held, runs = yaml_comments.told(definition, last.setting), yaml_comments.told(definition, observed.running)
        otherwise = f"{provenance.of_entry(observed)} holds {held}, which is not loaded: {runs} runs; reload first"
    return Found(forms, lambda waits: yaml_comments.of_instance(definition, observed, waits=waits), otherwise=otherwise)


def of_scope(resource: PgSetting, observed: SettingObserved) -> Entry | None:
    """None where the database or the role no longer has a value of its own."""
    definition = observed.definition
    custom = "." in resource.setting and observed.absence in ("unknown", "unlisted")
    if definition is None and not custom:
        return LeftOut(f"not visible to role {observed.server.role}: grant pg_read_all_settings to it")
    definition = definition or scoped.custom(resource.setting)
    if observed.own is None:
        return None  # it has gone since the names were read
    if yaml_comments.may_be_secret(definition, observed.own):
        return LeftOut(yaml_comments.declare_instead(definition))
    return Found(_forms(definition, observed.own), lambda _: yaml_comments.of_scope(definition, observed))


def kept_elsewhere(server: Server) -> dict[Path, Entry]:
    """The instance's settings where Patroni or a host keeps them: Patroni's configuration, or why nothing."""
    if server.patroni is None:
        name = server.owner.name if server.owner else ""
        way = "declare patroni: {url: …} for this target" if name == "Patroni" else "change them there"
        return {("settings", "all settings of the instance"): LeftOut(f"{name} keeps them: {way}")}
    entries: dict[Path, Entry] = {}
    for name, text in sorted(server.patroni.parameters.items()):
        if name in names.SENSITIVE or name in managed.PATRONI_FROM_THE_NODE:
            entries["settings", name] = LeftOut("it is Patroni's own, or may hold a password")
        else:
            entries["settings", name] = Found(
                [text], lambda waits: f"{SOURCE}{', waits for a restart' if waits else ''}"
            )
    return entries


def _forms(definition: Definition, text: str | None) -> list[Form]:
    """`text` as people write it, then as the server has it."""
    if text is None:
        return []
    value = values.read(definition, text)
    return [text] if value is None else [_spelled(definition, value), text]


def _spelled(definition: Definition, value: Canonical) -> Form:
    return list(value) if isinstance(value, tuple) else values.shown(definition, value)
