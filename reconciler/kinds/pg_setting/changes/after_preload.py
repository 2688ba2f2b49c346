"""Settings of libraries that this very plan loads: written after the restart, when the server knows them.

Until then nothing can say which values they take. The plan therefore holds the declared text, and says that the value
before is unknown; what the server refuses then is found by apply, before it is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.kinds.pg_setting import risk
from reconciler.kinds.pg_setting.changes import patroni, steps
from reconciler.kinds.pg_setting.changes.planned_outcomes import change
from reconciler.kinds.pg_setting.model import PgSetting
from reconciler.kinds.pg_setting.observed import SettingObserved
from reconciler.model import NEEDS_PERMISSION, Change, HazardType, Outcome

UNKNOWN = "unknown until it is loaded"

_OTHER_NAMES: Mapping[str, str] = {"cron": "pg_cron"}
"""Libraries of settings whose prefix is not the library's name."""

PRELOADED = frozenset(
    {
        *("auth_delay", "auto_explain", "basebackup_to_shell", "basic_archive", "citus", "pg_cron", "pg_prewarm"),
        *("pg_hint_plan", "pg_stat_statements", "pgaudit", "sepgsql", "timescaledb"),
    }
)
"""Libraries that are known to be preloaded, and to define the settings with their prefix. Of any other prefix nobody
knows which library defines it, and whether it is preloaded or loaded with its first function (pg_trgm, vector)."""


def library(setting: str) -> str:
    """What the library that defines `setting` is called, if it is called as its prefix; empty where it has none."""
    prefix = setting.partition(".")[0] if "." in setting else ""
    return _OTHER_NAMES.get(prefix, prefix)


def can_wait(desired: PgSetting, observed: SettingObserved) -> bool:
    """Whether a restart of this plan will make the setting known, and its declared value can be written as it is."""
    server = observed.server
    plain = isinstance(desired.value, str) and desired.value.lower() != "default"
    return plain and server.restarts and library(desired.setting) in (*server.to_preload, *server.preloading)


def planned(desired: PgSetting, observed: SettingObserved) -> Change:
    """The change, made before the library is loaded."""
    text = str(desired.value)
    by_patroni = observed.server.patroni is not None
    hazards = risk.of_text(desired.setting, text)
    return change(
        desired.model_copy(update={"after_restart": True}),
        before={"value": UNKNOWN, "source": ""},
        after={"value": text, "source": "postgresql.auto.conf"},
        notes=(f"after the restart that loads {library(desired.setting)}",),
        steps=patroni.late(desired, text, hazards)
        if by_patroni
        else (steps.alter("system", desired.setting, (text,), hazards=hazards), steps.RELOAD),
        undo=patroni.late(desired, None) if by_patroni else (steps.alter("system", desired.setting, ()), steps.RELOAD),
    )


def again(desired: PgSetting, observed: SettingObserved, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The same change, now that the library is loaded: `outcomes` are what would be planned of it today.

    That a change says so of itself is not enough: what no library defines is planned like everything else, and a
    hazard that could not be known then is not left out now.
    """
    if not library(desired.setting):
        return list(outcomes)
    before = planned(desired, observed)
    return [
        before if isinstance(outcome, Change) and _risks(outcome) <= _risks(before) else outcome for outcome in outcomes
    ]


def _risks(change: Change) -> set[HazardType]:
    return {hazard.type for step in change.steps for hazard in step.hazards if hazard.type in NEEDS_PERMISSION}
