-- Every statement the ledger runs, by name. `:name` are parameters.

-- name: admit
-- A moment nobody has seen enters; one seen before is left as it is.
insert into moments (campaign, customer_id, subject, occasion, due_at, policy_id, claim_id, event_id, alert_id, admitted_at, step,
                     step_due_at, wake_at)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
on conflict do nothing;

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

-- name: customers_awake
-- The next customers, by id, with a moment of these campaigns that wants a decision now.
select distinct customer_id from moments
 where wake_at <= :now and customer_id > :after and campaign in (select value from json_each(:campaigns))
 order by customer_id limit :limit;

-- name: count_awake
select count(distinct customer_id) from moments
 where wake_at <= :now and campaign in (select value from json_each(:campaigns));

-- name: wanted_clear
delete from temp.wanted;

-- name: wanted_add
insert into temp.wanted (customer_id) values (?) on conflict do nothing;

-- name: contacts
-- What the wanted customers were sent since an instant, or are to be sent: what caps count, by when it goes. What waits longer than
-- it should goes now at the earliest; what waits and is too late never goes.
select m.customer_id, m.medium, m.purpose, m.campaign, m.moment_id,
       case when m.state = 'reserved' and m.not_before < :now then :now else m.not_before end
  from temp.wanted w cross join messages m on m.customer_id = w.customer_id
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
select o.customer_id, o.purpose, o.medium, o.at from temp.wanted w cross join opt_outs o on o.customer_id = w.customer_id;

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
       and not exists (select 1 from halts h where h.campaign in ('*', messages.campaign))
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
-- Whoever told us to stop after the message was reserved does not get it; contract notices still go where the policy lets them.
update messages set state = 'retracted', code = 'opted_out'
 where state = 'reserved' and (purpose <> 'contract' or :contract_stops = 1) and (
    exists (
        select 1 from opt_outs o where o.customer_id = messages.customer_id
           and o.purpose in ('*', messages.purpose) and o.medium in ('*', messages.medium)
           and not exists (
                select 1 from consent_statements s where s.customer_id = o.customer_id and s.source = 'double_opt_in' and s.granted = 1 and s.at > o.at
                   and (s.expires_at is null or s.expires_at > :now)
                   and s.purpose in ('*', messages.purpose) and s.medium in ('*', messages.medium)
                   and (s.purpose = '*' and s.medium = '*' or o.purpose <> '*' or o.medium <> '*')))
    or exists (
        select 1 from consent_statements r where r.customer_id = messages.customer_id and r.granted = 0
           and r.purpose in ('*', messages.purpose)
           and (r.kind = 'consent' and r.medium in ('*', messages.medium)
                    and messages.purpose not in (select value from json_each(:without_consent))
                or r.kind = 'call_refusal' and r.at > :calls_refused_since
                    and messages.medium in (select value from json_each(:call_channels)))
           and not exists (
                select 1 from consent_statements s where s.customer_id = r.customer_id and s.granted = 1 and s.at > r.at
                   and (s.expires_at is null or s.expires_at > :now)
                   and s.purpose in ('*', messages.purpose) and s.medium in ('*', messages.medium)
                   and (r.kind = 'consent' or s.source = 'double_opt_in'))));

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
-- Of a message that is not here, say of a customer whose data was erased, nothing is kept.
insert into receipts (message_id, provider_id, status, code, at)
select message_id, :provider_id, :status, :code, :at from messages where message_id = :message_id
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
-- Told again, the newest time counts: a stop after a confirmation must not be older than it.
insert into opt_outs (customer_id, purpose, medium, at, source) values (:customer_id, :purpose, :medium, :at, :source)
on conflict (customer_id, purpose, medium) do update set at = excluded.at, source = excluded.source where excluded.at > opt_outs.at;

-- name: customer_of_message
select m.customer_id, g.medium from fates g join moments m on m.moment_id = g.moment_id where g.message_id = :message_id;

-- name: goal_watch
-- Moments whose goal may still be reached, whatever was decided about them.
select moment_id, customer_id, policy_id, claim_id, due_at from moments
 where campaign = :campaign and due_at >= :since and moment_id > :after
 order by moment_id limit :limit;

