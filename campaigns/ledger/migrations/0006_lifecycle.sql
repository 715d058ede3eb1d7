-- Which version of a campaign is in service, who approved it, what is stopped, and who did what.

create table lifecycle (
    campaign text primary key,
    state text not null,                      -- draft, reviewed, live, paused, ended
    version text not null,                    -- the version in service; '' = none was ever approved
    proposed text not null,                   -- the version that waits for an approval; '' = none
    proposed_by text not null,
    declined text not null,                   -- the version rolled back from: what the file says does not bring it back
    final integer not null,                   -- 1 = stopped by hand, for ever
    changed_at integer not null,
    changed_by text not null
);

-- Versions that may be in service: those approved, and those that ran where nobody need approve.
create table approvals (
    campaign text not null,
    version text not null,
    approved_at integer not null,
    approved_by text not null,
    primary key (campaign, version)
);

-- Of whom nothing is handed over: campaigns paused or ended, and * for everything. Looked at by every lease.
create table halts (
    campaign text primary key,
    halted_at integer not null,
    halted_by text not null
);

-- Each entry holds the hash of the one before: what was changed, removed or moved shows.
create table audit (
    seq integer primary key,
    at integer not null,
    actor text not null,
    act text not null,
    campaign text not null,
    detail text not null,                     -- a JSON object
    previous text not null,
    hash text not null
);
