-- depends: 0048_own_leads_by_hand
-- A portal that a person has paused: nothing is asked of it until a person lets it go on. One that is closed, or whose plan has
-- ended, is paused by itself and is tried again.

alter table user_accounts add column bitrix24_paused_at timestamptz;
comment on column user_accounts.bitrix24_paused_at is 'When a person has paused it; who did stands in bitrix24_audit. Null where nobody has, also where the portal itself is closed or not paid.';
comment on column user_accounts.bitrix24_status is 'connected, reauthorization_required, paused (by a person, or closed or not paid) or disconnected.';
