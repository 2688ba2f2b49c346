"""What is said beside a setting that is written down: where its value comes from, and what that hides.

Here, too, no value is told that may be a password.
"""

from __future__ import annotations

import re

from reconciler.kinds.pg_setting import provenance, values
from reconciler.kinds.pg_setting.model import Definition
from reconciler.kinds.pg_setting.observed import SettingObserved
from reconciler.kinds.pg_setting.values import names

_SECRET_NAME = re.compile(r"secret|passw|passphrase|token|credential|api_?key|private_?key|salt", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"passw(?:or)?d|pwd|secret|token|bearer|credential|api_?key|access_?key|private_?key|://[^/@\s:]*:[^/@\s]+@"
    r"|\b[0-9a-f]{32,}\b|\beyJ[\w-]{10}|[\w+-]{40}",
    re.IGNORECASE,
)
"""Words beside which a password stands in commands and connection strings, and what looks like a key: hexadecimal, a
JSON web token, forty letters without a break. Rather one too many than one too few: what is left out says so."""


def may_be_secret(definition: Definition, *texts: str | None) -> bool:
    """Whether the setting is one that holds a password, or one of `texts` looks as if it held one."""
    if definition.name in names.SENSITIVE:
        return True
    if definition.vartype != "string":
        return False
    return bool(
        _SECRET_NAME.search(definition.name.replace("ssl_passphrase_command_supports_reload", ""))
        or any(text and _SECRET_TEXT.search(text) for text in texts)
    )


def declare_instead(definition: Definition) -> str:
    """Why a secret is not written, and how it is declared."""
    variable = re.sub(r"\W", "_", definition.name).upper()
    return f"it may hold a password, and is not written: declare it as {{env: {variable}}} or {{file: PATH}}"


def of_instance(definition: Definition, observed: SettingObserved, *, waits: bool) -> str:
    """`postgresql.auto.conf, masks postgresql.conf:12 (4MB)`; with `waits`, what runs until the next restart."""
    last = observed.last_entry
    parts = [provenance.of_entry(observed) if last else provenance.of_running(observed)]
    if last is not None:
        parts += [
            f"masks {provenance.line(entry.file, entry.line)} ({told(definition, entry.setting)})"
            for entry in observed.entries[:-1]
            if values.read(definition, entry.setting) != values.read(definition, last.setting)
        ]
    if waits:
        parts.append(f"waits for a restart, {told(definition, observed.running)} runs")
    elif observed.pending_restart and not observed.server.files_visible:
        parts.append("a restart is pending, and brings a value that this role cannot see")
    parts.append(provenance.overridden(observed))
    return ", ".join(part for part in parts if part)


def of_scope(definition: Definition, observed: SettingObserved) -> str:
    """What the value of a database or a role hides; empty where that cannot be told."""
    if observed.definition is None or observed.running is None:
        return ""
    return f"masks the instance's {told(definition, observed.running)}"


def masked_lines(observed: SettingObserved) -> str:
    """`; it masks postgresql.conf:12`, for a value that no file holds; empty where no file has a line for it."""
    lines = ", ".join(provenance.line(entry.file, entry.line) for entry in observed.entries)
    return f"; it masks {lines}" if lines else ""


def told(definition: Definition, text: str | None) -> str:
    """A value of the server's as SHOW prints it, unless it may be a secret."""
    if text is not None and may_be_secret(definition, text):
        return "not shown"
    value = values.read(definition, text)
    shown = text or "" if value is None else values.shown(definition, value)
    return shown or "''"
