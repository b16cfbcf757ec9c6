-- name: leads(account)
-- Own ad leads as an advertiser would have them: people whom the portal knows as contacts of deals, each a while before the
-- deal, and some whom nobody entered into the CRM. Which ones depends on ids alone, so that the same portal has the same.
with advertised as (
    select *
    from (
        values
        (0, 'Видео: экскурсия по складу', 'Доставка', 'vk', 'vk_video_delivery'),
        (1, 'Карусель: до и после', 'Ремонт', 'vk', 'vk_carousel_repair'),
        (2, 'Скидка на первый заказ', 'Ремонт', 'yandex', 'yandex_search_repair'),
        (3, 'Отзыв клиента', 'Доставка', 'yandex', 'yandex_rsya_reviews'),
        (4, 'Калькулятор', 'Ремонт', 'google', 'google_calculator'),
        (5, 'Розыгрыш', 'Доставка', 'vk', 'vk_raffle')
    ) as listed (number, creative, direction, utm_source, utm_campaign)
),

known as (
    select distinct on (contact.phones -> 0 ->> 'VALUE')
        deal.id,
        concat_ws(' ', contact.name, contact.last_name) as name,
        contact.phones -> 0 ->> 'VALUE' as phone,
        deal.date_create - make_interval(mins => (5 + mod(deal.id, 600))::integer) as created_at
    from bitrix24_deals as deal
    inner join bitrix24_contacts as contact
        on deal.user_account_id = contact.user_account_id and deal.contact_id = contact.id
    where
        deal.user_account_id = :account
        and deal.deleted_at is null
        and contact.deleted_at is null
        and contact.phones -> 0 ->> 'VALUE' is not null
        and mod(deal.id, 4) != 3
    order by contact.phones -> 0 ->> 'VALUE', deal.date_create asc, deal.id asc
),

unknown as (
    select
        deal.id,
        'Гость ' || deal.id as name,
        '+7900' || lpad(mod(deal.id * 7919, 10000000)::text, 7, '0') as phone,
        deal.date_create as created_at
    from bitrix24_deals as deal
    where deal.user_account_id = :account and mod(deal.id, 9) = 4
),

everybody as (
    select * from known
    union all
    select * from unknown
)

select
    'lead-' || everybody.id || '-' || md5(everybody.phone) as id,
    everybody.name,
    everybody.phone,
    advertised.creative,
    advertised.direction,
    advertised.utm_source,
    advertised.utm_campaign,
    to_char(everybody.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as created_at
from everybody
-- some creatives bring more than others
inner join advertised on least(mod(everybody.id, 11) / 2, 5) = advertised.number
order by everybody.created_at, everybody.id, everybody.phone;
