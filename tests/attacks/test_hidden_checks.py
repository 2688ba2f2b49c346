"""`hide_values`: no value of a user's table is said, by no check of the type `sql` either. All were, before."""

from __future__ import annotations

import pytest
from check.declare import decided

PLANTED = "alice@example.org"
CHECKS = [
    ({"sql": "select email from people", "is_empty": "yes"}, "fail", "1 row (hidden); wanted none", "rows"),
    ({"sql": "select email from people", "equals": "x"}, "fail", "email is (hidden); wanted x", "one value"),
    ({"sql": "select email from people", "equals": PLANTED.upper()}, "pass", "email is (hidden)", "one that is right"),
    ({"sql": "select email from people", "at_most": "1"}, "error", "email cannot be compared: (hidden)", "no number"),
    ({"sql": "select 1234567 as salary_bytes", "equals": "1"}, "fail", "salary_bytes is (hidden); wanted 1", "bytes"),
    ({"sql": "select email::int from people", "equals": "1"}, "error",
     "the statement failed: invalid input syntax for type integer: (hidden) (22P02)", "an error that quotes it"),
    ({"sql": "select current_setting(email) from people", "equals": "1"}, "error",
     "the statement failed: unrecognized configuration parameter (hidden) (42704)", "quoted as a setting"),
    ({"sql": "select ('\"' || email || '\"')::regclass from people", "equals": "1"}, "error",
     "the statement failed: relation (hidden) does not exist (42P01)", "quoted as a table"),
    ({"sql": "select has_table_privilege(quote_ident(email), 'select') from people", "equals": "1"}, "error",
     "the statement failed: relation (hidden) does not exist (42P01)", "quoted as a table by a function"),
    ({"sql": "select has_schema_privilege(email, 'people', 'usage') from people", "equals": "1"}, "error",
     "the statement failed: role (hidden) does not exist (42704)", "quoted as a role"),
    ({"sql": "select to_char(now(), 'x') from peeple", "equals": "1"}, "error",
     'the statement failed: relation "peeple" does not exist (42P01)', "what the statement says is no value"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "status", "said", "reason"), CHECKS, ids=[each[3] for each in CHECKS])
def test_a_check_says_no_value_of_a_table_where_the_target_hides_them(pg_target, sql, check, status, said, reason):
    sql.execute("create table people as select 'alice@example.org' as email")
    [(found, message)] = decided(pg_target.model_copy(update={"hide_values": True}), check)
    assert (found, message) == (status, said), reason
    [(same, open_message)] = decided(pg_target, check)  # and without, it is decided the same, and said
    assert same == status
    assert "(hidden)" not in open_message
