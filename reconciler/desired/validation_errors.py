"""What a model refused, in plain words, at the place where it is written.

pydantic answers with errors by location, and for a union with those of every alternative. Here they become one
sentence each: those of the alternative that was probably meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from reconciler.errors import DesiredError
from reconciler.secrets import SHORTEST_REDACTED
from reconciler.yaml.node import Node, shape
from reconciler.yaml.suggestions import alternatives, nearest, quoted, unknown

_SECRETIVE = re.compile(r"pass|secret|token|auth$|url|^(?:postgres|redis|http)$", re.IGNORECASE)
"""Names of keys whose values are not repeated in an error: they are secrets, or URLs that hold one."""

_MAPPING = "a mapping {key: value}"

_SECRET = ("{env: NAME}", "{file: PATH}")
"""How a secret is named in place of that, since it may not be written."""

_EXPECTED = {
    "string": "text",
    "bool": "yes or no",
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "list": "a list [a, b]",
    "tuple": "a list [a, b]",
    "set": "a list [a, b]",
    "frozen_set": "a list [a, b]",
    "dict": _MAPPING,
    "mapping": _MAPPING,
    "model": _MAPPING,
    "model_attributes": _MAPPING,
    "dataclass": _MAPPING,
    "date": "a date, like 2026-12-31",
    "date_from_datetime": "a date, like 2026-12-31",
    "datetime": "a date and time, like 2026-12-31T12:00:00Z",
    "time_delta": "a duration, like 15s or 00:15:00",
    "none_required": "nothing",
}
"""By the type of pydantic's error, without its ending `_type` or `_parsing`."""

_OF_TYPE = re.compile(r"(.+?)_(?:type|parsing)(?:_size)?|(none_required|date_from_datetime|int_from_float).*")

_Path = tuple[str | int, ...]


class _Alternative(str):
    """A step of a route that chooses an alternative of a union, and is not in the text."""

    __slots__ = ()


class _Problem:
    """One error at one node.

    `route` leads there with the alternatives of unions, `path` without. `expected` is set where the value as a whole is
    of the wrong type or not one of a few.
    """

    def __init__(self, route: _Path, node: Node, detail: ErrorDetails) -> None:
        self.route = route
        self.path = tuple(step for step in route if not isinstance(step, _Alternative))
        self.node = node
        self.detail = detail
        self.last = str(detail["loc"][-1]) if detail["loc"] else ""
        self.expected = _expected(detail)


def explain(
    error: ValidationError, parent: Node, key: str, value: object, adapter: TypeAdapter[Any], file: str
) -> list[DesiredError]:
    """The sentences for `error`, which `adapter` raised about `value`: what is under `key` of the mapping `parent`."""
    details = error.errors(include_url=False, include_input=False)
    problems = _reduced([(detail, detail["loc"]) for detail in details], (key,), parent.child(key) or parent)
    unknown_keys = [problem for problem in problems if problem.detail["type"] == "extra_forbidden"]
    schema = adapter.json_schema() if unknown_keys or any(_MAPPING in each.expected for each in problems) else {}
    meant = {(each.path, nearest(each.last, valid_keys(schema, each.route[1:]))) for each in unknown_keys}
    return [
        _sentence(problem, parent, value, schema, file)
        for problem in problems
        if problem.detail["type"] != "missing" or (problem.path, problem.last) not in meant
    ]


