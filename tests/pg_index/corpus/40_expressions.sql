-- Expressions in every syntax that PostgreSQL has for one.
create index ex_lower on public.tasks (lower(title));
create index ex_lower_upper on public.tasks (LOWER( title ), upper(body) desc nulls last);
create index ex_lower_parens on public.tasks ((lower(title)));
create index ex_concat on public.tasks ((title || ' ' || body));
create index ex_arith on public.tasks ((priority + 1), (priority * 2 - big / 3), (priority % 7), (-priority), (ratio ^ 2));
create index ex_folds on public.tasks ((priority + 2 * 3));
create index ex_cast on public.tasks ((priority::text), cast(big as numeric), (score::numeric(6, 1)));
create index ex_cast_domain on public.tasks ((title::email), (priority::app.posint));
create index ex_cast_enum on public.tasks ((status::text = 'ok'), (mood = 'ok'::mood));
create index ex_cast_array on public.tasks ((tags::varchar[]));
create index ex_cast_typmod on public.tasks ((title::varchar(10)), (title::char(5)), (bits::bit(4)));
create index ex_typed_literal on public.tasks ((due - date '2024-01-01'), (seen > timestamp '2024-01-01 10:00'));
create index ex_case on public.tasks ((case when done then 1 else 0 end));
create index ex_case_simple on public.tasks ((case status when 'a' then 'x' when 'b' then 'y' end));
create index ex_case_nested on public.tasks
    ((case when priority > 5 then case when done then 'a' else 'b' end when priority is null then 'c' else title end));
