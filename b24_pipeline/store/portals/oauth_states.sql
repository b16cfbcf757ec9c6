-- name: begin(nonce, portal_name, domain, entity_type, account_state, browser_digest, seconds)!
-- An authorization that a browser was sent away for.
insert into bitrix24_oauth_states (
    nonce, portal_name, domain, entity_type, account_state, browser_digest, expires_at
)
values (
    :nonce, :portal_name, :domain, :entity_type, :account_state, :browser_digest,
    now() + make_interval(secs => :seconds)
);

-- name: forget_old()!
-- A portal that refuses shows its own page and sends nobody back: what was left behind goes after a day.
delete from bitrix24_oauth_states
where expires_at < now() - interval '1 day';

-- name: use(nonce, browser_digest, seconds)^
-- Of two that come back at once one gets it; another browser does not use it up. A state never lives for longer
-- than `seconds`: one that ends later was made before the clock was put back.
update bitrix24_oauth_states
set used_at = now()
where
    nonce = :nonce
    and browser_digest = :browser_digest
    and used_at is null
    and expires_at > now()
    and expires_at <= now() + make_interval(secs => :seconds)
returning
    portal_name,
    domain,
    entity_type,
    account_state,
    cast(:seconds - extract(epoch from expires_at - now()) as double precision) as age_seconds;

-- name: look(nonce)^
-- Why it was not to be had.
select
    used_at is not null,
    browser_digest,
    domain
from bitrix24_oauth_states
where nonce = :nonce;
