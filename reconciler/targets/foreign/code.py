"""Code of others: what may run on our behalf when SQL of somebody else is planned, and who could have written it.

PostgreSQL runs functions while it plans: immutable ones of constants are folded, stable ones are tried for estimates,
and so are those in each index, constraint, policy and statistics object of every table in the statement. They run as
the session's role. A role that may more than the owner of a function must not run it for him; so a text is only given
to the planner where nothing that it reaches could have been written by a stranger: a role that is no superuser, and
that the session may not act as. A superuser may act as everybody, and trusts superusers alone.

What a text reaches is told by the names in it. Which overload the server would choose is not known here, nor needed:
every function of that name, in every schema where it would be looked for, has to be free of strangers.

Decided: docs/decisions.md#code-by-its-names
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from reconciler.targets.foreign.question import Question
from reconciler.targets.foreign.reached_names import Call, Name, Reached
from reconciler.targets.postgres.server_messages import SOMEBODY_MADE
from reconciler.targets.postgres.session import Asked, Row


class Function(NamedTuple):
    """A function that a call may mean. `owner`: the stranger whose it is; empty: nobody's of those.

    `prokind`, `volatility` as in pg_proc; `least` and `most` arguments, None for any number; `extension` it belongs to;
    `internal`: it takes a cstring or an internal argument; `follows`: on which search_path its body looks for names.
    """

    schema: str
    name: str
    owner: str
    prokind: str
    returns_set: bool
    volatility: str
    least: int
    most: int | None
    internal: bool
    follows: str
    extension: str

    def takes(self, arguments: int | None) -> bool:
        """Whether it can be called with so many."""
        return arguments is None or (self.least <= arguments and (self.most is None or arguments <= self.most))


class Lean(NamedTuple):
    """What planning or running a query on a table reaches of a stranger.

    `of_index`: whose expression or predicate it is, or nothing. `what` and `part` as in `LEANING`, "function", "view",
    "policies", "domain", "foreign table", or the search_path that the body of a function follows; whose it is, if a
    stranger's.
    """

    of_index: Name
    what: str
    part: Name
    owner: str


class ForeignCode:
    """What texts and tables reach of strangers, as far as they were asked about."""

    def __init__(self, question: Question, rows: Sequence[Sequence[Row]], unknown: str = "") -> None:
        """`rows`: what the queries of `question` answered; `unknown`: why there are none, which stops everything."""
        self._question = question
        self._rows = rows[1:]
        self._path = (*question.path, "pg_catalog")
        self._unknown = unknown
        self._functions: dict[Name, list[Function]] = {}
        self._operators: dict[Name, str] = {}
        self._changing: set[Name] = set()
        self._anybody: tuple[Name, str] | None = None
        self._on_path: tuple[Name, str] | None = None
        self._event_trigger: tuple[Name, str] | None = None
        self._is_utf8 = True
        by_name: Sequence[Row] = self._rows[0] if self._rows else ()
        leaning: Sequence[Row] = self._rows[1] if len(self._rows) > 1 else ()
        for row in by_name:
            kind, name, owner = row["kind"], (row["schema"], row["name"]), row["owner"] or ""
            match kind:
                case "function":
                    texts = {"owner": owner, "extension": row["extension"] or "", "follows": row["follows"] or ""}
                    fields = {key: row[key] for key in Function._fields}
                    self._functions.setdefault(name, []).append(Function(**(fields | texts)))
                case "operator":
                    if owner:
                        self._operators[name] = owner
                    if row["volatility"] != "i":
                        self._changing.add(name)
                case "any":
                    self._anybody = self._anybody or (name, owner)
                case "on path":
                    self._on_path = self._anybody = (name, owner)
                case "event trigger":
                    self._event_trigger = (name, owner)
                case "strangers":
                    self._unknown = SOMEBODY_MADE
                case "encoding":
                    self._is_utf8 = row["name"] == "UTF8"
        self._leans: dict[str, dict[Name, list[Lean]]] = {}
        for row in leaning:
            index = (row["index_schema"] or "", row["index"] or "")
            lean = Lean(index, row["what"], (row["part_schema"], row["part"]), row["owner"] or "")
            # Where nobody else has anything, a body finds what its author meant.
            if lean.owner or lean.what == "foreign table" or self._misled(lean.what):
                self._leans.setdefault(row["kind"], {}).setdefault((row["schema"], row["name"]), []).append(lean)
        self._suspect = {name for _, name in self._operators} | {name for of in self._leans.values() for _, name in of}
        self._suspect |= {
            name for (_, name), all_of_it in self._functions.items() if any(f.owner or f.follows for f in all_of_it)
        }

    def about(self, texts: Iterable[Reached | None], tables: Iterable[Name] = ()) -> ForeignCode:
        """The same of some of the texts and tables that were asked about, so that `with_path` looks at no others."""
        question = replace(self._question, texts=[text for text in texts if text], tables=list(tables))
        rows = [[], *([row for row in answer if question.is_about(row)] for answer in self._rows)]
        return ForeignCode(question, rows, self._unknown)

    def with_path(self, path: str) -> list[Asked]:
        """Sets a search_path until the transaction ends: for what is sent behind it, which holds texts of users that
        were asked about. To be sent while the search_path is empty; an error where by now something leads to code of
        strangers that did not when it was asked."""
        known = [row["said"] for answer in self._rows for row in answer if "said" in row]
        return self._question.set_path(path, known)

    def functions(self, call: Call) -> list[Function]:
        """Every function that `call` may mean."""
        return [
            each
            for name in self._places(call.name)
            for each in self._functions.get(name, ())
            if each.takes(call.arguments)
        ]

    def changing(self, reached: Reached) -> str:
        """An operator of users in a text that is not immutable; empty where there is none. Those of pg_catalog that are
        not, all of them of times, do no more than compute."""
        return next(
            (
                _shown(place)
                for name in sorted(reached.operators)
                for place in self._places(name)
                if place in self._changing
            ),
            "",
        )

    def in_text(self, reached: Reached | None) -> str:
        """Why a text must not be planned by this session, whose code it may reach; empty where it may.

        None: a text that our parser does not know, because it is newer.
        """
        if self._unknown:
            return self._unknown
        if reached is None or (reached.has_odd_names and not self._is_utf8):
            return self._theirs("functions that our parser cannot find in it")
        if self._suspect.isdisjoint(reached.names) and not self._of("cast"):
            return ""
        for name in sorted(reached.functions):
            for place in self._places(name):
                for function in self._functions.get(place, ()):
                    if function.owner:
                        return _whose(f"{_shown(place)}()", function.owner)
                    if self._misled(function.follows):
                        return self._followed(place, function.follows)
        for name in sorted(reached.operators):
            for place in self._places(name):
                if owner := self._operators.get(place):
                    return _whose(f"the operator {_shown(place)}", owner)
        named = (("function", reached.functions), ("operator", reached.operators), ("type", reached.types))
        places = [(kind, place) for kind, names in named for name in sorted(names) for place in self._places(name)]
        places.append(("cast", ("", "")))  # between types that no text has to name
        return next(filter(None, (self._why(self._leaning(kind, place)) for kind, place in places)), "")

    def in_index(self, index: Name) -> str:
        """Why the expressions of an index that is there must not be planned by this session."""
        leans = [lean for leans in self._of("table").values() for lean in leans if lean.of_index == index]
        return self._unknown or self._why(leans)

    def in_row(self, table: Name) -> str:
        """Why expressions over a row of `table` must not be planned by this session: the types of its columns."""
        return self._unknown or self._why(self._leaning("row", table))

    def in_table(self, table: Name) -> str:
        """Why no query on `table` must be planned by this session."""
        return self.in_row(table) or self._why(self._leaning("table", table))

    def in_statement(self, reached: Reached) -> str:
        """Why a whole statement must not be planned by this session: its text, and the tables in it."""
        tables = (self.in_table(place) for name in sorted(reached.relations) for place in self._places(name))
        return self.in_text(reached) or next(filter(None, tables), "")

    def in_event_triggers(self) -> str:
        """Why no object must be made by this session, be it for a moment: an event trigger may run code of others."""
        if self._unknown or self._event_trigger is None:
            return self._unknown
        name, owner = self._event_trigger
        if owner:
            return _whose(f"{_shown(name)}() of an event trigger", owner)
        return self._followed(name, _OWN) if self._anybody else ""

    def _of(self, kind: str) -> Mapping[Name, list[Lean]]:
        return self._leans.get(kind, {})

    def _leaning(self, kind: str, name: Name) -> Sequence[Lean]:
        return self._of(kind).get(name, ())

    def _places(self, name: Name) -> Iterable[Name]:
        return [name] if name[0] else [(schema, name[1]) for schema in self._path]

    def _theirs(self, what: str) -> str:
        return _whose(what, self._anybody[1]) if self._anybody else ""

    def _why(self, leans: Sequence[Lean]) -> str:
        if not leans:
            return ""
        lean = min(leans)
        of = f" of the index {_shown(lean.of_index)}" if lean.of_index[1] else ""
        match lean.what:
            case path if path in (_OWN, _SESSIONS):
                return self._followed(lean.part, path)
            case "foreign table":
                return f"{_shown(lean.part)} is a foreign table: another server would be asked"
            case "function":
                return _whose(f"{_shown(lean.part)}(){of}", lean.owner)
            case "policies":
                return _whose(f"the policies of {_shown(lean.part)}", lean.owner)
            case "domain":
                return _whose(f"the constraints of the domain {_shown(lean.part)}", lean.owner)
            case _:
                return _whose(f"the view {_shown(lean.part)}", lean.owner)

    def _misled(self, path: str) -> tuple[Name, str] | None:
        """What of a stranger may be found on a path that the body of a function follows: `_SESSIONS` or `_OWN`."""
        return {_SESSIONS: self._on_path, _OWN: self._anybody}.get(path)

    def _followed(self, function: Name, path: str) -> str:
        """A function whose names may be found to be somebody else's."""
        name, owner = self._misled(path) or (("", ""), "")
        return f"{_shown(function)}() looks for names on {path} search_path, and {_whose(_shown(name), owner)}"


_SESSIONS, _OWN = "the session's", "its own"


def _shown(name: Name) -> str:
    return ".".join(filter(None, name))


def _whose(what: str, owner: str) -> str:
    way = f"connect as {owner}, or as a member of it that is no superuser"
    return f"it may run {what}, which {owner} could have written: {way}"
