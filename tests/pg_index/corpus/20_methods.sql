-- Every access method, with the operator classes that are its own.
create index m_hash on public.tasks using hash (status);
create index m_hash_uid on public.tasks using hash (uid) where done;
create index m_hash_expr on public.tasks using hash (lower(title));
create index m_hash_fill on public.tasks using hash (id) with (fillfactor = 50);
create index m_gin_jsonb on public.tasks using gin (meta);
create index m_gin_path on public.tasks using gin (meta jsonb_path_ops);
create index m_gin_default_said on public.tasks using gin (meta jsonb_ops);
create index m_gin_tags on public.tasks using gin (tags);
create index m_gin_tags_said on public.tasks using gin (tags array_ops);
create index m_gin_nums on public.tasks using gin (nums);
create index m_gin_search on public.tasks using gin (search);
create index m_gin_search_expr on public.tasks using gin (to_tsvector('english', coalesce(title, '') || ' ' || body));
create index m_gin_search_cfg on public.tasks using gin (to_tsvector('simple'::regconfig, body));
create index m_gin_weights on public.tasks using gin
    ((setweight(to_tsvector('english'::regconfig, title), 'A') || setweight(to_tsvector('english'::regconfig, body), 'B')));
create index m_gin_expr on public.tasks using gin ((meta -> 'tags') jsonb_path_ops);
create index m_gin_two on public.tasks using gin (meta jsonb_path_ops, tags, search);
create index m_gin_options on public.tasks using gin (tags) with (fastupdate = off, gin_pending_list_limit = 128);
create index m_gist_point on public.shapes using gist (p);
create index m_gist_box on public.shapes using gist (b, c, po);
create index m_gist_ranges on public.shapes using gist (ir, tz, fr);
create index m_gist_range_said on public.shapes using gist (ir range_ops);
create index m_gist_include on public.shapes using gist (p) include (id, tr);
create index m_gist_inet on public.tasks using gist (ip inet_ops);
create index m_gist_net on public.tasks using gist (net inet_ops);
create index m_gist_search on public.tasks using gist (search);
create index m_gist_search_siglen on public.tasks using gist (search tsvector_ops (siglen = 64));
create index m_gist_tsquery on public.tasks using gist (q);
create index m_gist_options on public.shapes using gist (b) with (buffering = auto, fillfactor = 70);
create index m_gist_expr on public.shapes using gist (box(p, p));
create index m_gist_range_expr on public.tasks using gist (daterange(due, due + 7, '[)'));
create index m_spgist_quad on public.shapes using spgist (p);
create index m_spgist_kd on public.shapes using spgist (p kd_point_ops);
create index m_spgist_box on public.shapes using spgist (b);
create index m_spgist_poly on public.shapes using spgist (po);
create index m_spgist_text on public.tasks using spgist (title);
create index m_spgist_text_said on public.tasks using spgist (title text_ops);
create index m_spgist_range on public.shapes using spgist (ir);
create index m_spgist_inet on public.tasks using spgist (ip);
create index m_spgist_options on public.tasks using spgist (title) with (fillfactor = 60);
create index m_brin on public.tasks using brin (created_at);
create index m_brin_many on public.tasks using brin (id, created_at, status, priority);
create index m_brin_options on public.tasks using brin (created_at) with (pages_per_range = 32, autosummarize = on);
create index m_brin_inclusion on public.shapes using brin (ir, b);
create index m_brin_inet on public.tasks using brin (ip inet_inclusion_ops);
create index m_brin_inet_minmax on public.tasks using brin (ip inet_minmax_ops);
create index m_brin_text on public.tasks using brin (title text_minmax_ops, due date_minmax_ops);
create index m_brin_expr on public.tasks using brin ((priority * 2), lower(title));

-- needs 14
create index m_spgist_include on public.shapes using spgist (p) include (id);
create index m_gist_multirange on public.shapes using gist (im, tm);
create index m_brin_bloom on public.tasks using brin (uid uuid_bloom_ops);
create index m_brin_bloom_params on public.tasks using brin
    (title text_bloom_ops (n_distinct_per_range = 200, false_positive_rate = 0.05));
