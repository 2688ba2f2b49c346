"""What is wrong with a declared index is told at the place where it stands."""

from __future__ import annotations

import pytest
from desired.reading import load_refused

from reconciler.kinds.registry import KINDS

FAULTS = [
    ("fillfactor: 200", "3:82", "with fillfactor: expected 10 to 100, not '200'"),
    ("fillfactr: 70", "3:82", "with: a btree index has no parameter 'fillfactr'; did you mean 'fillfactor'?"),
    ("fillfactor: 70, FillFactor: 80", "3:98", "with: fillfactor stands there twice"),
    ("deduplicate_items: on, FillFactor: x", "3:105", "with fillfactor: expected a whole number without a unit"),
]


@pytest.mark.parametrize(("parameters", "place", "said"), FAULTS, ids=[each[0] for each in FAULTS])
def test_a_fault_of_a_storage_parameter_is_told_at_its_key(parameters, place, said, tmp_path):
    """Seen to fail: it was told at the name of the index."""
    yaml = f"""target: main
tables:
  public.tasks: {{indexes: {{status_idx: {{columns: [status, priority desc], with: {{{parameters}}}}}}}}}
"""
    targets = 'targets: {main: {postgres: "host=x"}}\n'
    error = load_refused(tmp_path, {"t.yaml": targets, "x.yaml": yaml}, kinds=KINDS)
    assert error.startswith(f"x.yaml:{place}: index status_idx: {said}"), error


def test_one_of_a_statement_is_told_at_the_index(tmp_path):
    yaml = """target: main
tables:
  public.tasks: {indexes: {i: {sql: "create index i on tasks (a) with (fillfactor = 5)"}}}
"""
    targets = 'targets: {main: {postgres: "host=x"}}\n'
    error = load_refused(tmp_path, {"t.yaml": targets, "x.yaml": yaml}, kinds=KINDS)
    assert error.startswith("x.yaml:3:28: index i: with fillfactor: expected 10 to 100, not '5'"), error