-- name: asked_surveys
-- The campaign that had asked, of each answer to a survey.
select o.event_id, min(m.campaign) from outcomes o join moments m using (moment_id) where o.event = :event group by o.event_id;

-- name: call_answers
-- Answers to surveys that were given on a call: those alone tell what else was said.
select o.event_id, m.customer_id, o.at, o.detail from outcomes o join moments m using (moment_id)
 where o.event = :event and o.detail <> '' order by o.event_id;

-- name: looked_at
-- When something was last looked at.
select value from meta where key = :key;

-- name: look
insert into meta (key, value) values (:key, cast(:now as text))
on conflict (key) do update set value = excluded.value where cast(excluded.value as integer) > cast(meta.value as integer);

-- name: outcome
insert into outcomes (moment_id, event_id, event, at) values (?, ?, ?, ?) on conflict do nothing;

-- name: answer
-- What a customer said on a call about a message.
insert into outcomes (moment_id, event_id, event, at, detail)
select moment_id, :event_id, :event, :at, :detail from fates where message_id = :message_id
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
select campaign, medium, state, count(*) from fates group by 1, 2, 3;

-- name: moments_of_customer
select m.moment_id, m.campaign, m.subject, m.occasion, m.due_at, m.admitted_at, m.status, m.step as next_step, m.wake_at, m.archived_in,
       d.step, d.verdict, d.gate, d.reason, d.medium, d.decided_at, d.version, d.trace
  from moments m left join decisions d on d.moment_id = m.moment_id and d.decided_at <= :now
 where m.customer_id = :customer and m.campaign = :campaign and m.admitted_at <= :now
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

-- name: messages_squared
-- Sum of the squares of the numbers of messages of each customer.
select coalesce(sum(n * n), 0)
  from (select count(*) as n from messages where state not in ('retracted', 'expired') group by customer_id) as counted;

-- name: collisions
-- Pairs of campaigns with a decision about the same customer at the same instant; `capped`: a cap, a budget or the other one decided one of the two.
with decided as materialized (
    select m.customer_id, d.decided_at, m.campaign, max(case when d.gate in ('arbitrate', 'cap', 'budget') then 1 else 0 end) as capped
      from decisions d join moments m on m.moment_id = d.moment_id
     where d.verdict in ('sent', 'held') or d.gate in ('arbitrate', 'cap', 'budget') group by 1, 2, 3)
select one.campaign, other.campaign, count(*), sum(case when one.capped > other.capped then one.capped else other.capped end)
  from decided one join decided other on other.customer_id = one.customer_id and other.decided_at = one.decided_at
 where one.campaign < other.campaign group by 1, 2 order by 3 desc, 1, 2;

-- name: tell
-- What a customer said about being contacted; the same word brought again changes nothing.
insert into consent_statements (statement_id, customer_id, kind, purpose, medium, granted, at, expires_at, text_version, evidence, source)
values (:statement_id, :customer_id, :kind, :purpose, :medium, :granted, :at, :expires_at, :text_version, :evidence, :source)
on conflict do nothing;

-- name: told
-- What the wanted customers told Kairos itself.
select s.customer_id, s.kind, s.purpose, s.medium, s.granted, s.at, s.expires_at, s.text_version, s.evidence, s.source
  from temp.wanted w cross join consent_statements s on s.customer_id = w.customer_id;

-- name: count_do_not_contact
select count(*) from do_not_contact;

-- name: do_not_contact
select hash, salt_check from do_not_contact;

-- What the ledger holds about one customer: a statement for every table with a customer, a moment or a message in it (a test sees to it).

-- name: export_moments
select * from moments where customer_id = :customer order by moment_id;

-- name: export_decisions
select d.* from moments m join decisions d on d.moment_id = m.moment_id where m.customer_id = :customer order by d.moment_id, d.decided_at, d.step;

-- name: export_messages
select * from messages where customer_id = :customer order by reserved_at, message_id;

