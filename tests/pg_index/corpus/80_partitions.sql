-- Indexes of partitioned tables, and of single partitions beside them.
create index pt_kind on public.events (kind);
create index pt_data on public.events using gin (data jsonb_path_ops) with (fastupdate = off);
create index pt_expr on public.events (lower(kind) text_pattern_ops, at desc nulls last) where kind <> 'x' and id > 0;
create unique index pt_unique on public.events (id, at, kind);
create index pt_include on public.events (at) include (id, kind) with (fillfactor = 80);
create index pt_brin on public.events using brin (at) with (pages_per_range = 8);
create index pt_commented on public.events (id desc);
comment on index public.pt_commented is 'of all partitions';
create index pt_statistics on public.events (upper(kind));
alter index public.pt_statistics alter column 1 set statistics 200;
create index pt_space on public.events (at, id) tablespace corpus_space;
create index "Pt Mixed" on app.hashed (name, id);
create index pt_hash_expr on app.hashed ((name || 'x'));
create index pt_listed on app.listed (region, id);
create unique index pt_listed_unique on app.listed (region, pk) where region is not null;
create index pt_childless on app.childless (name);
create index pt_level_two on public.events_2025 (kind, id);
create index pt_leaf on public.events_2024 (kind, id desc);
create index pt_leaf_expr on public.events_2025_a (lower(kind)) where id > 5;
create index pt_leaf_other_order on app."Events Other" (data, at, kind, id);
create index pt_leaf_default on public.events_rest using gin (data);
create index pt_half on only public.events (id, kind);

-- needs 15
create unique index pt_nnd on app.listed (id, region) nulls not distinct;
