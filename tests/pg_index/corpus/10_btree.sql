-- Plain keys: every type, direction, INCLUDE, UNIQUE, NULLS NOT DISTINCT.
create index bt_status on public.tasks (status);
create index bt_desc on public.tasks (priority desc);
create index bt_asc on public.tasks (priority asc);
create index bt_first on public.tasks (priority nulls first);
create index bt_last on public.tasks (priority nulls last);
create index bt_desc_last on public.tasks (priority desc nulls last);
create index bt_desc_first on public.tasks (priority desc nulls first, created_at asc nulls last);
create index bt_mixed on public.tasks (status, priority desc, created_at nulls first, id desc nulls last);
create index bt_parentheses on public.tasks ((status), (priority) desc);
create index BT_Upper ON Public.Tasks USING BTREE ("status");
create index bt_include on public.tasks (status) include (title, priority);
create index bt_include_twice on public.tasks (status) include (status, status);
create index bt_include_odd on public.tasks (id) include ("mixedCase", "select", "with space", "quo""te");
create unique index bt_unique on public.tasks (uid);
create unique index bt_unique_include on public.tasks (uid, status) include (title);
create unique index bt_unique_part on public.tasks (mail) where not done;
create index bt_small on public.tasks (small, big, score, ratio, weight);
create index bt_times on public.tasks (seen, due, at_time, at_timetz, span);
create index bt_bytes on public.tasks (payload, uid, price, bits, vbits);
create index bt_nets on public.tasks (ip, net, mac, mac8);
create index bt_arrays on public.tasks (tags, nums, matrix, labels);
create index bt_enums on public.tasks (mood, other_mood desc, odd);
create index bt_domains on public.tasks (mail, pos);
create index bt_chars on public.tasks (code, sys, nm, done);
create index bt_jsonb on public.tasks (meta);
create index bt_search on public.tasks (search, q);
create index bt_oids on public.tasks (obj, cls, lsn);
create index bt_row_types on public.tasks (amount);
create index bt_generated on public.tasks (full_title);
create index bt_ranges on public.shapes (ir, br desc, nr, tr, tz, dr, fr);
create index bt_same_twice_1 on public.tasks (status, title);
create index bt_same_twice_2 on public.tasks (status, title);
create index bt_column_twice on public.tasks (status, status);
create index bt_32 on public.wide (c01, c02, c03, c04, c05, c06, c07, c08, c09, c10, c11, c12, c13, c14, c15, c16, c17,
    c18, c19, c20, c21, c22, c23, c24, c25, c26, c27, c28, c29, c30, c31, c32);
create index bt_16_and_16 on public.wide (c01, c02, c03, c04, c05, c06, c07, c08, c09, c10, c11, c12, c13, c14, c15,
    c16 desc nulls last) include (c17, c18, c19, c20, c21, c22, c23, c24, c25, c26, c27, c28, c29, c30, c31, c32);
create index bt_only on only public.parent (kind);
create index bt_child on public.child (kind, extra);
create index bt_matview on public.task_counts (status, n desc);
create unique index bt_matview_unique on public.task_counts (status, priority);
create index bt_matview_odd on app."Day View" ("Day");
create index bt_unlogged on app.sessions (user_id, last_seen desc);

-- needs 15
create unique index bt_nulls_not_distinct on public.tasks (status, priority) nulls not distinct;
create unique index bt_nulls_distinct on public.tasks (status, due) nulls distinct;
create unique index bt_nnd_all on public.tasks (big) include (title) nulls not distinct with (fillfactor = 80) where big > 0;
create index bt_nnd_not_unique on public.tasks (big) nulls not distinct;

-- needs 14
create index bt_multiranges on public.shapes (im, tm, dm);

-- needs hstore
create index bt_hstore on public.with_hstore (h);

-- needs ltree
create index bt_ltree on public.with_ltree (path);

-- needs citext
create unique index bt_citext on public.with_citext (name);
create index bt_citexts on public.with_citext (names);

-- needs cube
create index bt_cube on public.with_cube (c);

-- needs seg
create index bt_seg on public.with_seg (s);

-- needs isn
create index bt_isn on public.with_isn (book, ean desc, issn);
create index bt_isn_ops on public.with_isn (book isbn13_ops);