create index m_brin_bloom_float on public.tasks using brin (id int8_bloom_ops (n_distinct_per_range = -0.2));
create index m_brin_multi on public.tasks using brin (priority int4_minmax_multi_ops);
create index m_brin_multi_params on public.tasks using brin
    (created_at timestamptz_minmax_multi_ops (values_per_range = 16), id int8_minmax_multi_ops (values_per_range = 64))
    with (pages_per_range = 4);

-- needs bloom
create index m_bloom on public.wide using bloom (c01, c02, c03);
create index m_bloom_options on public.wide using bloom (c01, c02, c03) with (length = 100, col1 = 5, col2 = 3, col3 = 1);
create index m_bloom_text on public.tasks using bloom (title, priority);

-- needs pg_trgm
create index m_trgm_gin on public.tasks using gin (title gin_trgm_ops);
create index m_trgm_gin_expr on public.tasks using gin (lower(title) gin_trgm_ops, (body || title) gin_trgm_ops);
create index m_trgm_gist on public.tasks using gist (title gist_trgm_ops);
create index m_trgm_siglen on public.tasks using gist (title gist_trgm_ops (siglen = 32));
create index m_trgm_siglen_text on public.tasks using gist (title gist_trgm_ops (siglen = '256'), lower(body) gist_trgm_ops);
create index m_trgm_qualified on public.tasks using gin (title public.gin_trgm_ops);
create index m_trgm_varchar on public.tasks using gin (status gin_trgm_ops);
create index m_trgm_collated on public.tasks using gin (title collate "C" gin_trgm_ops);

-- needs btree_gin
create index m_btree_gin on public.tasks using gin (status, priority, meta);
create index m_btree_gin_more on public.tasks using gin (created_at, uid, mood, done, score);

-- needs btree_gist
create index m_btree_gist on public.tasks using gist (priority, created_at, title);
create index m_btree_gist_inet on public.tasks using gist (ip gist_inet_ops);
create index m_btree_gist_enum on public.tasks using gist (mood, uid, ratio);

-- needs intarray
create index m_intarray on public.tasks using gist (nums ia.gist__int_ops);
create index m_intarray_options on public.tasks using gist (nums ia.gist__int_ops (numranges = 50));
create index m_intarray_big on public.tasks using gist (nums ia.gist__intbig_ops (siglen = 512));
create index m_intarray_gin on public.tasks using gin (nums ia.gin__int_ops);

-- needs ltree
create index m_ltree on public.with_ltree using gist (path);
create index m_ltree_siglen on public.with_ltree using gist (path gist_ltree_ops (siglen = 100));
create index m_ltree_array on public.with_ltree using gist (paths gist__ltree_ops (siglen = 60));
create index m_ltree_said on public.with_ltree using gist (path gist_ltree_ops);
create index m_ltree_expr on public.with_ltree using btree (subpath(path, 0, 1), nlevel(path));

-- needs 17 ltree
create index m_ltree_hash on public.with_ltree using hash (path);

-- needs hstore
create index m_hstore_gin on public.with_hstore using gin (h);
create index m_hstore_gist on public.with_hstore using gist (h gist_hstore_ops (siglen = 32));
create index m_hstore_hash on public.with_hstore using hash (h);
create index m_hstore_expr on public.with_hstore ((h -> 'a'), (h ? 'b'));

-- needs cube
create index m_cube on public.with_cube using gist (c);
create index m_cube_expr on public.with_cube (cube_dim(c), (c ~> 1));

-- needs seg
create index m_seg on public.with_seg using gist (s);

-- needs citext
create index m_citext_expr on public.with_citext (lower(name), (name || 'x')) where name = 'abc';
create index m_citext_hash on public.with_citext using hash (name);
create index m_citext_pattern on public.with_citext (name citext_pattern_ops);
