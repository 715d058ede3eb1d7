-- What the insurer's days have taken of the daily budgets: a message counts from when it is reserved, on the day it is to go.
create table spent (
    day text not null,                        -- local day of the insurer, ISO
    campaign text not null,
    medium text not null,
    volume integer not null,
    cost double precision not null,
    primary key (day, campaign, medium)
);
