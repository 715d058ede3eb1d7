-- Who is in which arm of a campaign, with the probability of the draw and the version that drew.

create table assignments (
    campaign text not null,
    customer_id text not null,
    arm text not null,
    probability double precision not null,    -- among those not held out
    version text not null,
    assigned_at integer not null,
    primary key (campaign, customer_id, arm)
);
create index assignments_customer on assignments (customer_id, campaign);
