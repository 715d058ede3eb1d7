-- Whoever has something to decide is found in the order of customers: a turn takes them shelf by shelf, all campaigns of a customer together.

drop index moments_awake;
create index moments_awake on moments (customer_id, wake_at) where wake_at is not null;
