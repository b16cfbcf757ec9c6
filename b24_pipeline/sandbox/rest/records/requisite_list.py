"""`crm.requisite.*` (docs/bitrix24-rest-more.md, section 9): a classic list."""

from __future__ import annotations

from functools import partial

from b24_pipeline.sandbox.rest.answer import Method
from b24_pipeline.sandbox.rest.classic import classic_list
from b24_pipeline.sandbox.rest.records.listing import fields_of, record_of

METHODS: dict[str, Method] = {
    "crm.requisite.list": partial(classic_list, "requisite"),
    "crm.requisite.get": partial(record_of, "requisite"),
    "crm.requisite.fields": partial(fields_of, "requisite"),
}