-- name: export_attempts
select a.* from messages g join attempts a on a.message_id = g.message_id where g.customer_id = :customer order by a.attempt_id;

-- name: export_receipts
select r.* from messages g join receipts r on r.message_id = g.message_id where g.customer_id = :customer order by r.at, r.message_id, r.status;

-- name: export_archived_messages
select a.* from moments m join archived_messages a on a.moment_id = m.moment_id where m.customer_id = :customer order by a.moment_id, a.message_id;

-- name: export_outcomes
select o.* from moments m join outcomes o on o.moment_id = m.moment_id where m.customer_id = :customer order by o.at, o.moment_id, o.event_id;

-- name: export_opt_outs
select * from opt_outs where customer_id = :customer order by at, purpose, medium;

-- name: export_memberships
select * from memberships where customer_id = :customer order by entered_at, campaign, subject;

-- name: export_consent_statements
select * from consent_statements where customer_id = :customer order by at, statement_id;

-- name: export_consent_requests
select request_id, customer_id, purpose, medium, text_version, requested_at, expires_at, state, settled_at, evidence
  from consent_requests where customer_id = :customer order by requested_at, request_id;

-- name: export_answers
select * from answers where customer_id = :customer order by at, answer_id;

-- name: mentions
-- Facts that arrived and mention a text; whether they are about the customer is seen by whoever reads them.
select seq, view, body, received_at from inbox where instr(body, :text) > 0 and seq > :after order by seq limit :limit;

-- What is left of a customer whose data was erased: that something was decided and sent, when, and with what success.

-- name: in_hand
-- Messages of a customer of which a sender, or nobody, knows what becomes of them.
select count(*) from messages where customer_id = :customer and state in ('handed', 'unknown');

-- name: erase_moments
-- Nothing more comes of it; a due date may be a birthday.
update moments set customer_id = :pseudonym, subject = :subject, occasion = :occasion, policy_id = null, claim_id = null, event_id = null,
       due_at = admitted_at, step_due_at = admitted_at, wake_at = null,
       status = case when status in ('pending', 'held') then 'retracted' else status end
 where moment_id = :moment_id;

-- name: erase_decisions
update decisions set trace = '[]', verdict = case when verdict = 'held' then 'retracted' else verdict end,
       gate = case when verdict = 'held' then 'consent' else gate end, reason = case when verdict = 'held' then 'erased' else reason end
 where moment_id = :moment_id;

-- name: undecided
-- A moment that was to be decided still gets the decision that it never will be.
insert into decisions (moment_id, step, verdict, gate, reason, medium, decided_at, version, trace)
values (:moment_id, :step, 'retracted', 'consent', 'erased', '', :now, '', '[]') on conflict do nothing;

-- name: erase_messages
update messages set message_id = :pseudonymous_message, customer_id = :pseudonym, address = '', parts = '{}', offers = '[]', timezone = '',
       provider_id = null where message_id = :message_id;

-- name: erase_archived_messages
update archived_messages set message_id = :pseudonymous_message where message_id = :message_id;

-- name: erase_attempts
update attempts set message_id = :pseudonymous_message, detail = '' where message_id = :message_id;

-- name: erase_receipts
update receipts set message_id = :pseudonymous_message, provider_id = '' where message_id = :message_id;

-- name: erase_outcomes
update outcomes set event_id = :pseudonymous_event, detail = '' where moment_id = :moment_id and event_id = :event_id;

-- name: erase_opt_outs
update opt_outs set customer_id = :pseudonym, source = 'erased' where customer_id = :customer;

-- name: erase_memberships
update memberships set customer_id = :pseudonym, subject = :pseudonymous_subject, left_at = coalesce(left_at, :now)
 where campaign = :campaign and customer_id = :customer and subject = :subject and entered_at = :entered_at;

-- name: erase_consent_statements
update consent_statements set customer_id = :pseudonym, statement_id = :pseudonymous_statement, evidence = '' where statement_id = :statement_id;

-- name: erase_consent_requests
update consent_requests set customer_id = :pseudonym, request_id = :pseudonymous_request, token_hash = null, evidence = '',
       state = case when state = 'requested' then 'erased' else state end where request_id = :request_id;

