-- What customers told Kairos itself about being contacted, with its evidence. Nothing here is ever changed but by erasure; the newest word counts.
create table consent_statements (
    statement_id text primary key,            -- the same word brought twice is one
    customer_id text not null,
    kind text not null,                       -- consent: a yes or a no; call_refusal: a no to calls, which lasts for the policy's term
    purpose text not null,                    -- or * for all
    medium text not null,                     -- or * for all
    granted integer not null,                 -- 1 = yes, 0 = no
    at integer not null,
    expires_at integer,                       -- a yes holds until then; null = until it is withdrawn
    text_version text not null default '',    -- the wording that was agreed to
    evidence text not null default '',        -- where the record of it is kept
    source text not null                      -- double_opt_in, call, answer, desk
);
create index consent_statements_customer on consent_statements (customer_id);

-- Consents asked for, and what became of the question. A token is found by its hash; the event that has it asked holds the token itself.
create table consent_requests (
    request_id text primary key,
    customer_id text not null,
    purpose text not null,
    medium text not null,
    text_version text not null,
    token_hash text,                          -- null once the customer's data was erased
    requested_at integer not null,
    expires_at integer not null,
    state text not null default 'requested',  -- requested, confirmed, replaced, erased; one past its time counts as expired
    settled_at integer,
    evidence text not null default ''
);
create unique index consent_requests_token on consent_requests (token_hash);
create index consent_requests_customer on consent_requests (customer_id);

-- Answers customers wrote, and what each was taken to mean for which customer; a number may be shared.
create table answers (
    answer_id text not null,                  -- the provider's id: the same answer may be brought any number of times
    customer_id text not null,
    medium text not null,
    words text not null,
    meaning text not null,                    -- opt_out, confirm, person, nothing
    at integer not null,
    primary key (answer_id, customer_id)
);
create index answers_customer on answers (customer_id);
create index messages_address on messages (address);

-- Whom nobody may contact again, though nobody knows any more who it was: salted hashes of phone numbers, e-mail addresses and customer ids.
create table do_not_contact (
    hash text primary key,
    kind text not null,                       -- phone, email, customer
    salt_check text not null,                 -- tells whether a salt is the one this hash was made with
    added_at integer not null,
    reason text not null
);
