"""How much is run, on which servers: the tiers behind `make unit`, `make test`, `.ci/run` and `make test-all`.

A case is a test with its parameters, the server among them.

| tier | servers | cases |
|---|---|---|
| `unit` | none | those that need none |
| `test` | the wheels' | all but those marked `thorough` |
| `ci` | all that are there | what `test` leaves, as below |
| `set` | those named | those that look at all servers at once, and a sample of all others |
| `all` | all that are there | every case |

Of what `test` runs on the wheels' versions, `ci` runs on another one: three of four cases that are marked `matrix`, of
which half go to the oldest and the others to those between; one of three that are marked `rotated`; and one of six
without such a mark. What `test` leaves runs on one version in `ci`, but for tests of Redis, which run on all that
there are, and for Patroni's, which run on the newest, beside one other server where they need one. Cases that are
`rotated` run on one version in `test`, too. What is chosen changes from seed to seed, and each version has its turn in
every run.

Decided: docs/decisions.md#tiers
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum

import pytest

SEED = "RECONCILER_TEST_SEED"
"""The environment variable by which a run chooses as another did: versions between, samples, moments of kills."""

TIER = "RECONCILER_TEST_TIER"
"""The environment variable that tells the tier to all processes of a run."""

SAMPLE = 60
"""Cases that the tier `set` runs beside those that look at all servers at once."""

MARKS = ("matrix", "rotated", "servers", "thorough")
"""By which a test says on how many servers it is to run, or that it takes longer."""

POSTGRES = ("patroni", "postgres", "pair", "own")
REDIS = ("redis_server", "redis_cluster", "sentinels")
"""Parameters that name a version."""


class Tier(StrEnum):
    """See the table above."""

    UNIT = "unit"
    TEST = "test"
    CI = "ci"
    SET = "set"
    ALL = "all"


LEFT_FOR = {
    "it takes longer": ".ci/run, make test-all",
    "it needs a server": "make test",
    "make test runs it": "make test",
    "on versions that this seed has not chosen": "make test-all",
    "make test runs it on another version": "make test-all, or another seed",
    "not in the sample of this seed": "make test-all",
    "no server of a version that it is about": "make test-all, with the servers named above as not covered",
}
"""Why a case may be left out, and what runs it."""


def current() -> Tier:
    """The tier of this run."""
    return Tier(os.environ[TIER])


def seed() -> str:
    """What this run was told, or chose when it began."""
    return os.environ.setdefault(SEED, str(random.SystemRandom().randrange(10_000)))


def needs_server(item: pytest.Item) -> bool:
    """Whether a case starts a server: all that are started are in `folder`."""
    return "folder" in getattr(item, "fixturenames", ())


def servers_of(item: pytest.Item) -> list[str]:
    """The versions of all servers that a case runs on."""
    return _named(item, (*POSTGRES, *REDIS))


def _named(item: pytest.Item, fixtures: Iterable[str]) -> list[str]:
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    return [parameters[name] for name in fixtures if isinstance(parameters.get(name), str)]


def without_servers(item: pytest.Item) -> bool:
    """Whether no server is there of any version that a test is about: it then is one case, that has none."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    return any(name in parameters and not isinstance(parameters[name], str) for name in (*POSTGRES, *REDIS))


def left_out(items: Sequence[pytest.Item], tier: Tier, embedded: frozenset[str]) -> dict[pytest.Item, str]:
    """The cases that `tier` does not run, and why; `embedded` are the versions of the wheels."""
    nowhere = {item: "no server of a version that it is about" for item in items if without_servers(item)}
    return _of_other_tiers([item for item in items if item not in nowhere], tier, embedded) | nowhere


def _of_other_tiers(items: Sequence[pytest.Item], tier: Tier, embedded: frozenset[str]) -> dict[pytest.Item, str]:
    match tier:
        case Tier.UNIT:
            return {item: "it needs a server" for item in items if needs_server(item)}
        case Tier.TEST:
            one = _one_each(item for item in items if _marked(item, "rotated"))
            longer = {item: "it takes longer" for item in items if thorough(item)}
            others = [item for item in items if not _runs(item, one)]
            return dict.fromkeys(others, "on versions that this seed has not chosen") | longer
        case Tier.CI:
            chosen = Chosen(items, embedded)
            return {item: why for item in items if (why := chosen.left_out(item))}
        case Tier.SET:
            others = [item for item in items if not _marked(item, "servers")]
            sample = random.Random(seed()).sample(others, min(SAMPLE, len(others)))  # noqa: S311 - repeatable
            return dict.fromkeys(set(others) - set(sample), "not in the sample of this seed")
        case Tier.ALL:
            return {}


def thorough(item: pytest.Item) -> bool:
    """Whether a case takes longer than `make test` has; `quick` are those of a thorough file that do not."""
    return _marked(item, "thorough") and not _marked(item, "quick")


