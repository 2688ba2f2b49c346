-- Storage parameters in odd spellings, tablespaces, comments, statistics targets. What belongs to an index stands below it.
create index at_fill on public.tasks (title) with (fillfactor = 70);
create index at_fill_text on public.tasks (title, id) with (fillfactor = '070');
create index at_fill_upper on public.tasks (title, big) with (FillFactor = 90);
create index at_dedup on public.tasks (status, id) with (deduplicate_items = off);
create index at_dedup_bare on public.tasks (status, due) with (deduplicate_items);
create index at_dedup_words on public.tasks (status, big) with (deduplicate_items = NO, fillfactor = 60);
create index at_dedup_text on public.tasks (status, small) with (deduplicate_items = 'False');
create index at_dedup_number on public.tasks (status, score) with (deduplicate_items = 0);
create index at_gin on public.tasks using gin (tags) with (fastupdate = FALSE);
create index at_gin_bare on public.tasks using gin (nums) with (fastupdate, gin_pending_list_limit = '512');
create index at_gist on public.shapes using gist (p) with (buffering = ON);
create index at_gist_off on public.shapes using gist (c) with (buffering = 'OFF', fillfactor = 33);
create index at_spgist on public.shapes using spgist (p) with (fillfactor = 44);
create index at_hash on public.tasks using hash (title) with (fillfactor = 55);
create index at_brin on public.tasks using brin (id) with (autosummarize);
create index at_brin_words on public.tasks using brin (big) with (autosummarize = 'yes', pages_per_range = 0001);

create index at_comment on public.tasks (body);
comment on index public.at_comment is 'plain';
create index at_comment_odd on public.tasks (body, id);
comment on index public.at_comment_odd is ' # leading, trailing: "quotes" ''single'' ${HOME} $${x} %s \ back {brace} ';
create index at_comment_lines on public.tasks (body desc);
comment on index public.at_comment_lines is E'line one\nline two\n\n  indented\ttab\r\nend\n';
create index at_comment_null on public.tasks (body, big);
comment on index public.at_comment_null is 'null';
create index at_comment_yes on public.tasks (body, small);
comment on index public.at_comment_yes is 'yes';
create index at_comment_number on public.tasks (body, score);
comment on index public.at_comment_number is '0123';
create index at_comment_unicode on public.tasks (body, due);
comment on index public.at_comment_unicode is E'héllo 表 😀 \u2028 \u0085 \ufeff';
create index at_comment_long on public.tasks (body, seen);
comment on index public.at_comment_long is 'a long comment that goes on and on, over more letters than any line of a file should have, and then some more, until it is truly long';
create index "At Comment" on app."Mixed Table" ("Name");
comment on index app."At Comment" is '~';
create index at_comment_sql on public.tasks (lower(body));
comment on index public.at_comment_sql is '''; drop table tasks; --';

create index at_statistics on public.tasks (lower(title), id);
alter index public.at_statistics alter column 1 set statistics 500;
create index at_statistics_two on public.tasks (id, (priority + 1), lower(body));
alter index public.at_statistics_two alter column 2 set statistics 0;
alter index public.at_statistics_two alter column 3 set statistics 10000;
create index at_statistics_default on public.tasks (upper(title));
alter index public.at_statistics_default alter column 1 set statistics 100;
alter index public.at_statistics_default alter column 1 set statistics -1;
create index at_everything on public.tasks (status desc nulls last, lower(title) collate "C" text_pattern_ops) include (id)
    with (fillfactor = 61, deduplicate_items = off) tablespace "Odd Space" where status in ('a', 'b');
comment on index public.at_everything is 'it''s all of it';
alter index public.at_everything alter column 2 set statistics 321;
create index "at stats odd" on app."Mixed Table" (lower("Name"));
alter index app."at stats odd" alter column 1 set statistics 7;
comment on index app."at stats odd" is 'both';

create index ts_other on public.tasks (nm) tablespace corpus_space;
create index ts_odd on public.tasks (nm, id) tablespace "Odd Space";
create index ts_default_said on public.tasks (nm desc) tablespace pg_default;
create index ts_gin on public.tasks using gin (search) tablespace corpus_space where done;
create unique index ts_matview on public.task_counts (n, status, priority) tablespace corpus_space;

create index ca_clustered on public.child (id);
alter table public.child cluster on ca_clustered;
create unique index ri_identity on public.identified (a, b);
alter table public.identified replica identity using index ri_identity;
create unique index fk_cover on public.referenced (a, b);
create table public.referencing (x int, y text, foreign key (x, y) references public.referenced (a, b));
create index st_unlogged on app.sessions using gin (data jsonb_path_ops) with (fastupdate = off);
