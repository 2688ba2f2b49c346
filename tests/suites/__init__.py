"""SQL of others, built by psql and declared: whether each index is seen as what it is, and made the same.

    make suites SQL=folder ARGS="--setup folder/setup.sql --server 13 18 --report facts.jsonl"

`folder` holds another project's migrations or tests, or PostgreSQL's own (`src/test/regress`); no SQL of others is in
this repository. Each script has a database of its own, where psql runs it and an event trigger notes each CREATE INDEX
with the search_path of that moment (built.py). What is there in the end is declared in three forms, as `sql:`, as
columns with a condition, and as bare columns, and imported (comparison.py): nothing may be planned. All is dropped in a
copy of the database and applied from each form: the same has to come back, and the second plan be empty. Then one thing
is changed in the declaration of each index, and the server says whether that is another index (pairs.py): a plan has to
see it where it is, and only there.
"""
