"""From YAML to declared users."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from reconciler.errors import Collected, DesiredError
from reconciler.kind import Declaration
from reconciler.kinds.redis_user.model import NAME, RedisUser, Section, UserSection
from reconciler.kinds.redis_user.rules.acl_syntax import RuleProblem, check, split
from reconciler.model import Address


def declare(declaration: Declaration) -> Iterator[RedisUser]:
    """The resources of one `users` section. Raises DesiredError."""
    section: Section = declaration.value
    wrong = Collected()
    for name, user in section.items():
        with wrong.noted():
            yield _user(declaration, name, user)
    wrong.tell()


def _user(declaration: Declaration, name: str, user: UserSection | Literal["absent"]) -> RedisUser:
    at = declaration.at([name])
    address = Address(declaration.target.name, NAME, name)
    if not name or any(sign.isspace() or sign == "\0" for sign in name):
        raise DesiredError(f"{name!r} is not the name of a user: it has blanks, or nothing", at=at)
    if user == "absent":
        if name == "default":
            raise DesiredError("the user default cannot be absent", at=at, hint="turn it off: {rules: off}")
        return RedisUser(address=address, declared_at=at, rules=None)
    try:
        rules = split(user.rules)
        check(rules)
    except RuleProblem as problem:
        raise DesiredError(f"{name}: {problem}", at=declaration.at([name, "rules"])) from None
    # Keywords in one case: Redis takes any, and what is declared is compared with them.
    rules = [rule.lower() if rule.isalpha() else rule for rule in rules]
    if user.password is not None:
        at_password = declaration.at([name, "password"])
        if (user.password.env is None) == (user.password.file is None):
            raise DesiredError("a secret is either {env: NAME} or {file: PATH}", at=at_password)
        if "nopass" in rules:
            raise DesiredError(f"{name}: nopass and a password exclude each other", at=at_password)
    return RedisUser(address=address, declared_at=at, why=user.why, rules=tuple(rules), password=user.password)
