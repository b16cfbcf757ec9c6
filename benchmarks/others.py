"""The published clients, each in a process of its own: `python -m benchmarks.others NAME WEBHOOK_URL`."""

from __future__ import annotations

import sys
import time
from typing import Any

from benchmarks.setting import DEAL_FIELDS


def fast_bitrix24(webhook_url: str) -> int:
    """fast-bitrix24's get_all."""
    from fast_bitrix24 import Bitrix

    return len(Bitrix(webhook_url, verbose=False).get_all("crm.deal.list", {"select": DEAL_FIELDS}))


def b24pysdk(webhook_url: str) -> int:
    """b24pysdk's as_list_fast. It speaks https only, so its requests are turned to the loopback's http."""
    import requests
    from b24pysdk import BitrixWebhook, Client

    post = requests.post

    def plain_post(url: str, *arguments: Any, **options: Any) -> Any:
        return post(url.replace("https://", "http://"), *arguments, **options)

    vars(requests)["post"] = plain_post
    host, _, path = webhook_url.removeprefix("http://").partition("/rest/")
    client = Client(BitrixWebhook(domain=host, webhook_token=path.strip("/")))
    return sum(1 for _ in client.crm.deal.list(select=DEAL_FIELDS).as_list_fast().result)


if __name__ == "__main__":
    started = time.monotonic()
    rows = {"fast_bitrix24": fast_bitrix24, "b24pysdk": b24pysdk}[sys.argv[1]](sys.argv[2])
    print(rows, time.monotonic() - started)
