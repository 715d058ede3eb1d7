-- Every statement the ledger runs, by name. `:name` are parameters.

-- name: admit
-- A moment nobody has seen enters; one seen before is left as it is.
insert into moments (campaign, customer_id, subject, occasion, due_at, policy_id, claim_id, event_id, alert_id, admitted_at, step,
                     step_due_at, wake_at)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
on conflict do nothing;

-- name: pending
-- Moments of a campaign that want a decision now, after a customer, whole customers in a fixed order.
select moment_id, campaign, customer_id, subject, occasion, due_at, policy_id, claim_id, event_id, alert_id, admitted_at, status, step,
       step_due_at
  from moments
 where campaign = :campaign and wake_at <= :now and customer_id > :after
 order by customer_id, subject, occasion
 limit :limit;

-- name: pending_of_customer
-- The rest of a customer cut off by the limit above.
select moment_id, campaign, customer_id, subject, occasion, due_at, policy_id, claim_id, event_id, alert_id, admitted_at, status, step,
       step_due_at
  from moments
 where campaign = :campaign and wake_at <= :now and customer_id = :customer
 order by customer_id, subject, occasion;

-- name: pending_of_wanted
-- Moments of the wanted customers that want a decision now, of all campaigns.
select m.moment_id, m.campaign, m.customer_id, m.subject, m.occasion, m.due_at, m.policy_id, m.claim_id, m.event_id, m.alert_id, m.admitted_at,
       m.status, m.step, m.step_due_at
  from temp.wanted w cross join moments m on m.customer_id = w.customer_id
 where m.wake_at <= :now
 order by m.campaign, m.customer_id, m.subject, m.occasion;

-- name: customers_due
-- Customers with a moment of these campaigns that wants a decision now.
select distinct customer_id from moments
 where wake_at <= :now and campaign in (select value from json_each(:campaigns)) limit :limit;

-- name: count_pending
select count(*) from moments where campaign = :campaign and wake_at <= :now;

-- name: wanted_clear
delete from temp.wanted;

-- name: wanted_add
insert or ignore into temp.wanted values (?);

-- name: contacts
-- What the wanted customers were sent since an instant, or are to be sent: what caps count, by when it goes. What waits longer than
-- it should goes now at the earliest; what waits and is too late never goes.
select m.customer_id, m.medium, m.purpose, m.campaign,
       case when m.state = 'reserved' and m.not_before < :now then :now else m.not_before end
  from temp.wanted w join messages m on m.customer_id = w.customer_id
 where m.state not in ('expired', 'retracted', 'failed')
   and (m.not_before > :since or m.state = 'reserved') and (m.expires_at > :now or m.state <> 'reserved');

-- name: deliveries
-- What became of the messages of a campaign's moments of the wanted customers, and whether one was answered; the last message last.
select m.moment_id, m.state, exists (select 1 from outcomes o where o.moment_id = m.moment_id
                                        and o.event in (select value from json_each(:answers)))
  from temp.wanted w cross join messages m on m.customer_id = w.customer_id
 where m.campaign = :campaign
 order by m.moment_id, m.reserved_at, m.message_id;

-- name: opt_outs
select o.customer_id, o.purpose, o.medium, o.at from temp.wanted w join opt_outs o on o.customer_id = w.customer_id;

-- name: decide
-- The decision on a moment's step; one that was held is replaced, with its trace.
insert into decisions (moment_id, step, verdict, gate, reason, medium, decided_at, version, trace)
values (?, ?, ?, ?, ?, ?, ?, ?, ?)
on conflict (moment_id, step) do update set verdict = excluded.verdict, gate = excluded.gate, reason = excluded.reason,
    medium = excluded.medium, decided_at = excluded.decided_at, version = excluded.version, trace = excluded.trace
 where decisions.verdict = 'held';

-- name: move
-- Where a moment stands after a decision; a step that is held keeps the time it was due.
update moments set status = ?, step = ?, wake_at = ?, step_due_at = coalesce(?, step_due_at) where moment_id = ? and wake_at is not null;

-- name: reserve
-- A message's place in the outbox.
insert into messages (message_id, moment_id, campaign, customer_id, step, medium, purpose, locale, template, address, parts, offers,
                      timezone, not_before, not_after, expires_at, reserved_at, due_at, priority)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
