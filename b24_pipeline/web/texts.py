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
    "docs_title": "HTTP-интерфейс",
    "docs_lead": "Для программ, в виде OpenAPI:",
    "parameters": "Параметры",
    "body": "Тело запроса",
    "answers": "Ответы",
    "needs_key": "нужен ключ управления",
    "required": "обязательно",
}
TEXTS = {"en": ENGLISH, "ru": RUSSIAN}