-- name: erase_answers
update answers set answer_id = :pseudonymous_answer, customer_id = :pseudonym, words = ''
 where answer_id = :answer_id and customer_id = :customer;

-- name: erase_arrival
delete from inbox where seq = ?;

-- name: never_contact
insert into do_not_contact (hash, kind, salt_check, added_at, reason) values (:hash, :kind, :salt_check, :now, :reason) on conflict do nothing;

-- name: ask_consent
insert into consent_requests (request_id, customer_id, purpose, medium, text_version, token_hash, requested_at, expires_at)
values (:request_id, :customer_id, :purpose, :medium, :text_version, :token_hash, :now, :expires_at) on conflict do nothing;

-- name: replace_requests
-- Asked again, only the newest question can be answered.
update consent_requests set state = 'replaced', settled_at = :now
 where customer_id = :customer_id and purpose = :purpose and medium = :medium and state = 'requested' and request_id <> :request_id;

-- name: request_by_token
select request_id, customer_id, purpose, medium, text_version, requested_at, expires_at, state from consent_requests where token_hash = :token_hash;

-- name: confirm_request
update consent_requests set state = 'confirmed', settled_at = :now, evidence = :evidence where request_id = :request_id and state = 'requested';

-- name: requests_asked_at
-- Questions to customers still open, whose message went to this address or is on its way.
select distinct r.request_id, r.customer_id, r.purpose, r.medium, r.text_version, r.requested_at, r.expires_at, r.state
  from messages g join moments m on m.moment_id = g.moment_id join consent_requests r on m.event_id = 'consent:' || r.request_id
 where g.address = :address and g.medium = :medium and r.state = 'requested' and r.expires_at > :now
   and g.state not in ('reserved', 'failed', 'expired', 'retracted')
 order by r.request_id;

-- name: customers_at
-- Whoever was ever written to at this address; a number may be shared.
select distinct customer_id from messages where address = :address order by customer_id;

-- name: answered
select meaning from answers where answer_id = :answer_id limit 1;

-- name: keep_answer
insert into answers (answer_id, customer_id, medium, words, meaning, at) values (:answer_id, :customer_id, :medium, :words, :meaning, :at)
on conflict do nothing;

-- name: want_person
-- A person is to look at an answer: an outcome of the last moment the customer was written to about.
insert into outcomes (moment_id, event_id, event, at, detail)
select moment_id, :event_id, 'person_requested', :at, :detail from messages
 where customer_id = :customer_id and medium = :medium and state not in ('reserved', 'failed', 'expired', 'retracted')
 order by reserved_at desc, message_id limit 1
on conflict do nothing;

-- name: spent
-- What was reserved for a day and the days after it.
select day, campaign, medium, volume, cost from spent where day >= :day order by day, campaign, medium;

-- name: spend
-- Reserved for a day: counted in the transaction that reserves.
insert into spent (day, campaign, medium, volume, cost) values (?, ?, ?, ?, ?)
on conflict (day, campaign, medium) do update set volume = spent.volume + excluded.volume, cost = spent.cost + excluded.cost;

-- name: standing
select campaign, state, version, proposed, proposed_by, declined, final, changed_at, changed_by from lifecycle where campaign = :campaign;

-- name: standings
select campaign, state, version, proposed, proposed_by, declined, final, changed_at, changed_by from lifecycle order by campaign;

-- name: stand
insert into lifecycle (campaign, state, version, proposed, proposed_by, declined, final, changed_at, changed_by)
values (:campaign, :state, :version, :proposed, :proposed_by, :declined, :final, :changed_at, :changed_by)
on conflict (campaign) do update set state = excluded.state, version = excluded.version, proposed = excluded.proposed,
    proposed_by = excluded.proposed_by, declined = excluded.declined, final = excluded.final,
    changed_at = excluded.changed_at, changed_by = excluded.changed_by;

-- name: version
select body, published_at, published_by from campaign_versions where campaign = :campaign and version = :version;

