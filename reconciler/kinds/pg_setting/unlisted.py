"""Settings of ALTER SYSTEM that nobody declares: lines of postgresql.auto.conf, which that alone writes.

They are told, and never reset: what they were set for is not known here. `postgresql.conf` is written by people, who
have no other place for what this tool does not manage, so that its lines are nobody's drift.

Decided: docs/decisions.md#unlisted-settings
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from reconciler.desired.unlisted import EVERYTHING, Rule, Unlisted, decided, left_beside, rules, together
from reconciler.kind import Declaration
from reconciler.kinds.pg_setting.model import Definition, PgSetting
from reconciler.kinds.pg_setting.provenance import AUTO, is_auto
from reconciler.kinds.pg_setting.sections import UNLISTED
from reconciler.kinds.pg_setting.yaml_comments import may_be_secret
from reconciler.model import Address, Frozen, Notice, NoticeType, Observed, Outcome, Resource
from reconciler.targets.postgres.session import PostgresSession

_MAY_READ = """
    select pg_catalog.has_table_privilege('pg_catalog.pg_file_settings', 'select')
           and pg_catalog.has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'execute') as may_read
"""

_LINES = """
    select pg_catalog.lower(name) as name, setting, sourcefile
    from pg_catalog.pg_file_settings where name is not null and sourcefile is not null order by seqno
"""


class UnlistedSettings(Resource):
    """What is to be said of a target's settings that nobody declares; `listed` are those that somebody does."""

    stands_for_itself: ClassVar[bool] = False

    rules: tuple[Rule, ...]
    listed: tuple[str, ...] = ()

    @property
    def own_name(self) -> str:
        """See `Resource.own_name`."""
        return EVERYTHING

    def left_beside(self, other: Resource) -> Resource | None:
        """See `Resource.left_beside`."""
        rules = left_beside(self.rules, other.rules) if isinstance(other, UnlistedSettings) else ()
        return self.model_copy(update={"rules": rules}) if rules else None


class FoundSetting(Frozen):
    """A line of postgresql.auto.conf; `shown` is what may be told of its value."""

    name: str
    shown: str
    rule: Rule


class ObservedUnlisted(Observed):
    """All of them; `hidden` not empty: what is missing to see them."""

    found: tuple[FoundSetting, ...] = ()
    hidden: str = ""


Declared = PgSetting | UnlistedSettings


def declare_unlisted(declaration: Declaration) -> UnlistedSettings:
    """The resource of a section `unlisted_settings`. Names of settings have no case. Raises DesiredError."""
    return UnlistedSettings(
        address=Address(declaration.target.name, "pg_setting", EVERYTHING),
        declared_at=declaration.at(()),
        rules=rules(declaration, str.lower),
    )


def gathered(declared: Sequence[Declared]) -> list[Declared]:
    """See `kind.Gathers`: one set of rules for each target, which knows what is declared there. Raises DesiredError."""
    found: dict[Address, UnlistedSettings] = {}
    listed: dict[str, list[str]] = {}
    settings = [each for each in declared if isinstance(each, PgSetting)]
    for setting in settings:
        if setting.of_instance:
            listed.setdefault(setting.address.target, []).append(setting.setting)
    for each in declared:
        if isinstance(each, UnlistedSettings):
            first = found.get(each.address, each.model_copy(update={"rules": ()}))
            both = {"rules": together(UNLISTED, (*first.rules, *each.rules))}
            found[each.address] = first.model_copy(
                update={**both, "listed": tuple(listed.get(each.address.target, ()))}
            )
    return [*settings, *found.values()]


def observe_unlisted(session: PostgresSession, wanted: UnlistedSettings) -> ObservedUnlisted:
    """The lines that nobody declares, the last of each name. Two round trips. Raises TargetError."""
    if not session.fetch(_MAY_READ)[0]["may_read"]:
        grant = "grant select on pg_catalog.pg_file_settings and execute on function"
        return ObservedUnlisted(
            hidden=f"not visible to role {session.role}: {grant} pg_catalog.pg_show_all_file_settings() to it"
        )
    lines = {row["name"]: row["setting"] or "" for row in session.fetch(_LINES) if is_auto(row["sourcefile"])}
    found = []
    for name, text in sorted(lines.items()):
        rule = decided(wanted.rules, name)
        if name not in wanted.listed and rule is not None and rule.policy is not Unlisted.KEEP:
            # What an application keeps in a setting of its own may be a secret, too.
            definition = Definition(name=name, vartype="string", context="sighup")
            hidden = "." in name or may_be_secret(definition, text)
            found.append(FoundSetting(name=name, shown="" if hidden else text, rule=rule))
    return ObservedUnlisted(found=tuple(found))


def plan_unlisted(desired: UnlistedSettings, observed: ObservedUnlisted) -> list[Outcome]:
    """What is to be said of each. Pure."""
    if observed.hidden:
        message = f"what no file declares is {observed.hidden}"
        return [_notice(desired.address, NoticeType.NOT_VISIBLE, message, desired.declared_at)]
    outcomes: list[Outcome] = []
    for each in observed.found:
        kind = NoticeType.UNWANTED if each.rule.policy is Unlisted.DRIFT else NoticeType.UNLISTED
        value = f" to {each.shown}" if each.shown else ""
        message = f"set by ALTER SYSTEM{value} (in {AUTO}), and no file declares it"
        outcomes.append(_notice(desired.address._replace(name=each.name), kind, message, each.rule.at))
    return outcomes


def declared_by_none(
    outcomes: Mapping[str, Sequence[Outcome]], declared: Mapping[str, Sequence[PgSetting]]
) -> dict[str, list[Outcome]]:
    """The outcomes of targets of one server, without what is told of a setting that another of them declares."""
    known = {each.address[1:] for settings in declared.values() for each in settings if each.of_instance}
    told = {NoticeType.UNLISTED, NoticeType.UNWANTED}
    return {
        target: [
            each for each in found if not (isinstance(each, Notice) and each.type in told and each.address[1:] in known)
        ]
        for target, found in outcomes.items()
    }


def _notice(address: Address, kind: NoticeType, message: str, at: str) -> Notice:
    return Notice(address=address, type=kind, message=message, declared_at=at)
