-- The queries of the sample application. Each says which of the declared indexes it is meant to use, and the `why` of
-- each index in desired/postgres/ says which queries it serves. The values are drawn in workload.py.

-- Joins instead of a query for each row

-- name: agent_status_with_task_count
-- serves: agents_owner_id_lower_name_key, tasks_agent_id_status_idx
select a.id, a.name, a.status,
       count(t.agent_id) filter (where t.status = 'running') as running,
       count(t.agent_id) filter (where t.status = 'completed') as completed
from agents a
left join tasks t on t.agent_id = a.id
where a.owner_id = %(user)s
group by a.id
order by lower(a.name);

-- name: recent_tasks_with_agent
-- serves: tasks_created_at_id_idx
select t.id, t.title, t.status, t.created_at, a.name as agent
from tasks t
left join agents a on a.id = t.agent_id
order by t.created_at desc, t.id desc
limit 50;

-- name: latest_session_of_agents
-- serves: sessions_agent_id_started_at_idx
select a.id, a.name, s.started_at, s.tokens_used
from agents a
cross join lateral (
    select started_at, tokens_used from sessions where agent_id = a.id order by started_at desc limit 1
) s
where a.owner_id = %(user)s;

-- name: votes_of_tasks
-- serves: votes_task_id_idx
select t.id, t.title, coalesce(v.total, 0) as votes
from (select id, title from tasks where user_id = %(user)s order by created_at desc, id desc limit 20) t
cross join lateral (select sum(value) as total from votes where task_id = t.id) v;

-- Pages by cursor instead of offset

-- name: task_list_page
-- serves: tasks_user_id_created_at_id_idx
select id, title, status, created_at
from tasks
where user_id = %(user)s and (created_at, id) < (%(page)s, %(task)s)
order by created_at desc, id desc
limit 50;

-- name: agent_list_page
-- serves: agents_created_at_id_idx
select id, name, kind, created_at
from agents
order by created_at desc, id desc
limit 20;

-- Ranking in the database instead of the application

-- name: leaderboard
-- serves: agents_score_id_idx
select rank() over (order by score desc nulls last), id, name, score
from agents
order by score desc nulls last, id
limit 20;

-- name: leaderboard_of_kind
-- serves: agents_kind_score_idx
select rank() over (order by score desc nulls last), id, name, score
from agents
where kind = %(kind)s
order by score desc nulls last
limit 20;

-- name: leaderboard_of_users
-- serves: users_score_id_idx
select rank() over (order by score desc), id, display_name, score
from users
order by score desc, id
limit 20;

-- Aggregations

-- name: daily_throughput
-- serves: tasks_completed_at_idx
select date_trunc('hour', completed_at) as hour, count(*) as tasks, avg(score) as score,
       percentile_cont(0.5) within group (order by score) as median
from tasks
where completed_at >= %(since)s
group by 1
order by 1;

-- name: best_agents_lately
-- serves: tasks_completed_at_idx
with lately as (
    select agent_id, count(*) as tasks, avg(score) as score
    from tasks
    where completed_at >= %(since)s
    group by agent_id
    having count(*) >= 3
)
select a.name, l.tasks, round(l.score, 1) as score, dense_rank() over (order by l.score desc) as place
from lately l
join agents a on a.id = l.agent_id
order by place
limit 10;

-- name: token_use
-- serves: sessions_started_at_idx
select agent_id, sum(tokens_used) as tokens
from sessions
where started_at >= %(since)s
group by agent_id
order by tokens desc
limit 10;

-- name: votes_by_hour
-- serves: votes_created_at_idx
select date_trunc('hour', created_at) as hour, count(*) as votes, count(distinct user_id) as voters
from votes
where created_at >= %(since)s
group by 1
order by 1;

-- Search with several filters

-- name: search_tasks
-- serves: tasks_status_priority_created_at_idx
select id, title, priority, created_at
from tasks
where status = 'failed' and priority >= %(priority)s
order by priority desc, created_at desc
limit 50;

-- name: search_tasks_by_source
-- serves: tasks_source_created_at_idx
select id, title, status, created_at
from tasks
where meta ->> 'source' = %(source)s and created_at < %(page)s and status <> 'cancelled'
order by created_at desc
limit 50;

-- name: search_tasks_by_label
-- serves: tasks_meta_idx
select id, title, status
from tasks
where meta @> %(label)s and status = 'completed' and score >= 90;

-- name: search_tasks_by_words
-- serves: tasks_title_search_idx
select id, title, status
from tasks
where to_tsvector('english', title) @@ websearch_to_tsquery('english', %(words)s) and created_at >= %(page)s;

-- name: agents_that_can
-- serves: agents_capabilities_idx
select id, name, score from agents where capabilities @> %(capabilities)s and status = 'idle';

-- name: complete_name
-- serves: users_lower_display_name_idx
select id, display_name from users where lower(display_name) like %(name)s limit 10;

-- Small things, often

-- name: sign_in
-- serves: users_lower_email_key
select id, display_name, role from users where lower(email) = lower(%(email)s);

-- name: session_of_token
-- serves: sessions_token_digest_idx
select id, agent_id, user_id from sessions where token_digest = %(token)s;

-- name: user_sessions
-- serves: sessions_user_id_last_seen_at_idx
select id, agent_id, last_seen_at, ended_at
from sessions
where user_id = %(user)s
order by last_seen_at desc
limit 10;

-- name: session_tasks
-- serves: tasks_session_id_idx
select id, title, status, score from tasks where session_id = %(session)s order by id;

-- name: user_votes
-- serves: votes_user_id_created_at_idx
select round_id, task_id, value, created_at
from votes
where user_id = %(user)s
order by created_at desc
limit 50;

-- The hot set

-- name: next_task
-- serves: tasks_queue_idx
select id, title
from tasks
where status = 'pending'
order by priority desc, created_at
limit 1
for update skip locked;

-- name: open_tasks
-- serves: tasks_queue_idx
select priority, title, status, created_at
from tasks
where status in ('pending', 'running')
order by priority desc, created_at
limit 100;

-- name: tasks_to_retry
-- serves: tasks_retry_idx
select id, agent_id, attempts, next_attempt_at
from tasks
where status = 'failed' and attempts < 3 and next_attempt_at <= %(now)s
order by next_attempt_at
limit 100;

-- name: lost_agents
-- serves: agents_status_last_heartbeat_at_idx
select id, name, last_heartbeat_at from agents where status = 'busy' and last_heartbeat_at < %(a_minute_ago)s;

-- name: idle_sessions
-- serves: sessions_live_idx
select last_seen_at, agent_id
from sessions
where ended_at is null and last_seen_at < %(a_minute_ago)s
order by last_seen_at;

-- name: rounds_ending_soon
-- serves: rounds_status_closes_at_idx
select id, title, closes_at from rounds where status = 'open' and closes_at <= %(in_two_days)s;
