"""What the steps of a change will do on the server, read from the statements that will run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from reconciler.kinds.pg_index.model import Definition, PgIndex
from reconciler.model import Action, Change, HazardType, Outcome, SqlStep
from reconciler.targets.sql_tree import SyntaxProblem, parse

Verb = Literal["create", "reindex", "drop"]


class Command(NamedTuple):
    """One concurrent statement, on a table (create) or an index (reindex, drop) of that schema and name."""

    verb: Verb
    schema: str
    name: str


class Work(NamedTuple):
    """A change with its resource and its concurrent statements; `builds` are those that read a table."""

    change: Change
    resource: PgIndex
    commands: tuple[Command, ...]
    builds: tuple[Command, ...]

    @property
    def table(self) -> tuple[str, str]:
        """Schema and name of the table that the index was declared on."""
        return self.resource.schema_name, self.resource.table

    @property
    def loses(self) -> bool:
        """Whether queries lose an index that they may use: it goes, or its successor answers less."""
        return self.change.action is Action.DELETE or any(
            hazard.type is HazardType.INDEX_DROP for step in self.change.steps for hazard in step.hazards
        )

    @property
    def definition(self) -> Definition | None:
        """The declared definition, where the change builds it."""
        return self.resource.definition if self.builds else None


def works(outcomes: Sequence[Outcome]) -> list[Work]:
    """The work of every change among `outcomes`, in their order. Pure."""
    found = []
    for outcome in outcomes:
        if not isinstance(outcome, Change):
            continue
        commands, builds = [], []
        for step in outcome.steps:
            if isinstance(step, SqlStep) and not step.transaction:
                done = [command for statement in step.statements for command in _commands(statement)]
                commands += done
                if any(hazard.type is HazardType.INDEX_BUILD for hazard in step.hazards):
                    builds += done
        resource = PgIndex.model_validate(dict(outcome.desired))
        found.append(Work(outcome, resource, tuple(commands), tuple(builds)))
    return found


def _commands(statement: str) -> Iterator[Command]:
    """The concurrent commands of a statement; none of one that the parser does not know, because it is newer."""
    if "concurrently" not in statement.lower():
        return
    try:
        parsed = parse(statement)
    except SyntaxProblem:
        return
    for raw in parsed.stmts:
        node = raw.stmt
        match node.WhichOneof("node"):
            case "index_stmt" if node.index_stmt.concurrent:
                relation = node.index_stmt.relation
                yield Command("create", relation.schemaname, relation.relname)
            case "reindex_stmt" if any(each.def_elem.defname == "concurrently" for each in node.reindex_stmt.params):
                relation = node.reindex_stmt.relation
                yield Command("reindex", relation.schemaname, relation.relname)
            case "drop_stmt" if node.drop_stmt.concurrent:
                for name in node.drop_stmt.objects:
                    parts = [item.string.sval for item in name.list.items]
                    yield Command("drop", "".join(parts[:-1]), parts[-1])