-- name: versions
-- Every version of a campaign, oldest first, with who approved it.
select v.version, v.published_at, v.published_by, a.approved_at, a.approved_by
  from campaign_versions v left join approvals a on a.campaign = v.campaign and a.version = v.version
 where v.campaign = :campaign order by v.published_at, v.version;

-- name: approve
insert into approvals (campaign, version, approved_at, approved_by) values (:campaign, :version, :at, :by) on conflict do nothing;

-- name: halt
insert into halts (campaign, halted_at, halted_by) values (:campaign, :at, :by) on conflict do nothing;

-- name: go_on
delete from halts where campaign = :campaign;

-- name: halts
select campaign, halted_at, halted_by from halts order by campaign;

-- name: stop_messages
-- Nothing that waits in the outbox goes; what somebody has in hand is theirs.
update messages set state = 'retracted', code = 'stopped' where campaign = :campaign and state = 'reserved';

-- name: stop_decisions
insert into decisions (moment_id, step, verdict, gate, reason, medium, decided_at, version, trace)
select moment_id, step, 'retracted', 'already', 'stopped', '', :at, :version, '[]'
  from moments where campaign = :campaign and wake_at is not null
on conflict (moment_id, step) do update set verdict = excluded.verdict, gate = excluded.gate, reason = excluded.reason,
    decided_at = excluded.decided_at, version = excluded.version
 where decisions.verdict = 'held';

-- name: stop_moments
update moments set wake_at = null,
       status = case when status in ('pending', 'held') then 'retracted'
                     when status = 'sent' and not exists (select 1 from messages g where g.moment_id = moments.moment_id
                                                             and g.state <> 'retracted') then 'retracted'
                     else status end
 where campaign = :campaign
   and (wake_at is not null or exists (select 1 from messages g where g.moment_id = moments.moment_id and g.code = 'stopped'));

-- name: audit_add
insert into audit (seq, at, actor, act, campaign, detail, previous, hash)
values (:seq, :at, :actor, :act, :campaign, :detail, :previous, :hash);

-- name: audit_last
select seq, hash from audit order by seq desc limit 1;

-- name: audit_after
select seq, at, actor, act, campaign, detail, previous, hash from audit where seq > :after order by seq limit :limit;

-- name: audit_of
-- What was done about a campaign or about everything, newest first.
select seq, at, actor, act, campaign, detail from audit where campaign in ('*', :campaign) order by seq desc limit :limit;

-- name: audit_head
-- How far the log goes, kept apart from it: entries missing at its end show too.
insert into meta (key, value) values ('audit', :value) on conflict (key) do update set value = excluded.value;

-- name: audit_head_of
select value from meta where key = 'audit';

-- name: assign
insert into assignments (campaign, customer_id, arm, probability, version, assigned_at) values (?, ?, ?, ?, ?, ?) on conflict do nothing;

-- name: assigned
-- The arms of the wanted customers, first the one drawn first.
select a.customer_id, a.arm from temp.wanted w cross join assignments a on a.customer_id = w.customer_id
 where a.campaign = :campaign order by a.customer_id, a.assigned_at, a.arm;

-- name: count_assigned
-- How many are in each arm, by version and probability of the draw.
select campaign, arm, version, probability, count(*) from assignments group by 1, 2, 3, 4 order by 1, 2, 3;

-- name: export_assignments
select * from assignments where customer_id = :customer order by assigned_at, campaign, arm;

-- name: erase_assignments
update assignments set customer_id = :pseudonym where customer_id = :customer;

-- name: rivals
-- Moments of these campaigns that want a decision, of customers after one who have at least so many of them, whole customers.
select m.moment_id, m.campaign, m.customer_id, m.subject, m.occasion, m.step
  from (select customer_id from moments
         where wake_at <= :now and customer_id > :after and campaign in (select value from json_each(:campaigns))
         group by customer_id having count(*) >= :least order by customer_id limit :limit) c
  join moments m on m.customer_id = c.customer_id
 where m.wake_at <= :now and m.campaign in (select value from json_each(:campaigns))
 order by m.customer_id, m.moment_id;

-- name: put_off
update moments set put_off = 1 where moment_id = ? and put_off = 0;

