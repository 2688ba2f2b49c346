-- Rows for schema.sql. data.py puts the values in: %(tasks)s rows of tasks, %(users)s of users…, %(seed)s, %(newest)s
-- (seconds since 1970) and %(span)s (seconds).
--
-- Every value of row n is computed from n alone. So it does not matter in which order, or by how many workers, rows
-- are made: the same seed gives the same data. The server inlines the functions; they are gone at the end.

-- A number in [0, 1). Each use has a salt of its own, or the columns of a row would follow one another.
create function pg_temp.chance(n bigint, salt int) returns float8 immutable parallel safe language sql as $$
    select (hashint8extended(n, %(seed)s * 1000 + salt) & 4294967295)::float8 / 4294967296
$$;

-- One of 1 … many, low ones far more often: a fifth of all hits the first hundredth.
create function pg_temp.skewed(n bigint, salt int, many int) returns bigint immutable parallel safe language sql as $$
    select 1 + floor(many * power(pg_temp.chance(n, salt), 3))::bigint
$$;

create function pg_temp.pick(n bigint, salt int, words text[]) returns text immutable parallel safe language sql as $$
    select words[1 + floor(array_length(words, 1) * pg_temp.chance(n, salt))::int]
$$;

-- When the p-th part of all activity had happened. There is more of it the nearer one comes to the newest moment.
create function pg_temp.moment(p float8) returns timestamptz immutable parallel safe language sql as $$
    select to_timestamp(%(newest)s - %(span)s * power(1 - p, 1.5))
$$;

-- The p-th part of a calendar: even, with a past before 0, and going on a little beyond the newest moment.
create function pg_temp.calendar(p float8) returns timestamptz immutable parallel safe language sql as $$
    select to_timestamp(%(newest)s - %(span)s * (1 - 1.01 * p))
$$;

-- The agent of a session, so that a task need not look it up.
create function pg_temp.agent_of(session bigint) returns bigint immutable parallel safe language sql as $$
    select pg_temp.skewed(session, 31, %(agents)s)
$$;

insert into users (id, email, display_name, role, score, created_at, last_active_at)
select n,
       initcap(word) || '.User' || n || '@Example.com',
       initcap(word) || ' ' || pg_temp.pick(n, 2, '{Otter,Heron,Lynx,Finch,Badger,Wren,Marten,Ibis}') || ' ' || n,
       case when pg_temp.chance(n, 3) < 0.002 then 'admin'
            when pg_temp.chance(n, 3) < 0.012 then 'moderator'
            else 'member' end,
       round((10000 * power(pg_temp.chance(n, 4), 4))::numeric, 2),
       pg_temp.calendar(-3 + 2 * joined),  -- before there were agents
       case when pg_temp.chance(n, 5) < 0.9 then pg_temp.moment(1 - (1 - joined) * pg_temp.chance(n, 6)) end
from (select n::bigint,
             n::float8 / %(users)s as joined,
             pg_temp.pick(n, 1, '{amber,brisk,calm,dusty,eager,fair,grand,hazy,indigo,jolly}') as word
      from generate_series(1, %(users)s) n) u;

insert into agents (id, owner_id, name, kind, status, capabilities, score, created_at, last_heartbeat_at)
select n,
       pg_temp.skewed(n, 11, %(users)s),
       pg_temp.pick(n, 12, '{Swift,Quiet,Bold,Keen,Deft,Plain,Warm,Vivid}') || '-' || n,
       pg_temp.pick(n, 13, '{coder,coder,coder,researcher,researcher,reviewer,planner}')::agent_kind,
       status,
       -- The first capability is common, each further one rarer.
       array(select skill
             from unnest('{python,sql,search,browser,vision,shell,email,french,japanese,cobol}'::text[])
                  with ordinality as skills (skill, place)
             where pg_temp.chance(n, 20 + place::int) < 0.8 / place),
       case when pg_temp.chance(n, 14) < 0.85 then round((1000 * power(pg_temp.chance(n, 15), 2))::numeric, 3) end,
       pg_temp.calendar(-1 + n::float8 / %(agents)s),  -- before there were sessions
       case status when 'retired' then null
                   when 'offline' then pg_temp.moment(pg_temp.chance(n, 16))
                   else pg_temp.moment(1 - power(pg_temp.chance(n, 16), 8) / 100) end
from (select n::bigint,
             pg_temp.pick(n, 17, '{idle,idle,idle,busy,offline,offline,offline,retired,retired,retired}') as status
      from generate_series(1, %(agents)s) n) a;

insert into sessions (id, agent_id, user_id, token_digest, tokens_used, started_at, last_seen_at, ended_at)
select n, agents.id, agents.owner_id,
       sha256(convert_to('token-' || n, 'UTF8')),
       floor(200000 * power(pg_temp.chance(n, 32), 3)),
       started_at, last_seen_at,
       case when n <= %(sessions)s * 0.99 then last_seen_at end
from (select n::bigint,
             pg_temp.moment((n - 1)::float8 / %(sessions)s) as started_at,
             pg_temp.moment((n - 1 + pg_temp.chance(n, 33))::float8 / %(sessions)s) as last_seen_at
      from generate_series(1, %(sessions)s) n) s
join agents on agents.id = pg_temp.agent_of(n);

