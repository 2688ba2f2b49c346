"""What an expression leans on, marked in it, so that folding cannot hide it.

`norm(a)` becomes `case when concat('public.norm(text)', (a)::text) is not null then norm(a) end`: concat() is stable,
so that the planner keeps it, whatever it makes of norm(). Two expressions whose marked forms come down to the same lean
on the same things in the same places.

Decided: docs/decisions.md#what-folding-hides
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from reconciler.kinds.pg_index.comparison.castable_parts import Role, value_of, walk
from reconciler.kinds.pg_index.comparison.implied_operators import has_column, operands, write_out
from reconciler.kinds.pg_index.comparison.left_out_by_folding import keep
from reconciler.kinds.pg_index.comparison.marks import Meant, Name, cast, mark, put
from reconciler.kinds.pg_index.comparison.user_defined import Made
from reconciler.kinds.pg_index.definition.collate_placement import move_out
from reconciler.targets.sql_tree import SyntaxProblem, parse_expression, parse_select, printed_expression

_OP = 1  # libpg_query's A_Expr_Kind


class Leaning(NamedTuple):
    """One part of an expression that leans on something that users made.

    `kind`: "function", "operator" or "type". `arguments`: how many are given, and the names of those that have one;
    `text` is its SQL, empty where it cannot be printed; `node` its tree; `given` the
    SQL of what it is given, empty for constants without a type.
    """

    kind: str
    name: Name
    arguments: tuple[int, tuple[str, ...]]
    text: str
    node: Any
    given: tuple[str, ...]

    @property
    def is_all_in_its_mark(self) -> bool:
        """Whether its mark tells all of it: not of a list, the branches of CASE, or what is cast to a domain."""
        return self.kind == "function" or (self.node.HasField("a_expr") and self.node.a_expr.kind == _OP)

    def written_for(self, schema: str, types: Sequence[Name | None]) -> str:
        """Its SQL, so that it can only mean the one in `schema` that takes arguments of exactly these types, as far as
        they are known; empty where it cannot be written so."""
        node = type(self.node)()
        node.CopyFrom(self.node)
        if self.kind == "function" and not self.arguments[1]:
            name, given = node.func_call.funcname, list(node.func_call.args)
        elif self.kind == "operator" and node.a_expr.kind == _OP:
            name, given = node.a_expr.name, _arguments(node)
        else:
            return ""
        if len(name) == 1:
            name.add().CopyFrom(name[0])
        name[0].string.sval = schema
        for argument, type_name in zip(given, types, strict=False):
            if type_name is not None:
                argument.CopyFrom(cast(argument, type_name))
        return printed_expression(node)


class Expression:
    """An expression whose leanings are known."""

    def __init__(self, text: str, made: Made) -> None:
        """Raises SyntaxProblem."""
        self._made = made
        self._parsed = parse_select(text)
        self._top = self._parsed.stmts[0].stmt.select_stmt.target_list[0].res_target.val
        _unqualify(self._top)
        move_out(self._top)
        write_out(self._top)
        self.leanings = [_leaning(node, kind) for node, kind, _ in self._found() if kind not in ("", "collation")]
        self.values = [value_of(node, role) for node, _, role in self._found() if role]

    @property
    def has_collations(self) -> bool:
        """Whether it names any."""
        return any(kind == "collation" for _, kind, _ in self._found())

    def forget_collations(self, columns: Mapping[str, Name]) -> None:
        """Leaves out each COLLATE that changes nothing. `columns`: collations of the table's columns, where they have
        any.

        One on a column that has it already, in an expression in which nothing else could have another than that or the
        default: PostgreSQL derives the same for each operator with it and without.
        """
        if self.leanings or self._has_hidden_collations():
            return
        clauses = [node.collate_clause for node, kind, _ in self._found() if kind == "collation"]
        named = {self._collation(clause) for clause in clauses}
        referred = {columns[name] for name in self._columns() if name in columns}
        if len(named) != 1 or not referred <= named | {_DEFAULT}:
            return
        for node, kind, _ in list(self._found()):
            if kind == "collation" and columns.get(_column(node.collate_clause.arg)) in named:
                inner = type(node)()
                inner.CopyFrom(node.collate_clause.arg)
                node.CopyFrom(inner)

    def _has_hidden_collations(self) -> bool:
        """Whether parts of it may have another collation that no column has: fields of rows, and names, which are in
        "C". What users made has been asked about before."""
        from postgast import find_nodes
        from postgast.pg_query_pb2 import A_Indirection, TypeName

        names = {each.names[-1].string.sval for each in find_nodes(self._top, TypeName) if each.names}
        return "name" in names or next(iter(find_nodes(self._top, A_Indirection)), None) is not None

    def marked(
        self,
        meant: Sequence[Meant | None],
        cast: Sequence[bool],
        *,
        whole: bool = False,
        instead: Sequence[Name | None] = (),
    ) -> str:
        """Its SQL with a mark around everything that folding can hide; empty where it cannot be printed. To be asked
        for once. `meant`: what each of `leanings` means, None for no mark; `cast`: which of `values` a cast may hide;
        `whole`: folding is to leave nothing out; `instead`: the types of the leanings that their marks replace, so that
        none of them is run."""
        identities, casts = iter(zip(meant, instead or [None] * len(meant), strict=True)), iter(cast)
        for node, kind, role in list(self._found()):
            if kind == "collation":
                found = mark(Meant("collate " + ".".join(self._collation(node.collate_clause))), [])
                # PostgreSQL casts below a COLLATE where it casts what has one.
                put(found, _below_casts(node.collate_clause.arg))
            elif kind:
                one, type_name = next(identities)
                if one:
                    put(mark(one, _arguments(node), is_variadic=node.func_call.func_variadic), node, type_name)
            if role and next(casts):
                put(mark(Meant("what may be cast"), []), node)
        if whole:
            keep(self._top)
        return printed_expression(self._top)

    def _found(self) -> Iterator[tuple[Any, str, Role | None]]:
        """The nodes to be marked, their kinds, and whether they are values, inner ones first."""
        for node, kind, role in walk(self._top, self._kind):
            if kind or (role and self._made.casts):
                yield node, kind, role if self._made.casts else None

    def _kind(self, node: Any) -> str:
        made = self._made
        match node.WhichOneof("node"):
            case "collate_clause":
                return "collation"
            case "func_call":
                name = node.func_call.funcname[-1].string.sval
                if name in made.functions:
                    return "function"
                return "type" if name in made.types else ""
            case "a_expr":
                sign = node.a_expr.name[-1].string.sval if node.a_expr.name else ""
                # Of other languages it stays where it is, unless it is computed beforehand.
                hidden = sign in made.inlined or (sign in made.operators and not has_column(node))
                return "operator" if hidden else ""
            case "case_expr" if node.case_expr.HasField("arg"):
                return "operator" if "=" in made.operators else ""
            case "type_cast":
                type_name = node.type_cast.type_name
                name = type_name.names[-1].string.sval
                if name in made.domains and not type_name.array_bounds:
                    return "type"
        return ""

    def _collation(self, clause: Any) -> Name:
        parts = [part.string.sval for part in clause.collname]
        name = parts[-1]
        return (parts[-2], name) if len(parts) > 1 else (self._made.collations.get(name, "pg_catalog"), name)

    def _columns(self) -> set[str]:
        from postgast import find_nodes
        from postgast.pg_query_pb2 import ColumnRef

        return {node.fields[-1].string.sval for node in find_nodes(self._top, ColumnRef)}


_DEFAULT = ("pg_catalog", "default")


def expression(text: str, made: Made) -> Expression | None:
    """`text` with its leanings; None where our parser does not know it."""
    try:
        return Expression(text, made)
    except SyntaxProblem:
        return None


def _leaning(node: Any, kind: str) -> Leaning:
    arguments: tuple[int, tuple[str, ...]] = (0, ())
    match node.WhichOneof("node"):
        case "func_call":
            parts = node.func_call.funcname
            given = node.func_call.args
            named = tuple(sorted(each.named_arg_expr.name for each in given if each.HasField("named_arg_expr")))
            arguments = (len(given), named)
        case "a_expr":
            parts = node.a_expr.name
            arguments = (len(_arguments(node)), ())
        case "case_expr":
            parts = parse_expression("null = null").a_expr.name
            arguments = (2, ())
        case _:
            parts = node.type_cast.type_name.names
    texts = [part.string.sval for part in parts]
    name = (texts[-2] if len(texts) > 1 else "", texts[-1])
    copy = type(node)()
    copy.CopyFrom(node)
    given = tuple("" if each.HasField("a_const") else printed_expression(each) for each in _arguments(node))
    return Leaning(kind, name, arguments, printed_expression(node), copy, given)


def _arguments(node: Any) -> list[Any]:
    """What a call or an operator is given, those with names last and in their order."""
    if node.HasField("func_call"):
        given = node.func_call.args
        named = sorted((each.named_arg_expr for each in given if each.HasField("named_arg_expr")), key=lambda e: e.name)
        return [each for each in given if not each.HasField("named_arg_expr")] + [each.arg for each in named]
    return operands(node)


def _unqualify(top: Any) -> None:
    """Leaves out the schema before `bpchar`, since `pg_catalog.bpchar` is printed as `char`, which is char(1)."""
    from postgast import find_nodes
    from postgast.pg_query_pb2 import TypeName

    for each in find_nodes(top, TypeName):
        if [part.string.sval for part in each.names] == ["pg_catalog", "bpchar"] and not each.typmods:
            del each.names[0]


_TEXTS = {"bpchar", "text", "varchar"}


def _column(node: Any) -> str:
    """The name of a column, perhaps cast from one type of text to another; empty for everything else."""
    column = _below_casts(node)
    return str(column.column_ref.fields[-1].string.sval) if column.HasField("column_ref") else ""


def _below_casts(node: Any) -> Any:
    """What is cast from one type of text to another."""
    while (
        node.HasField("type_cast")
        and node.type_cast.type_name.names[-1].string.sval in _TEXTS
        and not node.type_cast.type_name.typmods
        and not node.type_cast.type_name.array_bounds
    ):
        node = node.type_cast.arg
    return node
