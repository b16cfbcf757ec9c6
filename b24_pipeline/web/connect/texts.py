"""The texts of the pages. Each language has the same keys; the keys of problems are the codes of errors."""

from __future__ import annotations

ENGLISH = {
    "connect_title": "Connect a Bitrix24 portal",
    "connect_lead": "This service copies your leads and deals into the database of its operator, "
    "and keeps the copy up to date. Your data in Bitrix24 is not changed.",
    "step_address": "Enter the address of your portal.",
    "step_allow": "Bitrix24 opens and asks whether to allow access. Sign in as an administrator and agree.",
    "step_done": "Bitrix24 brings you back, and the portal is connected.",
    "domain": "Portal address",
    "domain_hint": "As in the browser's address line, e.g. acme.bitrix24.com",
    "account": "Name",
    "account_hint": "The portal's name in this service. If empty, the first part of its address is used",
    "entity_type": "Whose funnel to count",
    "as_before": "No change (a new portal: leads and deals)",
    "both": "Leads and deals",
    "lead": "Leads",
    "deal": "Deals",
    "key": "Management key",
    "key_hint": "B24_ADMIN_KEY, or the file admin.key in B24_HOME. "
    "Whoever got a link from the operator opens that link instead of this page.",
    "go": "Connect",
    "no_app_title": "Portals cannot be connected yet",
    "no_app": "The operator of this service must set BITRIX24_CLIENT_ID and BITRIX24_CLIENT_SECRET, "
    "which the portal shows on the card of its local application.",
    "connected_title": "The portal is connected",
    "connected_lead": "You can close this page. Changes arrive from now on; "
    "the next sync reads what was there before.",
    "portal": "Portal",
    "counted": "Funnel",
    "problem_title": "This did not work",
    "again": "Start again",
    "access_not_given": "Access was not allowed in Bitrix24. Nothing was changed.",
    "address_refused": "This is not the address of a portal in the Bitrix24 cloud. Check the spelling. "
    "A portal on your own server must be allowed by the operator of this service.",
    "application_refused": "Bitrix24 does not know this service as an application of the portal. "
    "The operator must check the application's card in the portal.",
    "authorization_refused": "The permission came too late: it is valid for half a minute.",
    "invitation_over": "This link was used, is older than a day, or the portal was connected or disconnected since. "
    "Ask the operator of this service for a new one.",
    "invitation_refused": "A portal is connected by its operator, or by a link that the operator has made. "
    "This link is not one of them, or a part of it is missing.",
    "key_refused": "The management key is missing or wrong.",
    "not_administrator": "The portal is connected by another user, and you are no administrator of it. "
    "Let an administrator connect it.",
    "other_browser": "The connection was started in another browser, or cookies are off.",
    "other_portal": "The portal that answered is not the portal that you entered.",
    "portal_conflict": "This name or this portal is already connected.",
    "portal_unreachable": "The portal is not answering now. Try again in a minute.",
    "state_expired": "The connection was started more than ten minutes ago.",
    "state_forged": "This link was not made by this service, or a part of it is missing.",
    "state_used": "This link was already used. If the portal is connected, nothing more is needed.",
    "too_often": "Too many attempts just now. Wait a minute.",
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
    "connect_lead": "Сервис скопирует лиды и сделки в базу своего администратора и будет обновлять копию. "
    "Данные в самом Битрикс24 не меняются.",
    "step_address": "Введите адрес портала.",
    "step_allow": "Откроется Битрикс24 и спросит, разрешить ли доступ. "
    "Войдите как администратор и согласитесь.",
    "step_done": "Битрикс24 вернёт вас обратно, и портал будет подключён.",
    "domain": "Адрес портала",
    "domain_hint": "Как в адресной строке браузера, например acme.bitrix24.ru",
    "account": "Название",
    "account_hint": "Название портала в этом сервисе; если пусто — первая часть его адреса",
    "entity_type": "Что считать воронкой",
    "as_before": "Без изменений (у нового портала — лиды и сделки)",
    "both": "Лиды и сделки",
    "lead": "Лиды",
    "deal": "Сделки",
    "key": "Ключ управления",
    "key_hint": "B24_ADMIN_KEY или файл admin.key в B24_HOME. "
    "Если администратор сервиса прислал вам ссылку, откройте её вместо этой страницы.",
    "go": "Подключить",
    "no_app_title": "Подключить портал пока нельзя",
    "no_app": "Администратор сервиса должен задать BITRIX24_CLIENT_ID и BITRIX24_CLIENT_SECRET: "
    "портал показывает их в карточке локального приложения.",
    "connected_title": "Портал подключён",
    "connected_lead": "Эту страницу можно закрыть. Изменения приходят с этой минуты; "
    "прежние данные прочитает ближайшая синхронизация.",
    "portal": "Портал",
    "counted": "Воронка",
    "problem_title": "Не получилось",
    "again": "Начать заново",
    "access_not_given": "Доступ в Битрикс24 не был разрешён. Ничего не изменилось.",
    "address_refused": "Это не адрес портала в облаке Битрикс24. Проверьте, нет ли опечатки. "
    "Портал на своём сервере должен разрешить администратор сервиса.",
    "application_refused": "Битрикс24 не знает этот сервис как приложение портала. "
    "Администратор сервиса должен проверить карточку приложения на портале.",
    "authorization_refused": "Разрешение пришло слишком поздно: оно действует полминуты.",
    "invitation_over": "Ссылка уже использована, ей больше суток, или портал с тех пор подключали или отключали. "
    "Попросите у администратора сервиса новую.",
    "invitation_refused": "Портал подключает администратор сервиса или тот, кому он прислал ссылку. "
    "Эта ссылка не от него, или часть её потеряна.",
    "key_refused": "Ключ управления не указан или неверен.",
    "not_administrator": "Портал подключил другой пользователь, а вы на этом портале не администратор. "
    "Пусть подключает администратор.",
    "other_browser": "Подключение начато в другом браузере, или в этом браузере выключены cookie.",
    "other_portal": "Ответил не тот портал, адрес которого вы ввели.",
    "portal_conflict": "Такое название или этот портал уже подключены.",
    "portal_unreachable": "Портал сейчас не отвечает. Попробуйте через минуту.",
    "state_expired": "С начала подключения прошло больше десяти минут.",
    "state_forged": "Эту ссылку создал не этот сервис, или часть её потеряна.",
    "state_used": "Эта ссылка уже использована. Если портал подключён, больше ничего делать не нужно.",
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
