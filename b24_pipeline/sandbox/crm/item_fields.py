"""The standard fields of smart processes, smart invoices and quotes (docs/bitrix24-rest-more.md, sections 1.2 and 2).

A line is `NAME type flags|title`, as in `standard_fields`; `item_names` turns the names into those of `crm.item.*`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from b24_pipeline.sandbox.crm.fields import Field, parse_fields

_ALWAYS = """
ID integer R|ID
XML_ID string -|Внешний код
TITLE string -|Название
CREATED_BY_ID user R|Кем создан
MODIFY_BY_ID user R|Кем изменен
DATE_CREATE datetime R|Когда создан
DATE_MODIFY datetime R|Когда обновлен
OPENED char -|Доступен для всех
ASSIGNED_BY_ID user -|Ответственный
LAST_ACTIVITY_BY user R|Автор последней активности
LAST_ACTIVITY_TIME datetime R|Последняя активность
WEBFORM_ID integer -|Создано CRM-формой
UTM_SOURCE string -|Рекламная система
UTM_MEDIUM string -|Тип трафика
UTM_CAMPAIGN string -|Обозначение рекламной кампании
UTM_CONTENT string -|Содержание кампании
UTM_TERM string -|Условие поиска кампании
"""
_CATEGORY = "CATEGORY_ID crm_category -|Воронка"
_STAGES = """
STAGE_ID crm_status -|Стадия
PREVIOUS_STAGE_ID crm_status R|Предыдущая стадия
MOVED_BY_ID user R|Кем передвинут
MOVED_TIME datetime R|Когда передвинут
"""
_DATES = """
BEGINDATE date -|Дата начала
CLOSEDATE date -|Дата завершения
"""
_CLIENT = """
COMPANY_ID crm_company -|Компания
CONTACT_ID crm_contact D|Контакт
CONTACT_IDS crm_contact M|Контакты
"""
_PRODUCTS = """
OPPORTUNITY double -|Сумма
IS_MANUAL_OPPORTUNITY char -|Режим расчета суммы
TAX_VALUE double -|Сумма налога
CURRENCY_ID crm_currency -|Валюта
"""
_SOURCE = """
SOURCE_ID crm_status -|Источник
SOURCE_DESCRIPTION string -|Дополнительно об источнике
"""
_OWN_COMPANY = "MYCOMPANY_ID crm_company -|Реквизиты вашей компании"
_OBSERVERS = "OBSERVERS user M|Наблюдатели"
_INVOICE = """
ACCOUNT_NUMBER string -|Номер
LOCATION_ID location -|Местоположение
COMMENTS string -|Комментарий
"""
_QUOTE = """
QUOTE_NUMBER string -|Номер
STAGE_ID crm_status -|Стадия
CONTENT string -|Содержание
CONTENT_TYPE integer -|Вид содержания
TERMS string -|Условия
TERMS_TYPE integer -|Вид условий
COMMENTS string -|Комментарий
ACTUAL_DATE date -|Действительно до
CLOSED char R|Предложение закрыто
DEAL_ID crm_deal -|Сделка
LEAD_ID crm_lead -|Лид
LOCATION_ID location -|Местоположение
CLIENT_TITLE string D|Клиент
"""
_BY_SWITCH = {
    "isStagesEnabled": _STAGES,
    "isBeginCloseDatesEnabled": _DATES,
    "isClientEnabled": _CLIENT,
    "isLinkWithProductsEnabled": _PRODUCTS,
    "isSourceEnabled": _SOURCE,
    "isMycompanyEnabled": _OWN_COMPANY,
    "isObserversEnabled": _OBSERVERS,
}
"""The switch of a type -> the fields that it brings."""


def smart_fields(switches: Mapping[str, bool], parents: Iterable[int]) -> tuple[Field, ...]:
    """The fields of a smart process with these switches, which is a child of `parents` (entity type ids)."""
    chosen = [fields for name, fields in _BY_SWITCH.items() if switches[name]]
    return _together(_ALWAYS, _CATEGORY, *chosen) + _parents(parents)


def every_smart_field(parents: Iterable[int]) -> tuple[Field, ...]:
    """The fields of a smart process with all switches on: those that its table has columns for."""
    return smart_fields(dict.fromkeys(_BY_SWITCH, True), parents)


def invoice_fields() -> tuple[Field, ...]:
    """The fields of a smart invoice, a child of deals and quotes."""
    return _together(_ALWAYS, _CATEGORY, *_BY_SWITCH.values(), _INVOICE) + _parents((2, 7))


def quote_fields() -> tuple[Field, ...]:
    """The fields of a quote: it has stages, and neither funnels nor a time of the last move."""
    parts = (_ALWAYS, _DATES, _CLIENT, _PRODUCTS, _OWN_COMPANY, _QUOTE)
    return _together(*parts)


def _together(*parts: str) -> tuple[Field, ...]:
    return parse_fields("\n".join(part.strip() for part in parts))


def _parents(type_ids: Iterable[int]) -> tuple[Field, ...]:
    return tuple(Field(f"PARENT_ID_{number}", "crm_entity", f"PARENT_ID_{number}") for number in type_ids)
