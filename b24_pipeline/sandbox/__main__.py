"""`python -m b24_pipeline.sandbox`: one JSON line with addresses and secrets, then serve until stopped."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime
from typing import Any

import orjson

from b24_pipeline.sandbox.config import (
    COUNTED,
    TO_TRY,
    CostModel,
    EventDelivery,
    Limits,
    Quirks,
    SandboxConfig,
    today,
)
from b24_pipeline.sandbox.sandbox import Sandbox

_PRINTED = ("member_id", "client_id", "client_secret", "application_token", "redirect_uri")


def main(arguments: list[str] | None = None) -> None:
    """Generates a portal, prints how to reach it as JSON, and serves it."""
    given = _parser().parse_args(arguments)
    config = _config(given)
    sandbox = Sandbox(config)
    line = {"url": sandbox.url, "webhook_url": sandbox.webhook_url}
    line |= {name: getattr(config, name) for name in _PRINTED}
    sys.stdout.write(orjson.dumps(line).decode() + "\n")
    sys.stdout.flush()
    if given.change_every:
        sandbox.keep_changing(given.change_every)
    sandbox.run()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m b24_pipeline.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--leads", type=int, default=1000)
    parser.add_argument("--deals", type=int, default=1000)
    parser.add_argument("--contacts", type=int)
    parser.add_argument("--companies", type=int)
    for name in COUNTED:
        parser.add_argument(f"--{name.replace('_', '-')}", type=int)
    parser.add_argument("--to-try", action="store_true", help="some invoices, quotes and smart processes")
    parser.add_argument("--scope", type=lambda text: tuple(text.split(",")), default=SandboxConfig().scope)
    parser.add_argument("--quirks", type=json.loads, default={}, help="fields of Quirks as a JSON object")
    parser.add_argument("--not-admin", action="store_true", help="the webhook's maker is no administrator")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--now",
        type=_moment,
        default=SandboxConfig().now,
        help="where the data ends: a moment with a zone, or today",
    )
    parser.add_argument("--limits", choices=("off", "standard"), default="off")
    parser.add_argument("--cost", choices=("off", "standard"), default="off")
    parser.add_argument("--workers", type=int, default=8, help="requests at once under the cost model")
    parser.add_argument("--change-every", type=float, default=0.0, help="seconds between what people do")
    _add_app(parser)
    return parser


def _moment(text: str) -> datetime:
    return today() if text == "today" else datetime.fromisoformat(text)


def _add_app(parser: argparse.ArgumentParser) -> None:
    standard = SandboxConfig()
    parser.add_argument("--redirect-uri", default=standard.redirect_uri)
    parser.add_argument("--access-token-seconds", type=float, default=standard.access_token_seconds)
    parser.add_argument("--code-seconds", type=float, default=standard.code_seconds)
    parser.add_argument(
        "--events", type=EventDelivery.parse, default=EventDelivery(), help="such as lose=0.1,duplicate=0.2"
    )
    parser.add_argument("--no-offline-reservation", action="store_true", help="a plan without the feature")


def _config(given: argparse.Namespace) -> SandboxConfig:
    return SandboxConfig(
        leads=given.leads,
        deals=given.deals,
        contacts=given.contacts,
        companies=given.companies,
        **_counts(given),
        scope=given.scope,
        admin=not given.not_admin,
        quirks=Quirks().changed(**given.quirks),
        seed=given.seed,
        now=given.now,
        host=given.host,
        port=given.port,
        limits=Limits.standard() if given.limits == "standard" else Limits.off(),
        cost=CostModel(workers=given.workers) if given.cost == "standard" else CostModel.free(),
        **_app(given),
    )


def _counts(given: argparse.Namespace) -> dict[str, Any]:
    """How many there are of what a plain portal has not."""
    said = {name: getattr(given, name) for name in COUNTED if getattr(given, name) is not None}
    return {**TO_TRY, **said} if given.to_try else said


def _app(given: argparse.Namespace) -> dict[str, Any]:
    """What concerns the app and its events."""
    return {
        "redirect_uri": given.redirect_uri,
        "access_token_seconds": given.access_token_seconds,
        "code_seconds": given.code_seconds,
        "offline_extended": not given.no_offline_reservation,
        "events": given.events,
    }


if __name__ == "__main__":
    main()