class Chosen:
    """What the tier `ci` runs of `items`, where the tier `test` runs on the versions `embedded`."""

    def __init__(self, items: Sequence[pytest.Item], embedded: frozenset[str]) -> None:
        self._embedded = embedded
        tried = {_case(item): item for item in items if servers_of(item) and self._of_make_test(item)}
        self._left: set[str] = set()
        by_seed = random.Random(seed())  # noqa: S311 - repeatable
        for mark, share in (("matrix", 1 / 4), ("rotated", 2 / 3), ("", 5 / 6)):
            of_it = sorted(case for case, item in tried.items() if _turns(item) == mark)
            self._left.update(by_seed.sample(of_it, int(len(of_it) * share)))
        dealt_one = [
            item for item in items
            if not self._of_make_test(item) and (_named(item, POSTGRES) or _turns(item) == "rotated")
        ]  # fmt: skip
        self._one = _one_each(dealt_one, _deck)
        self._beside_patroni = _one_each((item for item in items if _on_patroni(item)), fixtures=("postgres",))
        self._newest: dict[str, str] = {}
        for item in filter(_on_patroni, items):
            for version in _named(item, POSTGRES)[:1]:
                self._newest[_test(item)] = max(version, self._newest.get(_test(item), version), key=_major)

    def left_out(self, item: pytest.Item) -> str:
        """Why `item` is not run; empty: it is."""
        if self._of_make_test(item):
            return "make test runs it"
        if _case(item) in self._left:
            return "make test runs it on another version"
        if _on_patroni(item):  # a cluster is shared by the tests of a file
            newest = _named(item, POSTGRES)[:1] in ([], [self._newest.get(_test(item))])
            runs = newest and self._beside_patroni.get(_case(item)) in (None, *_named(item, ("postgres",)))
        else:
            runs = _runs(item, self._one)
        return "" if runs else "on versions that this seed has not chosen"

    def _of_make_test(self, item: pytest.Item) -> bool:
        if thorough(item) or _on_patroni(item) or _marked(item, "servers"):
            return False
        return self._embedded.issuperset(servers_of(item))


def _on_patroni(item: pytest.Item) -> bool:
    """Whether a case needs etcd, which no wheel brings."""
    return bool({"patroni", "needs_patroni"} & set(getattr(item, "fixturenames", ())))


def _turns(item: pytest.Item) -> str:
    """By which mark a case takes turns among versions; empty: by none."""
    return next((mark for mark in ("rotated", "matrix") if _marked(item, mark)), "")


def _deck(item: pytest.Item, versions: Sequence[str]) -> Sequence[str]:
    """The versions that a case is dealt one of: as often the oldest as any other, where `test` has the newest."""
    if _turns(item) == "matrix" and not thorough(item):
        return [*versions[:1] * max(1, len(versions) - 1), *versions[1:]]
    return versions


def _every(item: pytest.Item, versions: Sequence[str]) -> Sequence[str]:
    return versions


def _one_each(
    items: Iterable[pytest.Item],
    deck: Callable[[pytest.Item, Sequence[str]], Sequence[str]] = _every,
    fixtures: Iterable[str] = (*POSTGRES, *REDIS),
) -> dict[str, str]:
    """For each case the one version that it runs on, of those that the first of `fixtures` has.

    `deck` says how often each is dealt.
    """
    able: dict[str, set[str]] = {}
    of_case = {}
    for item in items:
        able.setdefault(_case(item), set()).update(_named(item, fixtures)[:1])
        of_case[_case(item)] = item
    by_deck: dict[tuple[str, ...], list[str]] = {}
    for case, versions in sorted(able.items()):
        by_deck.setdefault(tuple(deck(of_case[case], sorted(versions, key=_order))), []).append(case)
    found: dict[str, str] = {}
    for versions in sorted(by_deck):
        found |= dealt(by_deck[versions], versions)
    return found


def _runs(item: pytest.Item, one: Mapping[str, str]) -> bool:
    """Whether a case runs on the version that it was dealt; one that was dealt none does."""
    return one.get(_case(item)) in (None, *servers_of(item)[:1])


def dealt(cards: Sequence[str], versions: Sequence[str]) -> dict[str, str]:
    """A version for each card, as the seed shuffles them; each version as often as any other."""
    shuffled, order = list(cards), list(versions)
    by_seed = random.Random(seed())  # noqa: S311 - repeatable
    by_seed.shuffle(shuffled)
    by_seed.shuffle(order)
    return {card: order[number % len(order)] for number, card in enumerate(shuffled) if order}


def _marked(item: pytest.Item, mark: str) -> bool:
    return item.get_closest_marker(mark) is not None


def _case(item: pytest.Item) -> str:
    """What a case is called without the versions in its name."""
    name = item.nodeid
    for version in servers_of(item):
        name = name.replace(version, "")
    return name


def _test(item: pytest.Item) -> str:
    return item.nodeid.split("[")[0]


def _major(version: str) -> int:
    return int(version.split(".")[0])


def _order(version: str) -> tuple[int, str]:
    """The oldest PostgreSQL first; Redis is called by its name, too."""
    major = version.split(".")[0]
    return (int(major) if major.isdigit() else 0, version)


def told(why: Counter[str]) -> list[str]:
    """For the summary: what was left out, and how to run it."""
    return [f"LEFT OUT: {count:,} cases: {reason}; run by: {LEFT_FOR[reason]}" for reason, count in why.items()]