on conflict do nothing;

-- name: lease
-- Take messages that are due for one sender and record the intent to hand them over, in one statement.
update messages set state = 'handed', token = :token, handed_at = :clock, attempts = attempts + 1
 where message_id in (
    select message_id from messages
     where state = 'reserved' and medium = :medium and not_before <= :now and not_after > :now and expires_at > :now
       and (retry_at is null or retry_at <= :clock)
       and campaign not in (select value from json_each(:halted))
     order by case purpose when 'contract' then 0 when 'service' then 1 when 'care' then 2 else 3 end, not_before, message_id
     limit :limit)
returning message_id, campaign, purpose, medium, customer_id, address, locale, parts, not_before, not_after, expires_at, reserved_at, handed_at,
          timezone, template, due_at, priority, attempts;

-- name: settle
-- What became of a message this sender handed over; another sender's token changes nothing.
update messages set state = ?, code = ?, retry_at = ? where message_id = ? and token = ? and state in ('handed', 'unknown');

-- name: attempt
insert into attempts (message_id, token, at, outcome, code, detail) values (?, ?, ?, ?, ?, ?);

-- name: tokens_handed
-- Senders that have messages in hand.
select distinct token from messages where state = 'handed';

-- name: orphan
-- The sender is dead: nobody knows what became of what it had in hand.
update messages set state = 'unknown' where state = 'handed' and token = :token;

-- name: unknown
-- Messages to ask the provider about: handed over long enough ago for the answer to be certain.
select message_id, campaign, purpose, medium, customer_id, address, locale, parts, not_before, not_after, expires_at, reserved_at, handed_at,
       timezone, template, due_at, priority, token
  from messages where state = 'unknown' and medium = :medium and handed_at <= :settled and message_id > :after
 order by message_id limit :limit;

-- name: absent
-- The provider never saw it: back into the outbox, unless somebody else has had it in hand since we asked.
update messages set state = 'reserved' where message_id = ? and token = ? and state = 'unknown';

-- name: give_up
-- The provider cannot say: marketing is never sent twice, what a customer must know is sent again.
update messages set state = case when purpose = 'marketing' then 'failed' else 'reserved' end, code = 'unknown'
 where state = 'unknown' and medium = :medium and handed_at <= :window;

-- name: expire
-- Rather not at all than too late.
update messages set state = 'expired' where state = 'reserved' and expires_at <= :now;

-- name: stop_opted_out
-- Whoever told us to stop after the message was reserved does not get it; contract notices still go.
update messages set state = 'retracted', code = 'opted_out'
 where state = 'reserved' and purpose <> 'contract' and exists (
    select 1 from opt_outs o where o.customer_id = messages.customer_id
       and o.purpose in ('*', messages.purpose) and o.medium in ('*', messages.medium));

-- name: missed_windows
-- Messages whose hours have passed, but which still make sense tomorrow.
select message_id, campaign, step, medium, timezone, expires_at from messages
 where state = 'reserved' and not_after <= :now and expires_at > :now;

-- name: replan
update messages set not_before = ?, not_after = ? where message_id = ? and state = 'reserved';

-- name: waiting
-- What is reserved and has not gone yet.
select count(*), min(not_before) from messages where state = 'reserved';

-- name: receipt
insert into receipts (message_id, provider_id, status, code, at) values (:message_id, :provider_id, :status, :code, :at)
on conflict do nothing;

-- name: forward
-- A receipt moves a message only forward.
update messages set state = :state, provider_id = coalesce(:provider_id, provider_id), code = :code
 where message_id = :message_id
   and case state when 'reserved' then 0 when 'handed' then 1 when 'unknown' then 2 when 'expired' then 3 when 'retracted' then 4
                  when 'accepted' then 5 when 'failed' then 6 else 7 end < :rank;

-- name: claimed
-- Provider ids that belong to messages of ours.
select provider_id from messages where provider_id in (select value from json_each(:provider_ids));

-- name: opt_out
insert into opt_outs (customer_id, purpose, medium, at, source) values (:customer_id, :purpose, :medium, :at, :source)
on conflict do nothing;

