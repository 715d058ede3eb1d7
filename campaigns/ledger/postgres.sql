-- Statements that read differently on PostgreSQL than in statements.sql, by the same name.

-- name: wanted_clear
truncate pg_temp.wanted;

-- name: lease
-- Senders side by side each take messages the others have not: whatever is in somebody's hand is passed over, nobody waits.
with due as materialized (
    select message_id from messages
     where state = 'reserved' and medium = :medium and not_before <= :now and not_after > :now and expires_at > :now
       and (retry_at is null or retry_at <= :clock)
       and campaign not in (select value from json_array_elements_text(cast(:halted as json)))
       and not exists (select 1 from halts h where h.campaign in ('*', messages.campaign))
     order by case purpose when 'contract' then 0 when 'service' then 1 when 'care' then 2 else 3 end, not_before, message_id
     limit :limit for update skip locked)
update messages m set state = 'handed', token = :token, handed_at = :clock, attempts = m.attempts + 1
  from due where m.message_id = due.message_id
returning m.message_id, m.campaign, m.purpose, m.medium, m.customer_id, m.address, m.locale, m.parts, m.not_before, m.not_after, m.expires_at,
          m.reserved_at, m.handed_at, m.timezone, m.template, m.due_at, m.priority, m.attempts;

-- name: archive_hold
-- From here on nobody changes what is about to move: receipts and senders wait for the rows.
select count(*) from (select message_id from messages where moment_id in (select moment_id from moments where archived_in = :archive) for update) held;
