"""Whether what is built will fit on its disk, where that is seen (`data_directory`). Elsewhere nothing is known, and
nothing is said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from reconciler.formulas.human_readable import size
from reconciler.insight.bounded_queries import BoundedQueries, Refused
from reconciler.insight.data_directory import free, is_here
from reconciler.kinds.pg_index.advice.build_facts import Estimated
from reconciler.kinds.pg_index.advice.planned_statements import Work
from reconciler.model import Address, Fact, Notice, NoticeType
from reconciler.targets.postgres.session import Row

Places = tuple[Callable[[], list[Row] | Refused], Callable[[], list[Row] | Refused]]
"""Answers about the server and about its tablespaces."""

_SERVER = """
    select case when pg_catalog.pg_has_role('pg_read_all_settings', 'usage')
                then pg_catalog.current_setting('data_directory') end as data,
           pg_catalog.current_setting('port') as port,
           extract(epoch from pg_catalog.pg_postmaster_start_time())::pg_catalog.float8 as started,
           coalesce(nullif(pg_catalog.current_setting('default_tablespace'), ''), ts.spcname) as usual,
           coalesce(nullif(trim(pg_catalog.split_part(pg_catalog.current_setting('temp_tablespaces'), ',', 1), ' "'),
                           ''), ts.spcname)
               as temporary,
           pg_catalog.pg_size_bytes(pg_catalog.current_setting('maintenance_work_mem')) as memory
    from pg_catalog.pg_database d join pg_catalog.pg_tablespace ts on ts.oid = d.dattablespace
    where d.datname = pg_catalog.current_database()
"""

_TABLESPACES = """
    select spcname as name, pg_catalog.pg_tablespace_location(oid) as location from pg_catalog.pg_tablespace
"""

TIGHT = 0.8
"""Of the free space. A full disk stops every write, and estimates are estimates."""

NOTABLE = 0.05
"""Of the free space: an index from there on has it named beside it."""


class Space(NamedTuple):
    """By address of a change what is known of its disk, and a notice for each disk that will be tight."""

    facts: Mapping[Address, Fact]
    notices: Sequence[Notice]


class _Disks(NamedTuple):
    """Tablespaces that we see; by name their device, by device its free bytes."""

    device: Mapping[str, int]
    free: Mapping[int, int]
    usual: str
    temporary: str
    memory: int


def places(bounded: BoundedQueries) -> Places:
    """Asks where the server keeps what it holds, beside whatever is asked next."""
    return bounded.beside(_SERVER), bounded.beside(_TABLESPACES)


def space(places: Places, works: Sequence[Work], estimates: Mapping[Address, Estimated]) -> Space:
    """Estimated sizes beside the free space, where that can be known. Raises ConnectionFailed."""
    sized = [
        (work, each.estimate) for work in works if (each := estimates.get(work.change.address)) and each.estimate.bytes
    ]
    disks = _disks(places) if sized else None
    if disks is None:
        return Space({}, [])
    facts: dict[Address, Fact] = {}
    needs: dict[int, int] = defaultdict(int)
    names: dict[int, set[str]] = defaultdict(set)
    largest = 0
    for work, estimate in sized:
        name = (work.resource.definition.tablespace if work.resource.definition else "") or disks.usual
        device = disks.device.get(name)
        wanted = estimate.bytes or 0
        # A sort that does not fit into memory writes about as much as the index will have.
        largest = max(largest, estimate.largest if estimate.largest > disks.memory else 0)
        if device is None:
            continue
        needs[device] += wanted
        names[device].add(name)
        if wanted >= NOTABLE * disks.free[device]:
            facts[work.change.address] = Fact(name="free space", value=disks.free[device], unit="bytes")
    sorting = disks.device.get(disks.temporary)
    if sorting is not None and largest:
        needs[sorting] += largest
        names[sorting].add(disks.temporary)
    address = Address(works[0].change.address.target, works[0].change.address.kind, "*")
    notices = []
    for device, needed in needs.items():
        if needed > TIGHT * disks.free[device]:
            where = ", ".join(sorted(names[device]))
            sort = f", {size(largest)} of it for a while to sort the largest" if device == sorting and largest else ""
            message = (
                f"what is built needs about {size(needed)} on the disk of {where}{sort}, "
                f"and {size(disks.free[device])} are free there"
            )
            notices.append(Notice(address=address, type=NoticeType.PREFLIGHT, message=message))
    return Space(facts, notices)


def _disks(places: Places) -> _Disks | None:
    """None where this process does not see the server's own data directory, or the role may not know where it is."""
    server, tablespaces = (answer() for answer in places)
    if isinstance(server, Refused) or isinstance(tablespaces, Refused) or not server or server[0]["data"] is None:
        return None
    data = Path(server[0]["data"])
    if not is_here(data, server[0]["port"], server[0]["started"]):
        return None
    device: dict[str, int] = {}
    free_on: dict[int, int] = {}
    for row in tablespaces:
        try:
            path = Path(row["location"]) if row["location"] else data
            at = path.stat().st_dev
            free_on[at] = free(path)
        except OSError:
            continue
        device[row["name"]] = at
    return _Disks(device, free_on, server[0]["usual"], server[0]["temporary"], server[0]["memory"])