-- name: customer_of_message
select customer_id, medium from messages where message_id = :message_id;

-- name: goal_watch
-- Moments whose goal may still be reached, whatever was decided about them.
select moment_id, customer_id, policy_id, claim_id, due_at from moments
 where campaign = :campaign and due_at >= :since and moment_id > :after
 order by moment_id limit :limit;

-- name: looked_at
-- When something was last looked at.
select value from meta where key = :key;

-- name: look
insert into meta (key, value) values (:key, :now)
on conflict (key) do update set value = excluded.value where cast(excluded.value as integer) > cast(meta.value as integer);

-- name: outcome
insert into outcomes (moment_id, event_id, event, at) values (?, ?, ?, ?) on conflict do nothing;

-- name: answer
-- What a customer said on a call about a message.
insert into outcomes (moment_id, event_id, event, at, detail)
select moment_id, :event_id, :event, :at, :detail from messages where message_id = :message_id
on conflict do nothing;

-- name: publish
insert into campaign_versions (campaign, version, body, published_at, published_by) values (:campaign, :version, :body, :at, :by)
on conflict do nothing;

-- name: record_run
insert into runs (command, as_of, report) values (:command, :as_of, :report);

-- name: count_statuses
select campaign, status, count(*) from moments group by 1, 2;

-- name: count_reasons
select m.campaign, d.verdict, d.gate, d.reason, count(*) from moments m join decisions d on d.moment_id = m.moment_id and d.step = m.step
 where d.verdict not in ('sent') group by 1, 2, 3, 4;

-- name: count_moments
select campaign, count(*) from moments group by 1;

-- name: count_messages
select campaign, medium, state, count(*) from messages group by 1, 2, 3;

-- name: moments_of_customer
select m.moment_id, m.campaign, m.subject, m.occasion, m.due_at, m.admitted_at, m.status, m.step as next_step, m.wake_at,
       d.step, d.verdict, d.gate, d.reason, d.medium, d.decided_at, d.version, d.trace
  from moments m left join decisions d on d.moment_id = m.moment_id and d.decided_at <= :now
 where m.customer_id = :customer and (:campaign is null or m.campaign = :campaign) and m.admitted_at <= :now
 order by m.campaign, m.due_at, m.moment_id, d.decided_at;

-- name: messages_of_moment
select message_id, step, medium, locale, address, parts, state, reserved_at, not_before, expires_at, handed_at, provider_id, code, attempts
  from messages where moment_id = :moment_id and reserved_at <= :now order by reserved_at;

-- name: case
insert into cases (case_id, body) values (?, ?) on conflict do nothing;

-- name: cases
select case_id, body from cases;

-- name: reserved
-- Messages that wait for their hour, with the moments they are about.
select g.message_id, g.moment_id, m.campaign, m.customer_id, m.subject, m.occasion, m.due_at, m.policy_id, m.claim_id, m.event_id, m.alert_id,
       m.admitted_at, m.status, g.step, m.step_due_at, g.medium,
       exists (select 1 from messages e where e.moment_id = g.moment_id and e.message_id <> g.message_id) as follows
  from messages g join moments m on m.moment_id = g.moment_id
 where g.state = 'reserved' and g.expires_at > :now and g.reserved_at < :now and g.message_id > :after
 order by g.message_id limit :limit;

-- name: reserved_of_wanted
select g.message_id, g.moment_id, m.campaign, m.customer_id, m.subject, m.occasion, m.due_at, m.policy_id, m.claim_id, m.event_id, m.alert_id,
       m.admitted_at, m.status, g.step, m.step_due_at, g.medium,
       exists (select 1 from messages e where e.moment_id = g.moment_id and e.message_id <> g.message_id) as follows
  from temp.wanted w cross join messages g on g.customer_id = w.customer_id join moments m on m.moment_id = g.moment_id
 where g.state = 'reserved' and g.expires_at > :now and g.reserved_at < :now
 order by g.message_id;

-- name: withdraw
-- A message nobody has in hand yet does not go.
update messages set state = 'retracted', code = ?2 where message_id = ?1 and state = 'reserved';