def valid_keys(schema: Mapping[str, Any], route: _Path) -> list[str]:
    """The keys that a mapping at `route` may have, by the JSON Schema of the whole. A route names alternatives, too."""

    def alternatives_of(part: Mapping[str, Any], name: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
        if "$ref" in part:
            name = part["$ref"].rpartition("/")[2]
            yield from alternatives_of(schema["$defs"][name], name)
            return
        yield name, part
        for inner in (*part.get("anyOf", ()), *part.get("oneOf", ()), *part.get("allOf", ())):
            yield from alternatives_of(inner)

    parts = list(alternatives_of(schema))
    for step in route:
        if isinstance(step, _Alternative):
            parts = [(name, part) for name, part in parts if _is_alternative(step, name, part)] or parts
            continue
        inside = "items" if isinstance(step, int) else "additionalProperties"
        found = [part.get("properties", {}).get(step) or part.get(inside) for _, part in parts]
        parts = [inner for part in found if isinstance(part, dict) for inner in alternatives_of(part)]
    return list(dict.fromkeys(key for _, part in parts for key in part.get("properties", ())))


def _is_alternative(step: str, name: str, part: Mapping[str, Any]) -> bool:
    """True where pydantic calls this part of a union `step`: by the name of its model, or by its discriminator."""
    return step == name or any(inner.get("const") == step for inner in part.get("properties", {}).values())


def _reduced(errors: Iterable[tuple[ErrorDetails, tuple[str | int, ...]]], route: _Path, node: Node) -> list[_Problem]:
    """The problems at and below `node`. Each error comes with the part of its location that is still to be followed."""
    here: list[_Problem] = []
    below: dict[str | int, list[tuple[ErrorDetails, tuple[str | int, ...]]]] = {}
    by_alternative: dict[str | int, list[tuple[ErrorDetails, tuple[str | int, ...]]]] = {}
    for detail, rest in errors:
        if not rest or rest[0] == "[key]" or (len(rest) == 1 and detail["type"] in ("missing", "extra_forbidden")):
            here.append(_Problem(route, node, detail))
        elif node.child(rest[0]) is not None:
            below.setdefault(rest[0], []).append((detail, rest[1:]))
        else:
            by_alternative.setdefault(rest[0], []).append((detail, rest[1:]))
    for step, inner in below.items():
        child = node.child(step)
        if child is not None:
            here.extend(_reduced(inner, (*route, step), child))
    if by_alternative:
        here.extend(
            _probable(
                [_reduced(inner, (*route, _Alternative(name)), node) for name, inner in by_alternative.items()], node
            )
        )
    return here


def _probable(by_alternative: list[list[_Problem]], node: Node) -> list[_Problem]:
    """Of a union's alternatives the one that accepts the type of the value, and has the least against it."""

    def against(problems: list[_Problem]) -> tuple[bool, int]:
        return any(problem.node is node and problem.expected for problem in problems), len(problems)

    best = min(by_alternative, key=against)
    if against(best)[0]:
        wrong = [problem for problems in by_alternative for problem in problems if problem.node is node]
        best[0].expected = tuple(dict.fromkeys(each for problem in wrong for each in problem.expected))
        return best[:1]
    return best


def _expected(detail: ErrorDetails) -> tuple[str, ...]:
    if detail["type"] in ("literal_error", "enum"):
        return tuple(re.findall(r"'([^']*)'", str(detail.get("ctx", {}).get("expected", ""))))
    found = _OF_TYPE.fullmatch(detail["type"])
    words = _EXPECTED.get(found[1] or found[2]) if found else None
    return (words,) if words else ()


def _sentence(problem: _Problem, parent: Node, value: object, schema: Mapping[str, Any], file: str) -> DesiredError:
    node, kind = problem.node, problem.detail["type"]
    if kind == "extra_forbidden":
        line, column = parent.mark_of((*problem.path, problem.last))
        message = unknown("key", problem.last, valid_keys(schema, problem.route[1:]))
        return DesiredError(message, at=f"{file}:{line}:{column}")
    is_text = isinstance(node.value, str) and problem.last != "[key]"
    line, column = (node.line, node.column) if is_text else parent.mark_of(problem.path)
    hint = ""
    if kind == "missing":
        message = f"the key {quoted(problem.last)} is missing"
    elif problem.expected:
        is_key = problem.last == "[key]"
        written = quoted(str(problem.path[-1])) if is_key else _written(problem)
        near = nearest(str(problem.path[-1] if is_key else node.value), problem.expected) if written else None
        is_secret = _MAPPING in problem.expected and {*valid_keys(schema, problem.route[1:])} == {"env", "file"}
        expected = (
            (*(each for each in problem.expected if each != _MAPPING), *_SECRET) if is_secret else problem.expected
        )
        message = f"expected {alternatives(expected)}, not {written or shape(node)}"
        hint = f"did you mean {near}?" if near else ""
    else:
        message = _plain(problem.detail)
        if isinstance(node.value, str) and "${" in node.value:
            replaced = _at(value, problem.path[1:])
            message = message.replace(replaced, node.value) if len(replaced) >= SHORTEST_REDACTED else message
    subject = next(step for step in reversed(problem.path) if isinstance(step, str))
    return DesiredError(f"{subject}: {message}", at=f"{file}:{line}:{column}", hint=hint)


def _written(problem: _Problem) -> str:
    """The text of a scalar as it is written, variables unreplaced; empty where it had better not be repeated."""
    if not isinstance(problem.node.value, str) or any(_SECRETIVE.search(str(step)) for step in problem.path):
        return ""
    return quoted(problem.node.value)


def _plain(detail: ErrorDetails) -> str:
    """pydantic's sentence, in which the value is not called Input and an exception not announced."""
    cause = detail.get("ctx", {}).get("error")
    if cause is not None:
        return str(cause)
    message = re.sub(r"^Input should ", "the value should ", detail["msg"])
    return (message[:1].lower() + message[1:]).replace(" after validation", "")


def _at(value: Any, path: _Path) -> str:
    """The text at `path`, variables replaced."""
    for step in path:
        value = value[str(step)] if isinstance(value, dict) else value[step]
    return str(value)