-- name: measured_customers
-- Customers drawn into a group of a campaign, with their moments whose window is closed, how many reached the goal, and what was spent
-- on them. A goal's event counts for the last of the customer's moments before it, and a moment reaches its goal once.
-- (`campaign || ''`: all moments are read in the order in which decisions and outcomes lie; by the index every one would be looked up.)
with judged as (
    select m.moment_id, m.customer_id, m.due_at,
           max(case when m.put_off = 1 or d.verdict = 'sent' or d.gate in ('arbitrate', 'cap', 'hours', 'budget')
                      or d.gate = 'gateway' and d.reason = 'promotion_refused' then 1 else 0 end) as treated,
           max(case when d.verdict = 'held_out' and d.reason = 'holdout_campaign' then 1 else 0 end) as held_out
      from moments m cross join decisions d
     where d.moment_id = m.moment_id and m.campaign || '' = :campaign and m.due_at + :window <= :until
       and d.version not in (select value from json_each(:other_versions))
     group by m.moment_id),
drawn as materialized (select * from judged where treated + held_out > 0),
goals as (
    select w.moment_id, row_number() over (partition by w.customer_id, o.event_id order by w.due_at desc, w.moment_id desc) as place
      from drawn w cross join outcomes o
     where o.moment_id = w.moment_id and o.event = :goal and o.at >= w.due_at and o.at < w.due_at + :window),
reached as (select distinct moment_id from goals where place = 1),
costs as (
    select g.moment_id, sum(cast(json_extract(p.value, '$.price') as double precision)) as cost
      from fates g join json_each(:prices) p on json_extract(p.value, '$.medium') = g.medium
     where g.campaign = :campaign and g.state in ('handed', 'accepted', 'delivered', 'unknown') group by g.moment_id),
customers as (
    select w.customer_id, max(w.treated) as treated, max(w.held_out * (1 - w.treated)) as held_out,
           count(*) as moments, count(r.moment_id) as reached, coalesce(sum(c.cost), 0.0) as cost, min(w.due_at) as first_due_at
      from drawn w left join reached r on r.moment_id = w.moment_id left join costs c on c.moment_id = w.moment_id
     group by w.customer_id)
select c.customer_id,
       case when c.treated + c.held_out = 2 then '(both)'
            when c.treated = 1 then coalesce((select a.arm from assignments a where a.campaign = :campaign and a.customer_id = c.customer_id
                                               order by a.assigned_at, a.arm limit 1), 'treated')
            else 'held_out' end as "group",
       c.moments, c.reached, c.cost, c.first_due_at
  from customers c order by c.customer_id;

-- name: measured_funnel
-- What became of the moments of a campaign that were drawn into a group, their window closed or not; failed: no message of it arrived.
with judged as (
    select m.moment_id, m.due_at,
           max(case when m.put_off = 1 or d.verdict = 'sent' or d.gate in ('arbitrate', 'cap', 'hours', 'budget')
                      or d.gate = 'gateway' and d.reason = 'promotion_refused' then 1 else 0 end) as treated,
           max(case when d.verdict = 'held_out' and d.reason = 'holdout_campaign' then 1 else 0 end) as held_out
      from moments m cross join decisions d
     where d.moment_id = m.moment_id and m.campaign || '' = :campaign group by m.moment_id),
arrived as (
    select moment_id, max(case state when 'delivered' then 3 when 'failed' then 1 else 2 end) as best
      from fates where campaign = :campaign group by moment_id),
seen as (
    select j.treated, j.due_at, a.best,
           case when exists (select 1 from outcomes o where o.moment_id = j.moment_id and o.event = :goal
                                and o.at >= j.due_at and o.at < j.due_at + :window) then 1 else 0 end as reached
      from judged j left join arrived a on a.moment_id = j.moment_id where j.treated + j.held_out > 0)
select case treated when 1 then 'treated' else 'held_out' end as "group", count(*) as moments, count(best) as messaged,
       count(case best when 3 then 1 end) as delivered, count(case best when 1 then 1 end) as failed, sum(reached) as reached,
       count(case when due_at + :window <= :until then 1 end) as window_closed
  from seen group by 1 order by 1 desc;

