"""What rules allow, evaluated as the server does.

The server does not keep what was written. Redis 6.2 and 7.0 work out anew how to say what a user may: `+@all
-@dangerous +info` reads back as `+@all -@admin -keys …`. So both sides are evaluated, with the server's own table of
commands (ACL CAT), and what they allow is compared. Commands of modules that are loaded later are beyond it, but for
whether the rules start from all or from nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.kinds.redis_user.rules.acl_syntax import COMMAND, OF_DATABASES, PATTERN, RuleProblem
from reconciler.kinds.redis_user.rules.patterns import are_few
from reconciler.kinds.redis_user.rules.rights import ALL_DATABASES, Commands, Rights, Selector
from reconciler.kinds.redis_user.rules.since import APART, DATABASES, Versions, lacks, why_not

LAST_DATABASE = 2**31 - 1


def evaluate(rules: Iterable[str], commands: Commands, *, fresh: bool) -> Rights:
    """What `rules` allow, in their order: of a new user (`fresh`), or as a server printed them, from nothing.

    Raises RuleProblem for what this server would refuse.
    """
    rights = Rights(root=_new_selector(commands, fresh))
    for rule in rules:
        word = rule.lower()
        if word.startswith("("):
            _need(commands, rule, APART)
            selector = _new_selector(commands, fresh)
            for inner in rule[1:-1].split():
                _apply(selector, inner, commands)
            rights.selectors.append(selector)
        elif word in ("on", "off"):
            rights.on = word == "on"
        elif word == "nopass":
            rights.nopass = True
        elif word in ("sanitize-payload", "skip-sanitize-payload"):
            rights.unsanitized = word.startswith("skip")
        elif word == "clearselectors":
            _need(commands, rule, APART)
            rights.selectors.clear()
        else:
            _apply(rights.root, rule, commands)
    if not are_few([pattern for each in rights.permissions for pattern in each.keys]):
        for each in rights.permissions:
            each.by_text = True
    return rights


def _new_selector(commands: Commands, fresh: bool) -> Selector:
    return Selector(channels={"*"} if fresh and commands.all_channels else set())


def _apply(selector: Selector, rule: str, commands: Commands) -> None:
    word = rule.lower()
    key, command = PATTERN.fullmatch(rule), COMMAND.fullmatch(rule)
    if word in ("allkeys", "~*"):
        selector.keys = {"*": frozenset("RW")}
    elif word == "resetkeys":
        selector.keys = {}
    elif word in ("allchannels", "&*"):
        selector.channels = {"*"}
    elif word == "resetchannels":
        selector.channels = set()
    elif rule.startswith("&"):
        if "*" in selector.channels:
            raise RuleProblem(f"{rule}: all channels are allowed already; put resetchannels before it")
        selector.channels.add(rule[1:])
    elif key:
        access = frozenset((key["access"] or "RW").upper())
        if key["access"]:
            _need(commands, rule, APART)
        selector.keys[key["pattern"]] = selector.keys.get(key["pattern"], frozenset()) | access
    elif word in ("alldbs", "resetdbs") or OF_DATABASES.fullmatch(rule):
        _need(commands, rule, DATABASES)
        selector.databases = _databases(rule, word)
    elif command or word in ("allcommands", "nocommands"):
        _apply_command(selector, {"allcommands": "+@all", "nocommands": "-@all"}.get(word, word), commands)
    else:
        raise RuleProblem(f"{rule} is no rule for this server")


def _databases(rule: str, word: str) -> frozenset[str]:
    """Each `db=` takes the place of the one before (seen on Valkey 9.1)."""
    if not word.startswith("db="):
        return ALL_DATABASES if word == "alldbs" else frozenset()
    numbers = list(map(int, word[3:].split(",")))
    if max(numbers) > LAST_DATABASE:
        raise RuleProblem(f"{rule}: there is no database of that number")
    return frozenset(map(str, numbers))


def _apply_command(selector: Selector, word: str, commands: Commands) -> None:
    add, (name, bar, sub) = word[0] == "+", word[1:].partition("|")
    if name == "@all":
        selector.allowed = set(commands.every) if add else set()
        selector.apart, selector.future = {}, add
        return
    if name.startswith("@"):
        if name[1:] not in commands.categories:
            raise RuleProblem(f"{word}: this server has no category {name}{why_not(name)}")
        subject = set(commands.categories[name[1:]])
    elif name not in commands.every:
        raise RuleProblem(f"{word}: this server has no command {name}{why_not(name)}")
    elif not bar:
        subject = {known for known in commands.every if known.partition("|")[0] == name}
    elif f"{name}|{sub}" in commands.every:
        subject = {f"{name}|{sub}"}
    elif not add and lacks(APART, commands.product, commands.version):
        _need(commands, f"{word}: to deny a subcommand", APART)
    elif not add or name in commands.containers:
        act = "allow" if add else "deny"
        raise RuleProblem(f"{word}: this server has no such subcommand to {act}{why_not(f'{name}|{sub}')}")
    else:
        selector.apart.setdefault(name, set()).add(f"{name}|{sub}")
        return
    selector.allowed = selector.allowed | subject if add else selector.allowed - subject
    for command in subject & selector.apart.keys():
        del selector.apart[command]


def _need(commands: Commands, rule: str, needed: Versions) -> None:
    missing = lacks(needed, commands.product, commands.version)
    if missing:
        raise RuleProblem(f"{rule} needs {missing}")
