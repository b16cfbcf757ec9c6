"""What the pages say. Each language has the same keys."""

from __future__ import annotations

ENGLISH = {
    "connect_title": "Connect a Bitrix24 portal",
    "connect_lead": "Your leads and deals will be copied into the database of whoever runs this service, "
    "and kept up to date. Nothing in Bitrix24 is changed.",
    "step_address": "Enter the address of your portal.",
    "step_allow": "Bitrix24 opens and asks whether to allow the access. Sign in as an administrator and agree.",
    "step_done": "You come back here, and the portal is connected.",
    "domain": "Portal address",
    "domain_hint": "As in the browser's address line, e.g. acme.bitrix24.com",
    "account": "Name",
    "account_hint": "What this portal is to be called here; empty: the first part of its address",
    "entity_type": "What is to be counted as the funnel",
    "as_before": "As before; of a new portal leads and deals",
    "both": "Leads and deals",
    "lead": "Leads",
    "deal": "Deals",
    "go": "Connect",
    "no_app_title": "Portals cannot be connected here yet",
    "no_app": "The operator of this service has to set BITRIX24_CLIENT_ID and BITRIX24_CLIENT_SECRET, "
    "as the portal shows them for a local application.",
    "connected_title": "The portal is connected",
    "connected_lead": "This page can be closed. Changes arrive from now on; "
    "what was there before is read with the next sync.",
    "portal": "Portal",
    "counted": "Funnel",
    "problem_title": "This did not work",
    "again": "Start again",
    "access_not_given": "The access was not allowed in Bitrix24. Nothing was changed.",
    "address_refused": "This is not the address of a portal in the Bitrix24 cloud. Look for a misspelling; "
    "the operator of this service has to allow a portal on a server of your own.",
    "application_refused": "Bitrix24 does not know this service as an application of the portal. "
    "The operator has to look at the application's card there.",
    "authorization_refused": "The permission was not confirmed in time; it is good for half a minute.",
    "other_browser": "It was begun in another browser, or cookies are off.",
    "other_portal": "Another portal answered than the one that was asked for.",
    "portal_conflict": "This name, or this portal, is connected already.",
    "portal_unreachable": "The portal does not answer just now. Try again in a minute.",
    "state_expired": "It was begun more than ten minutes ago.",
    "state_forged": "This link was not made here, or a part of it is missing.",
    "state_used": "This link was used before. If the portal is connected, all is well.",
    "too_often": "Too many connections were begun just now. Wait a minute.",
    "docs_title": "HTTP interface",
    "docs_lead": "For programs, as OpenAPI:",
    "parameters": "Parameters",
    "body": "Body",
    "answers": "Answers",
    "needs_key": "needs the management key",
    "required": "required",
}
RUSSIAN = {
    "connect_title": "Подключить портал Битрикс24",
    "connect_lead": "Лиды и сделки будут скопированы в базу того, кто держит этот сервис, "
    "и дальше обновляться. В самом Битрикс24 ничего не меняется.",
    "step_address": "Введите адрес портала.",
    "step_allow": "Откроется Битрикс24 и спросит, разрешить ли доступ. "
    "Войдите как администратор и согласитесь.",
    "step_done": "Вы вернётесь сюда, и портал будет подключён.",
    "domain": "Адрес портала",
    "domain_hint": "Как в адресной строке браузера, например acme.bitrix24.ru",
    "account": "Название",
    "account_hint": "Как называть портал здесь; если пусто — первая часть его адреса",
    "entity_type": "Что считать воронкой",
    "as_before": "Как прежде; у нового портала — лиды и сделки",
    "both": "Лиды и сделки",
    "lead": "Лиды",
    "deal": "Сделки",
    "go": "Подключить",
    "no_app_title": "Подключить портал пока нельзя",
    "no_app": "Тот, кто держит сервис, должен задать BITRIX24_CLIENT_ID и BITRIX24_CLIENT_SECRET — "
    "портал показывает их в карточке локального приложения.",
    "connected_title": "Портал подключён",
    "connected_lead": "Эту страницу можно закрыть. Изменения приходят с этой минуты; "
    "то, что было раньше, прочитает ближайшая синхронизация.",
    "portal": "Портал",
    "counted": "Воронка",
    "problem_title": "Не получилось",
    "again": "Начать заново",
    "access_not_given": "Доступ в Битрикс24 не был разрешён. Ничего не изменилось.",
    "address_refused": "Это не адрес портала в облаке Битрикс24. Проверьте, нет ли опечатки; "
    "портал на своём сервере должен разрешить тот, кто держит этот сервис.",
    "application_refused": "Битрикс24 не знает этот сервис как приложение портала. "
    "Тот, кто держит сервис, должен проверить карточку приложения на портале.",
    "authorization_refused": "Разрешение не подтверждено вовремя: оно действует полминуты.",
    "other_browser": "Подключение начато в другом браузере, или в этом выключены cookie.",
    "other_portal": "Ответил не тот портал, который вы указали.",
    "portal_conflict": "Такое название или этот портал уже подключены.",
    "portal_unreachable": "Портал сейчас не отвечает. Попробуйте через минуту.",
    "state_expired": "С начала подключения прошло больше десяти минут.",
    "state_forged": "Эта ссылка создана не здесь, или часть её потеряна.",
    "state_used": "Эта ссылка уже использована. Если портал подключён, всё в порядке.",
    "too_often": "Слишком много попыток подряд. Подождите минуту.",
    "docs_title": "HTTP-интерфейс",
    "docs_lead": "Для программ, в виде OpenAPI:",
    "parameters": "Параметры",
    "body": "Тело запроса",
    "answers": "Ответы",
    "needs_key": "нужен ключ управления",
    "required": "обязательно",
}
TEXTS = {"en": ENGLISH, "ru": RUSSIAN}
