-- What is finished and old moves into Parquet files. What must never be asked twice stays: the moment with its unique key, its verdicts
-- without their traces, its outcomes, and of each message that it was sent and how it ended.

alter table moments add column archived_in integer;
create index moments_archived on moments (archived_in) where archived_in is not null;

-- One row a transaction that moved rows out: files whose name is not here were never committed.
create table archives (
    archive_id integer primary key autoincrement,
    name text not null unique,                -- of its files, one a table and month
    folder text not null,                     -- relative to the workspace where it lies inside
    at integer not null,
    cutoff integer not null,                  -- everything moved was over before this instant
    moments integer not null,
    messages integer not null
);

create table archived_messages (
    message_id text primary key,
    moment_id integer not null references moments,
    campaign text not null,
    step text not null,
    medium text not null,
    state text not null
) without rowid;
create index archived_messages_moment on archived_messages (moment_id);

-- How every message ended, archived or not: what reports count.
create view fates as
    select message_id, moment_id, campaign, step, medium, state from messages
    union all
    select message_id, moment_id, campaign, step, medium, state from archived_messages;