-- name: measured_twice
-- Events that reached the goal of this campaign and count for another one as well.
with goals as materialized (
    select o.event_id, m.campaign, m.customer_id, m.status from outcomes o cross join moments m
     where m.moment_id = o.moment_id and o.event = :goal),
shared as (select event_id from goals group by event_id having min(campaign) <> max(campaign))
select other.campaign, count(distinct g.event_id) as events, count(distinct case when g.status = 'held_out' then g.event_id end) as held_out
  from shared s join goals g on g.event_id = s.event_id and g.campaign = :campaign
  join goals other on other.event_id = s.event_id and other.campaign <> :campaign and other.customer_id = g.customer_id
 group by 1 order by 2 desc, 1;

-- name: measured_goals
-- How many events reached the goal, when the last did, how many were answers to messages of Kairos, how many moments have their window
-- closed, and how many of those came after the last event.
with goals as (
    select count(distinct o.event_id) as events, max(o.at) as last_at, count(distinct case when o.detail <> '' then o.event_id end) as answers from outcomes o cross join moments m
     where m.moment_id = o.moment_id and o.event = :goal and m.campaign = :campaign)
select g.events, g.last_at, g.answers, count(m.moment_id) as window_closed, count(case when m.due_at > g.last_at then 1 end) as since
  from goals g left join moments m on m.campaign || '' = :campaign and m.due_at + :window <= :until
 group by 1, 2, 3;

-- name: measured_prices
-- What a message of each channel cost on average, where it was reckoned with.
select medium, sum(cost) / sum(volume) from spent where campaign = :campaign group by medium having sum(cost) > 0 order by medium;

-- name: published
-- What the versions of a campaign say.
select version, body from campaign_versions where campaign = :campaign order by published_at, version;

-- name: offers_made
-- Messages with offers that arrived, as far as anybody knows, handed over by an instant.
select message_id, customer_id, coalesce(handed_at, not_before) as offered_at, offers from messages
 where offers <> '[]' and state in ('accepted', 'delivered') and coalesce(handed_at, not_before) <= :now
 order by message_id;

-- name: answers_to_offers
-- What came of messages with offers by an instant. An opt-out is told of the last message it is about.
with made as materialized (
    select message_id, moment_id, customer_id, medium, purpose, coalesce(handed_at, not_before) as offered_at from messages
     where offers <> '[]' and state in ('accepted', 'delivered') and coalesce(handed_at, not_before) <= :now),
stops as (
    select g.message_id, s.at, row_number() over (partition by s.customer_id, s.purpose, s.medium
                                                      order by g.offered_at desc, g.message_id) as place
      from made g join opt_outs s on s.customer_id = g.customer_id
     where s.at >= g.offered_at and s.at <= :now and s.purpose in ('*', g.purpose) and s.medium in ('*', g.medium))
select g.message_id, o.event, o.at as answered_at from made g join outcomes o on o.moment_id = g.moment_id
 where o.at >= g.offered_at and o.at <= :now
union all
select message_id, cast(:stopped as text), at from stops where place = 1
 order by 1, 2, 3;

-- name: archived_messages_of_moment
select message_id, step, medium, state from archived_messages where moment_id = :moment_id order by step, message_id;

-- What moves into the archive: one transaction marks moments, reads what is to be moved, and takes it out.

-- name: archive_begin
insert into archives (name, folder, at, cutoff, moments, messages) values (:files, :folder, :at, :before, 0, 0) returning archive_id;

