"""`catalog.*`: products, sections, prices (docs/bitrix24-rest-more.md, section 3.2)."""

from __future__ import annotations

from functools import partial
from typing import Any

from b24_pipeline.sandbox.data.goods import CATALOGUE, OFFERS
from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest.answer import Method, RestAnswer
from b24_pipeline.sandbox.rest.paging import CONTROLLER, page
from b24_pipeline.sandbox.rest.php import Params, as_dict, as_list, either_case
from b24_pipeline.sandbox.rest.records.camel_lists import camel_list, camel_rows
from b24_pipeline.sandbox.rest.records.listing import records
from b24_pipeline.sandbox.rest_error import RestError

_PRICE_TYPES: list[dict[str, Any]] = [{"id": 1, "name": "BASE", "base": "Y", "sort": 100, "xmlId": "BASE"}]


def _products(portal: PortalState, params: Params) -> RestAnswer:
    """The iblock is obligatory in filter and select, and `@` is no operator here."""
    given = as_dict(either_case(params, "filter"))
    if not given.get("iblockId", given.get("=iblockId")):
        raise RestError("0", "Required filter fields: iblockId")
    if not {"id", "iblockId"} <= {str(name) for name in as_list(either_case(params, "select"))} | _starred(
        params
    ):
        raise RestError("0", "Required select fields: id, iblockId")
    if any(str(key).lstrip("!").startswith("@") for key in given):
        raise RestError("0", "The specified filter operator is not supported")
    entity = records(portal, "product")
    return camel_list(entity, params, camel_rows(entity, given), "products")


def _starred(params: Params) -> set[str]:
    return {"id", "iblockId"} if "*" in as_list(either_case(params, "select")) else set()


def _prices(portal: PortalState, params: Params) -> RestAnswer:
    entity = records(portal, "price")
    return camel_list(entity, params, camel_rows(entity, as_dict(either_case(params, "filter"))), "prices")


def _sections(portal: PortalState, params: Params) -> RestAnswer:
    _for_administrators(portal)
    entity = records(portal, "section")
    return camel_list(entity, params, camel_rows(entity, as_dict(either_case(params, "filter"))), "sections")


def _catalogs(portal: PortalState, params: Params) -> RestAnswer:
    """Two: of products, and of their variations."""
    _for_administrators(portal)
    rows: list[dict[str, Any]] = [
        {"id": CATALOGUE, "iblockId": CATALOGUE, "iblockTypeId": "CRM_PRODUCT_CATALOG", "lid": "s1",
         "name": "Товарный каталог CRM", "productIblockId": None, "skuPropertyId": None},
        {"id": OFFERS, "iblockId": OFFERS, "iblockTypeId": "CRM_PRODUCT_CATALOG", "lid": "s1",
         "name": "Товарный каталог CRM (предложения)", "productIblockId": CATALOGUE, "skuPropertyId": 97},
    ]  # fmt: skip
    return page(params, rows, partial(_wrapped, "catalogs"), kind=CONTROLLER)


def _price_types(_portal: PortalState, params: Params) -> RestAnswer:
    return page(params, _PRICE_TYPES, partial(_wrapped, "priceTypes"), kind=CONTROLLER)


def _wrapped(name: str, rows: Any) -> dict[str, Any]:
    return {name: list(rows)}


def _for_administrators(portal: PortalState) -> None:
    """Codes of this module are numbers."""
    if not portal.caller_is_admin:
        raise RestError("200040300010", "Access Denied")


METHODS: dict[str, Method] = {
    "catalog.product.list": _products,
    "catalog.price.list": _prices,
    "catalog.section.list": _sections,
    "catalog.catalog.list": _catalogs,
    "catalog.pricetype.list": _price_types,
}
