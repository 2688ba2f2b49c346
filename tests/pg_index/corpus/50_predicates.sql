-- Predicates: what is stored differs from what was typed in most of these.
create index pr_in on public.tasks (id) where status in ('a', 'b');
create index pr_in_one on public.tasks (id) where status in ('a');
create index pr_not_in on public.tasks (id) where status not in ('a', 'b') and priority not in (1, 2);
create index pr_any on public.tasks (id) where status = any (array['pending', 'running']);
create index pr_any_literal on public.tasks (id) where status = any ('{pending,running}');
create index pr_any_cast on public.tasks (id) where (status)::text = any ((array['a'::character varying, 'b'::character varying])::text[]);
create index pr_any_text on public.tasks (id) where title = any (array['a'::text, 'b,c', 'd"e', 'f''g', 'h\i', '', 'null', ' x ']);
create index pr_enum on public.tasks (id) where mood in ('sad', 'it''s fine') and other_mood = 'up' and odd <> 'B b';
create index pr_enum_other on public.tasks (id) where mood >= 'ok' or mood = 'ΩMEGA';
create index pr_bool on public.tasks (id) where done;
create index pr_not on public.tasks (id) where not done;
create index pr_is_true on public.tasks (id) where done is true;
create index pr_is_not_true on public.tasks (id) where done is not true;
create index pr_eq_true on public.tasks (id) where done = true;
create index pr_eq_false on public.tasks (id) where done = 'f';
create index pr_null on public.tasks (id) where title is null and body is not null;
create index pr_not_null on public.tasks (id) where not (title is null);
create index pr_between on public.tasks (id) where priority between 1 and 5 and due not between '2024-01-01' and '2024-12-31';
create index pr_symmetric on public.tasks (id) where priority between symmetric 5 and 1;
create index pr_and_or on public.tasks (id) where (done and priority > 5) or (not done and (priority < 3 or title is null));
create index pr_or_chain on public.tasks (id) where status = 'a' or status = 'b' or status = 'c';
create index pr_and_chain on public.tasks (id) where priority > 1 and big > 2 and small > 3 and score > 4;
create index pr_not_and on public.tasks (id) where not (done and priority > 5);
create index pr_constant_true on public.tasks (id) where true;
create index pr_constant_folded on public.tasks (id) where 1 = 1;
create index pr_constant_false on public.tasks (id) where false;
create index pr_and_true on public.tasks (id) where done and true;
create index pr_folds on public.tasks (id) where priority > 2 + 3 * 4;
create index pr_folds_text on public.tasks (id) where title > 'a' || 'b';
create index pr_numeric on public.tasks (id) where score > 1.50 and ratio < -0.5 and weight = 1e-3 and big > 10000000000;
create index pr_negative on public.tasks (id) where priority > -1 and small <> -2::smallint and score <> -3.0;
create index pr_dates on public.tasks (id) where due > '2024-01-01' and seen >= date '2024-02-29' and at_time < '10:00';
create index pr_timestamptz on public.tasks (id) where created_at > '2024-01-01 00:00:00+00';
create index pr_timestamptz_zone on public.tasks (id) where created_at >= timestamptz '2024-06-01 12:00:00.123456 Europe/Berlin';
create index pr_interval on public.tasks (id) where span > interval '1 day 02:03' and span < '-1 mon'::interval;
create index pr_infinity on public.tasks (id) where due = 'infinity' or seen = '-infinity';
create index pr_like on public.tasks (id) where title like 'a%' and body not ilike '%\%b' and status like '_x';
create index pr_regex on public.tasks (id) where title ~ '^[A-Z]{2,3}\d+\\x"''$';
create index pr_similar on public.tasks (id) where title similar to '%(b|d)%';
create index pr_json on public.tasks (id) where meta @> '{"type": "a"}' and meta ? 'b' and (meta ->> 'n')::int > 3;
create index pr_json_null on public.tasks (id) where meta -> 'deleted_at' is null or meta ->> 'x' = '';
create index pr_arrays on public.tasks (id) where tags @> '{a}' and 'b' = any (tags) and nums[1] = 3 and array_length(tags, 1) > 2;
create index pr_row on public.tasks (id) where (priority, small) > (1, 2) and (title, body) is not null;
create index pr_distinct on public.tasks (id) where title is distinct from body and priority is not distinct from 5;
create index pr_coalesce on public.tasks (id) where coalesce(title, '') <> '' and nullif(priority, 0) is not null;
create index pr_case on public.tasks (id) where case when done then priority > 5 when title is null then false else true end;
create index pr_functions on public.tasks (id) where length(title) > 3 and norm(title) = 'X' and app.slug(title) <> 'a' and app.lower(title) > 'b';
create index pr_operator on public.tasks (id) where (title operator(app.~~~) 'x') = 'y' and title operator(pg_catalog.=) body;
create index pr_inet on public.tasks (id) where ip << '192.168.0.0/16' and net >>= '10.1.1.1' and mac = '08:00:2b:01:02:03';
create index pr_ranges on public.shapes (id) where ir && '[1,10)' and tz @> timestamptz '2024-01-01+00' and not isempty(nr);
create index pr_points on public.shapes (id) where p <@ box '(0,0),(1,1)' and c ~= '<(0,0),1>';
create index pr_uuid on public.tasks (id) where uid = 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11' or uid is null;
create index pr_bytes on public.tasks (id) where payload <> '\x00ff' and bits = B'10101010' and vbits <> '101';
create index pr_money on public.tasks (id) where price > price * 0.5 and price <> '0';
create index pr_bpchar on public.tasks (id) where code = 'ab' and code <> 'x  ' and sys = 'c' and nm = 'me';
create index pr_domain on public.tasks (id) where mail = 'a@b' and pos > 5;
create index pr_composite on public.tasks (id) where (amount).amount > 10 and (amount).currency = 'EUR' and (address)."Zip Code" is null;
create index pr_search on public.tasks (id) where search @@ to_tsquery('english', 'a & !b') and q is not null;
create index pr_text_tricks on public.tasks (id) where title <> ' # : {x} [y] ${HOME} $${z} %s "q" ''s'' \n é 😀';
create index pr_newline on public.tasks (id) where title <> E'a\nb\tc' and body <> '-- no comment /* nor this */';
create index pr_comment on public.tasks (id) where done -- a comment
    and /* another */ priority > 1;