create index ex_coalesce on public.tasks (coalesce(title, body, ''), coalesce(priority, 0) desc);
create index ex_greatest on public.tasks (greatest(priority, small, 0), least(big, 10));
create index ex_nullif on public.tasks (nullif(title, ''), nullif(priority, -1));
create index ex_extract on public.tasks (extract(year from due), extract(epoch from seen), extract(dow from seen));
create index ex_extract_parens on public.tasks ((extract(month from due)), (extract('quarter' from seen)));
create index ex_date_part on public.tasks (date_part('year', due), date_part('hour'::text, seen));
create index ex_date_trunc on public.tasks (date_trunc('day', seen), date_trunc('hour', span));
create index ex_at_zone on public.tasks ((created_at at time zone 'UTC'), (seen at time zone 'Europe/Berlin'));
create index ex_timezone on public.tasks (timezone('UTC', created_at), timezone('UTC'::text, seen));
create index ex_at_zone_interval on public.tasks ((created_at at time zone interval '-08:00'));
create index ex_date_of_zone on public.tasks (((created_at at time zone 'UTC')::date));
create index ex_interval on public.tasks ((seen + interval '1 day'), (seen - interval '2' hour), (due + interval '1-2' year to month));
create index ex_interval_long on public.tasks ((seen + '1 year 2 mons 3 days 04:05:06.789'::interval), (span * 2));
create index ex_substring on public.tasks (substring(title from 1 for 3), substring(title from 4), substring(title for 5));
create index ex_substring_regex on public.tasks (substring(title from '^([a-z]+)\s'), substring(body, 2, 3));
create index ex_substring_similar on public.tasks (substring(title from '%#"a%b#"%' for '#'));
create index ex_position on public.tasks (position('a' in title), strpos(title, 'b'));
create index ex_overlay on public.tasks (overlay(title placing 'xx' from 2 for 3), overlay(body placing 'y' from 1));
create index ex_trim on public.tasks (trim(title), trim(both from title), trim(leading 'x' from title), trim(trailing from body));
create index ex_btrim on public.tasks (btrim(title), ltrim(title, ' x'), rtrim(body));
create index ex_normalize on public.tasks (normalize(title), normalize(body, nfkd), (title is nfc normalized));
create index ex_collation_for on public.tasks ((length(title)), (octet_length(body)), char_length(title));
create index ex_like on public.tasks ((title like 'a%'), (title not like '%\_b' escape '\'), (title ilike 'é%'), (body not ilike 'x'));
create index ex_like_escape on public.tasks ((title like '50!%%' escape '!'));
create index ex_similar on public.tasks ((title similar to '(a|b)%'), (title not similar to 'x_#_' escape '#'));
create index ex_regex on public.tasks ((title ~ '^\d+\.\w*$'), (title ~* 'it''s "x"'), (title !~ '\\'), (title !~* '^$'));
create index ex_regex_e on public.tasks ((title ~ E'^\\d+\t\n\'$'), (body ~ E'\u00e9|\x41'));
create index ex_regexp_replace on public.tasks (regexp_replace(title, '[^a-z0-9]+', '-', 'gi'), regexp_match(title, '(\w+)@'));
create index ex_unicode_escape on public.tasks ((title = U&'d\0061t\+000061'), (title = U&'x!0041' uescape '!'));
create index ex_dollar on public.tasks ((title || $$it's $1 and 'that'$$), (title || $tag$ $$ $tag$));
create index ex_tricky_text on public.tasks ((title || ' # : - { } [ ] & * ! | > '' " % @ ` ${HOME} $${x} \ '));
create index ex_newline on public.tasks ((title || E'line one\nline two\ttab\r'));
create index ex_non_bmp on public.tasks ((title || '😀' || E'\u2028\u0085' || 'ﬁ'));
create index ex_percent on public.tasks ((title || '%s %% %(x)s %'), (priority % 3));
create index ex_braces on public.tasks ((title || '{0} {x} {{}}'));
create index ex_bits on public.tasks ((bits & B'00001111'), (bits | X'F0'), (~ bits), (vbits << 2), (bits # b'1'::bit(8)));
create index ex_bytes on public.tasks ((payload || '\xdeadbeef'::bytea), encode(payload, 'hex'), (payload = 'abc\\000'::bytea));
create index ex_numbers on public.tasks ((score * 1.50), (score + -2.5), (score - -3), (ratio * 1e10), (ratio / 1.5e-5), (big + 9999999999));
create index ex_numbers_odd on public.tasks ((ratio = 'NaN'), (ratio < 'Infinity'::float8), (score = '-0.0'::numeric), (priority = '-2147483648'::int));
create index ex_big_number on public.tasks ((score > 123456789012345678901234567890.123456789), (small + 1::smallint));
create index ex_negative_cast on public.tasks ((priority * -1::bigint), ((-1)::smallint + small), (- 5 + priority));
create index ex_abs on public.tasks (abs(priority), round(score, 1), (@ ratio), (|/ abs(ratio)), (||/ ratio))
    where priority is not null;
create index ex_between on public.tasks ((priority between 1 and 5), (priority not between symmetric 9 and 3));
create index ex_in on public.tasks ((status in ('a', 'b')), (priority not in (1, 2, 3)), (mood in ('sad', 'it''s fine')));
create index ex_any on public.tasks ((priority = any (array[1, 2])), ('x' = any (tags)), (priority <> all ('{1,2}')), (title like any ('{a%,b%}')));
create index ex_any_some on public.tasks ((priority > some (nums)), (title ~~ all (tags)));
create index ex_distinct on public.tasks ((title is distinct from body), (priority is not distinct from small));
create index ex_null_tests on public.tasks ((title is null), (body isnull), (title notnull), (amount is null), (done is unknown));
create index ex_bool_tests on public.tasks ((done is true), (done is not false), (done is not unknown), (not done), (done = true));
create index ex_and_or on public.tasks ((done and priority > 5 or not done and title is null), (done or title = 'x'));
create index ex_row_compare on public.tasks (((priority, small) < (5, 6)), ((title, body) = (body, title)), (row(id, 1) > row(2, 3)));
create index ex_row_null on public.tasks (((title, body) is null), (row(title, priority) is not null));
create index ex_row_in on public.tasks (((priority, title) in ((1, 'a'), (2, 'b'))));
create index ex_row on public.tasks ((row(title, priority)::money_amount is not null));
create index ex_json on public.tasks ((meta -> 'a'), (meta ->> 'b'), (meta #> '{c,d}'), (meta #>> '{e,0}'), (meta -> 0));
create index ex_json_cast on public.tasks (((meta ->> 'n')::int), ((meta -> 'x' ->> 'y')::numeric(10, 2)), (((meta ->> 't')::boolean)));
create index ex_json_ops on public.tasks ((meta ? 'a'), (meta ?| array['a', 'b']), (meta ?& '{x}'), (meta @> '{"a": {"b": [1, "x"]}}'), (meta - 'k'));
create index ex_json_path on public.tasks ((meta @? '$.a[*] ? (@ > 2)'), (meta @@ '$.a == 1'), jsonb_path_query_first(meta, '$.x'));
create index ex_json_plain on public.tasks ((doc ->> 'a'), json_extract_path_text(doc, 'a', 'b'), jsonb_array_length(meta));
create index ex_array_element on public.tasks ((tags[1]), (matrix[1][2]), (nums[array_length(nums, 1)]), (tags[priority]));
create index ex_array_slice on public.tasks ((tags[1:2]), (nums[:3]), (nums[2:]), (matrix[1:2][1:1]), (tags[:]));
create index ex_array_ops on public.tasks ((tags || 'x'::text), (nums && '{1,2}'), (nums @> array[3]), array_position(tags, 'a'));
create index ex_array_literal on public.tasks ((array[title, body]), (array[[1, 2], [3, priority]]), (array[]::text[] || tags));
create index ex_field on public.tasks (((amount).amount), ((amount).currency), ((address)."Zip Code"), ((addresses[1]).street));
create index ex_field_deep on public.tasks ((((address).at)[0]), ((tasks.address).street), (lower((address).street)));
create index ex_whole_row on public.few ((few is null), (few.* is not null));
create index ex_whole_row_text on public.few ((few = row(1, '{}'::jsonb)::few));
create index ex_table_named on public.tasks ((tasks.title || tasks.body), (lower(tasks.title)));
create index ex_function on public.tasks (norm(title), public.norm(body), app.slug(title));
create index ex_function_shadow on public.tasks (app.lower(title), lower(mood), pg_catalog.lower(body));
create index ex_function_args on public.tasks (app.slug(title, '_'), app.slug(title => body, max_len => 3), app.slug(body, sep := '+'));
create index ex_function_variadic on public.tasks (app.join_all(title, body), app.join_all(variadic tags), app.join_all('a'));
create index ex_function_odd on public.tasks (app."Mixed Case"(priority), app.any_kind(title), app.any_kind(priority));
create index ex_function_none on public.tasks ((app.no_args() + priority));
create index ex_function_plpgsql on public.tasks (app.two_texts(title, body));
create index ex_operator on public.tasks ((title operator(app.~~~) body), (title operator(pg_catalog.||) body), (title <#> body));
create index ex_operator_prefix on public.tasks ((operator(app.!-) title));
create index ex_operator_shift on public.tasks ((big << 3), (big >> 1), (big & 255), (big | 1), (big # 5), (~ big));
create index ex_format on public.tasks ((md5(title)), left(title, 3), right(title, -2), reverse(title), lpad(title, 5, '0'), repeat(title, 2));
create index ex_hash on public.tasks (hashtext(title), hashint4(priority), (hashtext(title) % 16));
create index ex_inet on public.tasks (host(ip), masklen(ip), (ip << '10.0.0.0/8'), (ip & '255.255.255.0'), network(ip), (ip::cidr));
create index ex_range on public.tasks (int4range(priority, priority + 1), tstzrange(created_at, created_at, '[]'));
create index ex_range_parts on public.shapes (lower(ir), upper(tz), isempty(nr), (ir * '[1,10)'), (ir @> 5), lower_inc(dr));
create index ex_geometry on public.shapes ((p[0]), (p <-> '(0,0)'), area(b), (center(c) <-> p)) where false;
create index ex_uuid on public.tasks ((uid = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), (uid::text));
create index ex_money on public.tasks ((price / price), (price * 2), (price + '0'));
create index ex_tsvector on public.tasks ((search @@ 'a & b'::tsquery), (search @@ to_tsquery('english', 'x')), ts_rank(search, 'a'));
create index ex_constant on public.tasks ((true), (1));
create index ex_null_constant on public.tasks ((null::int), ('x'::text));
create index ex_name_cast on public.tasks ((nm::text), (nm || 'x'), (sys::text), (code || 'x'), (code::text));
create index ex_overlaps on public.tasks (((seen, seen + interval '1h') overlaps (timestamp '2024-01-01', timestamp '2024-02-01')));
create index ex_special on public.tasks ((cls::oid), (obj::bigint), (obj::regclass)) where obj = 'pg_class'::regclass;
create index ex_make on public.tasks (make_date(priority, 1, 1), make_interval(days => priority), to_timestamp(ratio), age(seen, seen));
create index ex_generate on public.tasks (string_to_array(title, ','), cardinality(tags), array_remove(nums, 3));
create index ex_lead_keyword on public.tasks ((interval '1 day' * priority), (date '2024-01-01' + priority), (time '10:00' + span));
create index ex_precedence on public.tasks ((not (done and (priority > 1 or big > 2))), ((priority + 1) * (big - 1)), (-(-priority)), ((title || body) || 'x'), (title || (body || 'x')));
create index ex_deep on public.tasks ((((((((((priority + 1) * 2) - 3) / 4) % 5) + 6) * 7) - 8)));
create index ex_long on public.tasks ((coalesce(title, '') || coalesce(body, '') || coalesce(status, '') || coalesce("mixedCase", '')
    || coalesce("select", '') || coalesce("with space", '') || coalesce("dot.ted", '') || coalesce("quo""te", '')
    || coalesce("pct%s", '') || coalesce("dollar$", '') || coalesce("{brace}", '') || coalesce("ünï", '')));
create index ex_comment on public.tasks (/* a comment */ lower(title) -- another
    , (body || '-- not one') );
create index ex_multi on public.tasks (status, lower(title), priority desc, (meta ->> 'a') text_pattern_ops desc nulls last, id);
create index ex_odd_columns on public.tasks (lower("mixedCase"), ("select" || "with space"), ("dot.ted" || "quo""te"), ("pct%s" || "dollar$"), ("{brace}" || "ünï"), ("123" + "UPPER"));
create index ex_unique_include on public.tasks (lower(title) desc, (priority + 1)) include (id, status) where lower(title) <> '';
create index ex_current on public.tasks ((priority = array_length(string_to_array('a,b', ','), 1)));
create index ex_alias_type on public.tasks ((priority::int8), (ratio::real), (title::varchar), (seen::date::timestamp))
    where false and priority::bool;

-- needs 14
create index ex_subscript on public.tasks ((meta['a']), (meta['b']['c']), (meta['d'][0]), (meta['e']::text));
create index ex_date_bin on public.tasks (date_bin('15 minutes', seen, timestamp '2001-01-01'), bit_count(bits), trim_array(nums, 1));
create index ex_search_split on public.tasks (string_to_array(title, null), unistr('d\0061t'), (ltrim(payload, '\x00'::bytea)));

-- needs 16
create index ex_date_trunc_zone on public.tasks (date_trunc('month', created_at, 'UTC'));
create index ex_numeric_literals on public.tasks ((priority + 0x1F), (priority + 0b101), (priority + 0o17), (big + 1_000_000), (score + 1_000.5));
create index ex_is_json on public.tasks ((title is json), (title is json object with unique keys), (body is not json array));
create index ex_json_constructors on public.tasks (json_array_length(json_array(title, body)));

-- needs 17
create index ex_json_query on public.tasks (json_value(meta, '$.a'), json_exists(meta, '$.b'), json_query(meta, '$.c' with wrapper));
create index ex_json_value_returning on public.tasks (json_value(meta, '$.n' returning int default 0 on empty));

-- needs 18
create index ex_array_18 on public.tasks (array_sort(nums), array_reverse(tags), casefold(title), crc32(payload));

-- needs xml
create index ex_xml on public.tasks ((xpath('/a/text()', x)::text[]), ((xpath('//b', x))[1]::text));
create index ex_xml_is on public.tasks ((x is document)) where x is not document;
