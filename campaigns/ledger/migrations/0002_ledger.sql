-- The ledger: what Kairos knows and nobody else does. Instants are whole seconds since 1970-01-01 UTC.

create table meta (
    key text primary key,
    value text not null
) without rowid;

-- One occasion of one customer for one campaign, for ever. The unique key, not a check before the insert, keeps it to one.
create table moments (
    moment_id integer primary key,
    campaign text not null,
    customer_id text not null,
    subject text not null,
    occasion text not null,
    due_at integer not null,
    policy_id text,
    claim_id text,
    event_id text,
    alert_id text,
    admitted_at integer not null,
    status text not null default 'pending',   -- pending, sent, held_out, held, refused, expired, retracted
    step text not null,                       -- the step decided last, or to be decided next
    step_due_at integer not null,             -- when that step was due, however often it was held since
    wake_at integer,                          -- when it wants a decision; null = nothing left to decide
    unique (campaign, customer_id, subject, occasion)
);
create index moments_awake on moments (campaign, customer_id, subject, occasion, wake_at) where wake_at is not null;
create index moments_customer on moments (customer_id);
create index moments_wake on moments (wake_at) where wake_at is not null;

-- Exactly one per moment and step: the verdict and every gate's answer on the way to it.
create table decisions (
    moment_id integer not null references moments,
    step text not null,
    verdict text not null,
    gate text not null,
    reason text not null,
    medium text not null,
    decided_at integer not null,
    version text not null,
    trace text not null,
    primary key (moment_id, step)
) without rowid;

create table messages (
    message_id text primary key,              -- hash of campaign, customer, subject, occasion, step and channel
    moment_id integer not null references moments,
    campaign text not null,
    customer_id text not null,
    step text not null,
    medium text not null,
    purpose text not null,
    locale text not null,
    template text not null,
    address text not null,
    parts text not null,                      -- the words, a JSON object
    offers text not null,                     -- what was offered, a JSON array
    timezone text not null,
    not_before integer not null,
    not_after integer not null,               -- end of the local window it was planned for
    expires_at integer not null,
    reserved_at integer not null,
    state text not null default 'reserved',   -- reserved, handed, accepted, delivered, failed, unknown, expired, retracted
    token text,                               -- who is handing it over
    handed_at integer,
    retry_at integer,
    provider_id text,
    code text,
    attempts integer not null default 0,
    due_at integer,                           -- agent tasks: by when
    priority text not null default ''         -- agent tasks: how urgent, where the campaign says so
);
create index messages_outbox on messages (not_before) where state = 'reserved';
create index messages_open on messages (state) where state in ('handed', 'unknown');
create index messages_contacts on messages (customer_id, reserved_at);
create index messages_moment on messages (moment_id);
create index messages_provider on messages (provider_id) where provider_id is not null;

create table attempts (
    attempt_id integer primary key,
    message_id text not null,
    token text not null,
    at integer not null,
    outcome text not null,
    code text not null default '',
    detail text not null default ''
);
create index attempts_message on attempts (message_id);

create table receipts (
    message_id text not null,
    provider_id text not null,
    status text not null,
    code text not null default '',
    at integer not null,
    primary key (message_id, status)
) without rowid;

create table opt_outs (
    customer_id text not null,
    purpose text not null,                    -- or * for all
    medium text not null,                     -- or * for all
    at integer not null,
    source text not null,
    primary key (customer_id, purpose, medium)
) without rowid;

-- What customers did: goals reached within their window, for treated and held-out alike.
create table outcomes (
    moment_id integer not null references moments,
    event_id text not null,
    event text not null,
    at integer not null,
    detail text not null default '',          -- what else was told, a JSON object
    primary key (moment_id, event_id)
) without rowid;

create table campaign_versions (
    campaign text not null,
    version text not null,
    body text not null,
    published_at integer not null,
    published_by text not null,
    primary key (campaign, version)
) without rowid;

create table runs (
    run_id integer primary key,
    command text not null,
    as_of integer not null,
    report text not null
);

-- What was the same for many decisions: campaign version, step, channel, and each gate with the rule it applied.
create table cases (
    case_id text primary key,
    body text not null
) without rowid;

-- Facts that arrived by themselves, on the stream or by hand, in the order in which they were taken: kept before the broker is told so.
create table inbox (
    seq integer primary key autoincrement,
    view text not null,                       -- the canonical view the record is a row of
    key text not null,                        -- what makes it the same when it comes again
    body text not null,                       -- the row, a JSON object
    received_at integer not null,
    unique (view, key)
);

-- Who is in a segment or beyond a line, since when: a table of customers does not remember.
create table memberships (
    campaign text not null,
    customer_id text not null,
    subject text not null,
    entered_at integer not null,
    left_at integer,                          -- null = still in it
    initial integer not null,                 -- 1 = was in it when the campaign first looked
    primary key (campaign, customer_id, subject, entered_at)
) without rowid;
create unique index memberships_open on memberships (campaign, customer_id, subject) where left_at is null;
