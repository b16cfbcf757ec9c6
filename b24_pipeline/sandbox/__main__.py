"""`python -m b24_pipeline.sandbox`: one JSON line with the addresses, then serve until stopped."""

from __future__ import annotations

import argparse
import sys

import orjson

from b24_pipeline.sandbox.config import CostModel, Limits, SandboxConfig
from b24_pipeline.sandbox.sandbox import Sandbox


def main(arguments: list[str] | None = None) -> None:
    """Generate, print, serve."""
    given = _parser().parse_args(arguments)
    sandbox = Sandbox(_config(given))
    line = orjson.dumps({"url": sandbox.url, "webhook_url": sandbox.webhook_url})
    sys.stdout.write(line.decode() + "\n")
    sys.stdout.flush()
    sandbox.run()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m b24_pipeline.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--leads", type=int, default=1000)
    parser.add_argument("--deals", type=int, default=1000)
    parser.add_argument("--contacts", type=int)
    parser.add_argument("--companies", type=int)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--limits", choices=("off", "standard"), default="off")
    parser.add_argument("--cost", choices=("off", "standard"), default="off")
    parser.add_argument("--workers", type=int, default=8, help="requests at once under the cost model")
    return parser


def _config(given: argparse.Namespace) -> SandboxConfig:
    return SandboxConfig(
        leads=given.leads,
        deals=given.deals,
        contacts=given.contacts,
        companies=given.companies,
        seed=given.seed,
        host=given.host,
        port=given.port,
        limits=Limits.standard() if given.limits == "standard" else Limits.off(),
        cost=CostModel(workers=given.workers) if given.cost == "standard" else CostModel.free(),
    )


if __name__ == "__main__":
    main()