-- name: archive_mark
-- Moments that are over and were before an instant, with everything about them. Not those whose message is the last one to have gone to
-- its address, by which an answer finds its customer, nor those whose question a customer may still answer.
update moments set archived_in = :archive where moment_id in (
    select m.moment_id from moments m
     where m.moment_id > :after and m.archived_in is null and m.wake_at is null
       and m.status in ('sent', 'held_out', 'refused', 'expired', 'retracted') and m.due_at < :before and m.admitted_at < :before
       and not exists (select 1 from decisions d where d.moment_id = m.moment_id and d.decided_at >= :before)
       and not exists (select 1 from outcomes o where o.moment_id = m.moment_id and o.at >= :before)
       and not exists (select 1 from consent_requests r where m.event_id = 'consent:' || r.request_id and r.state = 'requested'
                          and r.expires_at > :now)
       and not exists (
            select 1 from messages g where g.moment_id = m.moment_id
               and (g.state in ('reserved', 'handed', 'unknown') or g.reserved_at >= :before or g.expires_at >= :before
                    or g.address <> '' and not exists (
                        select 1 from messages l where l.customer_id = g.customer_id and l.medium = g.medium and l.address = g.address
                           and l.state in ('accepted', 'delivered') and l.moment_id <> g.moment_id
                           and (l.reserved_at > g.reserved_at or l.reserved_at = g.reserved_at and l.message_id > g.message_id))))
     order by m.moment_id limit :limit);

-- name: archive_hold
-- From here on nobody changes what is about to move.
select count(*) from messages where moment_id in (select moment_id from moments where archived_in = :archive);

-- name: archive_moments
select moment_id, campaign, customer_id, subject, occasion, due_at, policy_id, claim_id, event_id, alert_id, admitted_at, status, step, step_due_at,
       put_off
  from moments where archived_in = :archive order by moment_id;

-- name: archive_decisions
select d.* from moments m join decisions d on d.moment_id = m.moment_id where m.archived_in = :archive order by d.moment_id, d.decided_at, d.step;

-- name: archive_messages
select g.* from moments m join messages g on g.moment_id = m.moment_id where m.archived_in = :archive order by g.moment_id, g.message_id;

-- name: archive_attempts
select g.moment_id, a.* from moments m join messages g on g.moment_id = m.moment_id join attempts a on a.message_id = g.message_id
 where m.archived_in = :archive order by a.attempt_id;

-- name: archive_receipts
select g.moment_id, r.* from moments m join messages g on g.moment_id = m.moment_id join receipts r on r.message_id = g.message_id
 where m.archived_in = :archive order by r.message_id, r.at, r.status;

-- name: archive_keep_fates
insert into archived_messages (message_id, moment_id, campaign, step, medium, state)
select g.message_id, g.moment_id, g.campaign, g.step, g.medium, g.state from moments m join messages g on g.moment_id = m.moment_id
 where m.archived_in = :archive;

-- name: archive_take_attempts
delete from attempts where message_id in (select g.message_id from moments m join messages g on g.moment_id = m.moment_id where m.archived_in = :archive);

-- name: archive_take_receipts
delete from receipts where message_id in (select g.message_id from moments m join messages g on g.moment_id = m.moment_id where m.archived_in = :archive);

-- name: archive_take_messages
delete from messages where moment_id in (select moment_id from moments where archived_in = :archive);

-- name: archive_take_traces
update decisions set trace = '[]' where moment_id in (select moment_id from moments where archived_in = :archive);

-- name: archive_end
update archives set moments = :moments, messages = :messages where archive_id = :archive;

-- name: archives
select archive_id, name, folder, at, cutoff, moments, messages from archives order by archive_id;

-- name: archives_committed
select name from archives where name in (select value from json_each(:names));

-- name: archives_of_customer
-- Where what is archived of a customer lies, under each of the names they may have here.
select a.name, a.folder, m.moment_id from moments m join archives a on a.archive_id = m.archived_in
 where m.customer_id in (select value from json_each(:customers)) order by a.archive_id, m.moment_id;

-- name: archive_left
-- Moments older than an instant that stay: not over yet, or over and still needed.
select case when wake_at is not null or status in ('pending', 'held') then 'open' else 'needed' end as why, count(*)
  from moments where archived_in is null and due_at < :before and admitted_at < :before group by 1 order by 1;

-- name: archive_mark_ledger
-- What this ledger's archives are known by.
insert into meta (key, value) values ('archive', :mark) on conflict do nothing;

-- name: archive_mark_of_ledger
select value from meta where key = 'archive';
