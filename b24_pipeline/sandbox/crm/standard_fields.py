"""The standard fields of the four classic entities, in the order in which lists show them.

A line is `NAME type flags|title`; the flags are explained in `fields.Field`.
"""

from __future__ import annotations

from b24_pipeline.sandbox.crm.fields import Field, parse_fields

_PEOPLE = """
ASSIGNED_BY_ID user -|Ответственный
CREATED_BY_ID user R|Кем создан
MODIFY_BY_ID user R|Кем изменен
"""
_TIMES = """
DATE_CREATE datetime R|Дата создания
DATE_MODIFY datetime R|Дата изменения
"""
_ACTIVITY = """
LAST_ACTIVITY_BY user R|Кем произведена последняя активность
LAST_ACTIVITY_TIME datetime R|Время последней активности
"""
_ORIGIN = """
ORIGINATOR_ID string -|Внешний источник
ORIGIN_ID string -|Идентификатор элемента во внешнем источнике
"""
_UTM = """
UTM_SOURCE string -|Рекламная система
UTM_MEDIUM string -|Тип трафика
UTM_CAMPAIGN string -|Обозначение рекламной кампании
UTM_CONTENT string -|Содержание кампании
UTM_TERM string -|Условие поиска кампании
"""
_ADDRESS = """
ADDRESS string -|Адрес
ADDRESS_2 string -|Адрес (стр. 2)
ADDRESS_CITY string -|Город
ADDRESS_POSTAL_CODE string -|Почтовый индекс
ADDRESS_REGION string -|Район
ADDRESS_PROVINCE string -|Область
ADDRESS_COUNTRY string -|Страна
ADDRESS_COUNTRY_CODE string -|Код страны
ADDRESS_LOC_ADDR_ID integer -|Идентификатор адреса местоположения
"""
_HAS = """
HAS_PHONE char R|Задан телефон
HAS_EMAIL char R|Задан e-mail
HAS_IMOL char R|Задана открытая линия
"""
_MULTIFIELDS = """
PHONE crm_multifield M|Телефон
EMAIL crm_multifield M|E-mail
WEB crm_multifield M|Сайт
IM crm_multifield M|Мессенджер
LINK crm_multifield M|LINK
"""