-- name: simulate_delivery
-- In a simulation whatever may go has gone and arrived.
update messages set state = 'delivered' where state = 'reserved' and not_before <= :now and expires_at > not_before;

-- name: withdraw_moment
-- Nothing more comes of the moment of a message that was withdrawn; one of which nothing ever went is retracted as a whole.
update moments set wake_at = null,
       status = case when exists (select 1 from messages g where g.moment_id = moments.moment_id and g.state <> 'retracted')
                     then status else 'retracted' end
 where moment_id = (select moment_id from messages where message_id = ? and state = 'retracted');

-- name: arrive
-- A fact that arrived; one that is there already is left as it is.
insert into inbox (view, key, body, received_at) values (?, ?, ?, ?) on conflict do nothing;

-- name: arrived
-- Facts that arrived after a place in the inbox and by an instant, in order.
select seq, view, body, received_at from inbox where seq > :after and received_at <= :now order by seq limit :limit;

-- name: arrivals_waiting
select count(*), min(received_at) from inbox where seq > :after;

-- name: last_arrival
select coalesce(max(seq), 0) from inbox;

-- name: forget_arrivals
-- Facts old enough to be in the insurer's own tables by now.
delete from inbox where received_at < :before;

-- name: members_of
-- Memberships of a campaign as of an instant: those that last, or ended lately enough to matter.
select customer_id, subject, entered_at, case when left_at <= :now then left_at end, initial from memberships
 where campaign = :campaign and entered_at <= :now and (left_at is null or left_at >= :since);

-- name: members_of_wanted
select m.customer_id, m.subject, m.entered_at, case when m.left_at <= :now then m.left_at end, m.initial
  from temp.wanted w cross join memberships m on m.customer_id = w.customer_id
 where m.campaign = :campaign and m.entered_at <= :now and (m.left_at is null or m.left_at >= :since);

-- name: enter
insert into memberships (campaign, customer_id, subject, entered_at, initial) values (?, ?, ?, ?, ?) on conflict do nothing;

-- name: leave
update memberships set left_at = ? where campaign = ? and customer_id = ? and subject = ? and left_at is null;

-- name: count_admitted
-- Moments by campaign and the instant they were let in.
select campaign, admitted_at, count(*) from moments group by 1, 2;

-- name: count_planned
-- Messages that went or may go, by when they may at the earliest.
select campaign, medium, timezone, not_before, count(*) from messages where state not in ('retracted', 'expired') group by 1, 2, 3, 4;

-- name: sms_words
select message_id, campaign, parts from messages
 where medium = 'sms' and state not in ('retracted', 'expired') and message_id > :after order by message_id limit :limit;

-- name: count_capped
-- Decisions made because there was too much: by a cap, a daily budget, or a better message.
select d.gate, m.campaign, d.medium, d.verdict, count(*) from decisions d join moments m on m.moment_id = d.moment_id
 where d.gate in ('arbitrate', 'cap', 'budget') group by 1, 2, 3, 4 order by 5 desc, 1, 2, 3, 4;

-- name: collisions
-- Pairs of campaigns with a decision about the same customer at the same instant; `capped`: a cap, a budget or the other one decided one of the two.
with decided as materialized (
    select m.customer_id, d.decided_at, m.campaign, max(d.gate in ('arbitrate', 'cap', 'budget')) as capped
      from decisions d join moments m on m.moment_id = d.moment_id
     where d.verdict in ('sent', 'held') or d.gate in ('arbitrate', 'cap', 'budget') group by 1, 2, 3)
select one.campaign, other.campaign, count(*), sum(max(one.capped, other.capped))
  from decided one join decided other on other.customer_id = one.customer_id and other.decided_at = one.decided_at
 where one.campaign < other.campaign group by 1, 2 order by 3 desc, 1, 2;

-- name: spent
-- What was reserved for a day and the days after it.
select day, campaign, medium, volume, cost from spent where day >= :day order by day, campaign, medium;

-- name: spend
-- Reserved for a day: counted in the transaction that reserves.
insert into spent (day, campaign, medium, volume, cost) values (?, ?, ?, ?, ?)
on conflict (day, campaign, medium) do update set volume = spent.volume + excluded.volume, cost = spent.cost + excluded.cost;