create index pr_long on public.tasks (id) where status in ('aaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbb', 'ccccccccccccccc', 'ddddddddddddddd',
    'eeeeeeeeeeeeeee', 'fffffffffffffff', 'ggggggggggggggg', 'hhhhhhhhhhhhhhh') and priority in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
create index pr_odd_columns on public.tasks (id) where "mixedCase" = 'x' and "select" is null and "with space" <> '' and "dot.ted" > 'a'
    and "quo""te" is not null and "pct%s" like '%s' and "dollar$" <> '$1' and "{brace}" <> '{}' and "UPPER" > 1 and "123" < 5;
create index pr_table_named on public.tasks (id) where tasks.done and public.tasks.priority > 1;
create index pr_zone on public.tasks (id) where (created_at at time zone 'UTC')::date = '2024-01-01' and extract(year from due) = 2024;
create index pr_oid on public.tasks (id) where obj = 1259 and cls = 'pg_class'::regclass;
create index pr_is_of_row on public.few (id) where few is not null and doc is not null;
create index pr_gin on public.tasks using gin (meta jsonb_path_ops) where status = 'a' and done;
create index pr_gist on public.shapes using gist (p) where id > 0;
create index pr_brin on public.tasks using brin (created_at) where status <> 'x';
create index pr_spgist on public.shapes using spgist (p) where id is not null;
create index pr_on_expression on public.tasks (lower(title)) where lower(title) in ('a', 'b') and title is not null;
create unique index pr_unique on public.tasks (user_id) where status = 'active' and not done;
create index pr_matview on public.task_counts (n) where status in ('a', 'b') and n > 10;
create index pr_child on public.child (id) where extra = 'x' and kind in ('a', 'b');
create index pr_all_of_it on public.tasks (status desc nulls last, lower(title) text_pattern_ops) include (id, due)
    with (fillfactor = 75) where status in ('a', 'b') or title ilike '%x%';

-- needs 14
create index pr_multirange on public.shapes (id) where im @> 5 and tm && '{[2024-01-01 00:00+00,2024-02-01 00:00+00)}';
create index pr_json_subscript on public.tasks (id) where meta['a'] = '1' and meta['b']['c'] is not null;

-- needs 16
create index pr_is_json on public.tasks (id) where title is json object;

-- needs 17
create index pr_json_exists on public.tasks (id) where json_exists(meta, '$.a ? (@ > 1)');

-- needs icu
create index pr_icu on public.texts (id) where ci = 'abc' and plain > 'b' collate "de-x-icu" and de in ('ä', 'ae');