_LEAD = f"""
ID integer R|ID
TITLE string Q|Название лида
HONORIFIC crm_status -|Обращение
NAME string -|Имя
SECOND_NAME string -|Отчество
LAST_NAME string -|Фамилия
COMPANY_TITLE string -|Название компании
COMPANY_ID crm_company -|Компания
CONTACT_ID crm_contact D|Контакт
CONTACT_IDS crm_contact MH|CONTACT_IDS
IS_RETURN_CUSTOMER char R|Повторный лид
BIRTHDATE date -|Дата рождения
SOURCE_ID crm_status -|Источник
SOURCE_DESCRIPTION string -|Дополнительно об источнике
STATUS_ID crm_status -|Статус
STATUS_DESCRIPTION string -|Дополнительно о статусе
POST string -|Должность
COMMENTS string -|Комментарий
CURRENCY_ID crm_currency -|Валюта
OPPORTUNITY double -|Сумма
IS_MANUAL_OPPORTUNITY char -|IS_MANUAL_OPPORTUNITY
{_HAS.strip()}
{_PEOPLE.strip()}
{_TIMES.strip()}
DATE_CLOSED datetime R|Дата завершения
STATUS_SEMANTIC_ID string R|Состояние статуса
OPENED char -|Доступен для всех
{_ORIGIN.strip()}
MOVED_BY_ID user R|MOVED_BY_ID
MOVED_TIME datetime R|MOVED_TIME
{_ADDRESS.strip()}
{_UTM.strip()}
{_ACTIVITY.strip()}
{_MULTIFIELDS.strip()}
"""
_DEAL = f"""
ID integer R|ID
TITLE string Q|Название
TYPE_ID crm_status -|Тип
STAGE_ID crm_status -|Стадия сделки
PROBABILITY integer -|Вероятность
CURRENCY_ID crm_currency -|Валюта
OPPORTUNITY double -|Сумма
IS_MANUAL_OPPORTUNITY char -|IS_MANUAL_OPPORTUNITY
TAX_VALUE double -|Ставка налога
LEAD_ID crm_lead R|Лид
COMPANY_ID crm_company -|Компания
CONTACT_ID crm_contact D|Контакт
CONTACT_IDS crm_contact MH|Контакты
QUOTE_ID crm_quote R|Предложение
BEGINDATE date -|Дата начала
CLOSEDATE date -|Предполагаемая дата закрытия
{_PEOPLE.strip()}
{_TIMES.strip()}
OPENED char -|Доступна для всех
CLOSED char -|Закрыта
COMMENTS string -|Комментарий
ADDITIONAL_INFO string -|Дополнительная информация
LOCATION_ID location -|Местоположение
CATEGORY_ID crm_category I|Направление
STAGE_SEMANTIC_ID string R|Группа стадии
IS_NEW char R|Новая сделка
IS_RECURRING char -|Регулярная сделка
IS_RETURN_CUSTOMER char -|Повторная сделка
IS_REPEATED_APPROACH char -|Повторное обращение
SOURCE_ID crm_status -|Источник
SOURCE_DESCRIPTION string -|Дополнительно об источнике
{_ORIGIN.strip()}
MOVED_BY_ID user R|MOVED_BY_ID
MOVED_TIME datetime R|MOVED_TIME
{_ACTIVITY.strip()}
{_UTM.strip()}
"""
_CONTACT = f"""
ID integer R|ID
HONORIFIC crm_status -|Обращение
NAME string Q|Имя
SECOND_NAME string -|Отчество
LAST_NAME string -|Фамилия
PHOTO file -|Фотография
BIRTHDATE date -|Дата рождения
TYPE_ID crm_status -|Тип контакта
SOURCE_ID crm_status -|Источник
SOURCE_DESCRIPTION string -|Дополнительно об источнике
POST string -|Должность
{_ADDRESS.strip()}
COMMENTS string -|Комментарий
OPENED char -|Доступен для всех
EXPORT char -|Участвует в экспорте контактов
{_HAS.strip()}
{_PEOPLE.strip()}
{_TIMES.strip()}
COMPANY_ID crm_company D|Компания
COMPANY_IDS crm_company MH|COMPANY_IDS
LEAD_ID crm_lead R|Лид
{_ORIGIN.strip()}
ORIGIN_VERSION string -|Версия оригинала
FACE_ID integer -|Привязка к лицам
{_UTM.strip()}
{_ACTIVITY.strip()}
{_MULTIFIELDS.strip()}
"""
_COMPANY = f"""
ID integer R|ID
COMPANY_TYPE crm_status -|Тип компании
TITLE string Q|Название компании
LOGO file -|Логотип
LEAD_ID crm_lead R|Лид
{_HAS.strip()}
{_PEOPLE.strip()}
{_TIMES.strip()}
BANKING_DETAILS string -|Банковские реквизиты
INDUSTRY crm_status -|Сфера деятельности
REVENUE double -|Годовой оборот
CURRENCY_ID crm_currency -|Валюта
EMPLOYEES crm_status -|Кол-во сотрудников
COMMENTS string -|Комментарий
OPENED char -|Доступна для всех
IS_MY_COMPANY char -|Моя компания
{_ORIGIN.strip()}
ORIGIN_VERSION string -|Версия оригинала
{_ADDRESS.strip()}
{_UTM.strip()}
{_ACTIVITY.strip()}
{_MULTIFIELDS.strip()}
"""

STANDARD_FIELDS: dict[str, tuple[Field, ...]] = {
    "lead": parse_fields(_LEAD),
    "deal": parse_fields(_DEAL),
    "contact": parse_fields(_CONTACT),
    "company": parse_fields(_COMPANY),
}
