"""Patterns of keys that somebody has given a declared user cost a plan no more than a bounded number of steps.

Whoever may ACL SETUSER writes as many and as long ones as he likes. Ninety of 1,500 letters were seen to take an hour:
each was held against each other, sign by sign.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from live import converge
from redis_user.declared_users import users

from reconciler.kinds.pg_setting.values.standby_names import parse
from reconciler.kinds.pg_setting.values.units import InvalidValue
from reconciler.kinds.redis_user import KIND
from reconciler.kinds.redis_user.rules import acl_syntax, evaluation, patterns, powers, rights
from reconciler.kinds.redis_user.rules import differences_in_words as words
from reconciler.kinds.redis_user.rules.acl_syntax import RuleProblem
from reconciler.kinds.redis_user.rules.evaluation import evaluate
from reconciler.kinds.redis_user.rules.rights import Commands

MOST_LINES = 3_000_000
"""Lines of our code: a pattern that may be compared with all others takes some for each of its signs."""

COMMANDS = Commands((7, 0, 0), frozenset({"get", "set"}), {"read": frozenset({"get"})}, all_channels=False)


def questions(count: int, length: int) -> list[str]:
    return ["?" * (length - len(str(n))) + str(n) for n in range(count)]


def stars(count: int, length: int) -> list[str]:
    return ["*a" * (length // 2) + str(n) for n in range(count)]


HOSTILE = {
    "few and long": (questions(90, 1500), "below the number of patterns that used to be the only bound"),
    "stars between letters": (stars(90, 1500), "each star may stand for any number of letters"),
    "two that are huge": (stars(2, 200_000), "a single pair"),
    "short ones": (questions(3000, 4), "every pair is looked at"),
    "all that is allowed": (stars(100, 30), "these are compared, and are within the bound"),
    "all that is allowed of two": (stars(2, 3800), "likewise, of the greatest length"),
    "one in each selector": ([f"({' '.join(f'~{each}' for each in stars(20, 40))} +get -{n})" for n in ("set", "get")]
                             + [f"(~{n} {' '.join(f'~{each}' for each in stars(80, 30))} +get)" for n in range(200)],
                             "each selector is within the bound, all of them are not"),
}  # fmt: skip


def lines_of(work: Callable[[], object]) -> int:
    """How many lines of what judges rules `work` runs; it is stopped at MOST_LINES."""
    ours = {module.__file__ for module in (evaluation, patterns, powers, rights, acl_syntax, words)}
    count = 0

    def line(frame, event, argument):
        nonlocal count
        count += event == "line"
        if count > MOST_LINES:
            raise AssertionError(f"more than {MOST_LINES} lines")
        return line

    before = sys.gettrace()
    sys.settrace(lambda frame, event, argument: line if frame.f_code.co_filename in ours else None)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("name", HOSTILE)
def test_what_rights_mean_and_how_they_differ_takes_a_bounded_number_of_steps(name):
    """Seen to fail before, each of them: they ran into MOST_LINES."""
    written, reason = HOSTILE[name]
    given = [each if each.startswith("(") else f"~{each}" for each in written]
    now = evaluate(["on", "+get", *given], COMMANDS, fresh=False)
    declared = evaluate(["on", "+get", "~app:*", "~b*", "(~c* +get)"], COMMANDS, fresh=True)

    def compared() -> None:
        assert now.meaning(COMMANDS) != declared.meaning(COMMANDS)
        assert words.told(now, declared, COMMANDS)
        assert words.told(declared, now, COMMANDS)
        assert not words.told(now, now, COMMANDS)

    assert lines_of(compared) <= MOST_LINES, reason


def test_first_arguments_are_gone_through_once_and_not_for_each_other_command():
    """Seen to fail before: ten thousand of them and every command of a server took ten million steps."""
    many = Commands((7, 0, 0), frozenset({"get", *(f"c{n}" for n in range(400))}), {}, all_channels=False)
    given = [*(f"+get|{n}" for n in range(10_000)), *(f"-c{n}" for n in range(400))]
    found = []
    assert lines_of(lambda: found.append(evaluate(given, many, fresh=True))) <= MOST_LINES
    assert len(found[0].root.firsts) == 10_000
    assert not evaluate([*given, "-get"], many, fresh=True).root.firsts


def test_a_number_of_thousands_of_digits_is_refused_like_any_other():
    """Seen to fail before: of more than 4,300 digits, Python makes no number, and says so by an error of its own."""
    with pytest.raises(RuleProblem):
        acl_syntax.check([f"db={'9' * 5000}"])
    with pytest.raises(InvalidValue):
        parse(f"FIRST {'9' * 5000} (a)")


@pytest.mark.rotated
def test_such_a_user_is_planned_and_brought_back(redis_target, redis_client, secrets):
    """Before, this ran for an hour. It comes last, so that the bounds above are seen first."""
    given = [f"~{each}" for each in questions(90, 1500)]
    redis_client.execute_command("ACL", "SETUSER", "app", "on", "nopass", "+get", *given)
    [change] = converge(KIND, redis_target, users({"app": "on nopass ~app:* +get"}), secrets)
    assert "app:*" in change.summary
