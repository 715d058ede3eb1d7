-- A moment that came through the draw of the holdout and was put off is one of the treated, whatever becomes of it: a customer who
-- does by themselves what the campaign is for, before there was room for the message, must not drop out of one group alone.

alter table moments add column put_off integer not null default 0;