-- Tasks and sessions grow side by side: a task's session is of its time, and its agent is the session's.
insert into tasks (id, user_id, agent_id, session_id, title, status, priority, attempts, score, meta,
                   created_at, completed_at, next_attempt_at)
select n,
       pg_temp.skewed(n, 41, %(users)s),
       case when status <> 'pending' then pg_temp.agent_of(session_id) end,
       case when status <> 'pending' then session_id end,
       pg_temp.pick(n, 42, '{Summarise,Translate,Review,Draft,Compare,Test,Plan,Classify,Refactor,Explain}') || ' the '
           || pg_temp.pick(n, 43, '{quarterly,first,shared,public,nightly,internal,legacy,new,old,final}') || ' '
           || pg_temp.pick(n, 44, '{report,contract,module,survey,invoice,interview,schema,release,budget,manual,
                                    agenda,glossary,catalogue,timetable,questionnaire,transcript}'),
       status,
       floor(10 * power(pg_temp.chance(n, 45), 2)),
       case status when 'pending' then 0 when 'failed' then 1 + floor(5 * pg_temp.chance(n, 46)) else 1 end,
       case when status = 'completed' then round((100 * power(pg_temp.chance(n, 47), 0.3))::numeric, 2) end,
       jsonb_build_object(
           'source', case when pg_temp.chance(n, 54) < 0.005 then pg_temp.pick(n, 48, '{email,import}')
                          else pg_temp.pick(n, 48, '{web,web,web,web,web,api,api,schedule}') end,
           'language', pg_temp.pick(n, 49, '{en,en,en,en,en,en,en,de,fr,ja}'),
           'labels', jsonb_build_array('team-' || pg_temp.skewed(n, 50, 200), 'batch-' || n / 50)),
       created_at,
       case when status in ('completed', 'failed', 'cancelled')
            then least(pg_temp.moment(1),
                       created_at + make_interval(secs => 5 + 3600 * power(pg_temp.chance(n, 51), 4))) end,
       case when status = 'failed' then created_at + make_interval(hours => 1 + n::int %% 72) end
from (select n::bigint,
             pg_temp.moment((n - 1)::float8 / %(tasks)s) as created_at,
             1 + (n - 1)::bigint * %(sessions)s / %(tasks)s as session_id,
             case when n > %(tasks)s * 0.98  -- the hot set
                  then pg_temp.pick(n, 52, '{pending,pending,pending,pending,pending,
                                             running,running,completed,completed,completed}')
                  when pg_temp.chance(n, 53) < 0.913 then 'completed'
                  when pg_temp.chance(n, 53) < 0.963 then 'failed'
                  when pg_temp.chance(n, 53) < 0.998 then 'cancelled'
                  else 'pending' end as status
      from generate_series(1, %(tasks)s) n) t;

-- Seasons, one after another, and beside them short rounds, one after another.
insert into rounds (id, title, status, opens_at, closes_at)
select n, title,
       case when closes_at <= pg_temp.moment(1) then 'closed'
            when opens_at <= pg_temp.moment(1) then 'open'
            else 'scheduled' end,
       opens_at, closes_at
from (select n, 'Season ' || n as title,
             pg_temp.calendar((n - 1)::float8 / %(seasons)s) as opens_at,
             pg_temp.calendar(n::float8 / %(seasons)s) as closes_at
      from generate_series(1, %(seasons)s) n
      union all
      select %(seasons)s + n, 'Round ' || n,
             pg_temp.calendar((n - 1)::float8 / (%(rounds)s - %(seasons)s)),
             pg_temp.calendar(n::float8 / (%(rounds)s - %(seasons)s))
      from generate_series(1, %(rounds)s - %(seasons)s) n) r;

-- A vote falls into a round that is open at that moment, seven in ten into the season, and is for one of the latest
-- tasks.
insert into votes (round_id, task_id, user_id, value, created_at)
select case when pg_temp.chance(n, 61) < 0.7
            then 1 + floor(%(seasons)s * elapsed)
            else 1 + %(seasons)s + floor((%(rounds)s - %(seasons)s) * elapsed) end,
       n - floor(least(n, 1 + %(tasks)s / 50) * pg_temp.chance(n, 62)),
       pg_temp.skewed(n, 63, %(users)s),
       case when pg_temp.chance(n, 64) < 0.8 then 1 else -1 end,
       pg_temp.moment((n - 1)::float8 / %(votes)s)
from (select n::bigint, (1 - power(1 - (n - 1)::float8 / %(votes)s, 1.5)) / 1.01 as elapsed
      from generate_series(1, %(votes)s) n) v
on conflict do nothing;

-- Ids given by hand do not move the sequence of an identity column.
select setval(pg_get_serial_sequence('users', 'id'), (select max(id) from users)),
       setval(pg_get_serial_sequence('agents', 'id'), (select max(id) from agents)),
       setval(pg_get_serial_sequence('sessions', 'id'), (select max(id) from sessions)),
       setval(pg_get_serial_sequence('tasks', 'id'), (select max(id) from tasks)),
       setval(pg_get_serial_sequence('rounds', 'id'), (select max(id) from rounds));

drop function pg_temp.agent_of, pg_temp.calendar, pg_temp.moment, pg_temp.pick, pg_temp.skewed, pg_temp.chance;
