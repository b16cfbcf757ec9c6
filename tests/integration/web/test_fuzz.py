"""schemathesis asks everything that the OpenAPI promises, and much that it does not: no server error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from b24_pipeline.web.assembly import assemble
from tests.conftest import Server
from tests.support.servers.live_service import Live, live
from tests.support.servers.web_service import KEY, parts_of

# a portal or a database that is down is 503, which is no fault of ours; here nothing is down
CHECKS = [not_a_server_error, response_schema_conformance, content_type_conformance]


def interface() -> dict[str, Any]:
    """The OpenAPI; it is the same whatever is behind it."""
    return assemble(parts_of()).openapi()


INTERFACE = interface()
schema = schemathesis.openapi.from_dict(INTERFACE)
# what is made to cover each rule once is sent by the shorter test
without_coverage = schemathesis.openapi.from_dict(INTERFACE)
without_coverage.config.phases.coverage.enabled = False


@pytest.fixture(scope="module")
def running(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    url = server.fresh()
    with live(url, tmp_path_factory.mktemp("home")) as everything:
        everything.connect()
        yield everything
    server.drop(url)


def asked(examples: int) -> settings:
    """So many requests of each call, the same at each run."""
    return settings(
        max_examples=examples,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )


@schema.parametrize()
@asked(6)
def test_no_server_error(case: schemathesis.Case[Any], running: Live) -> None:
    """Nothing that anybody sends makes the service fail, with the key or without."""
    send(case, running)


@pytest.mark.slow
@without_coverage.parametrize()
@asked(100)
def test_no_server_error_whatever_comes(case: schemathesis.Case[Any], running: Live) -> None:
    """The same with more of everything."""
    send(case, running)


def send(case: schemathesis.Case[Any], running: Live) -> None:
    with requests.Session() as session:
        session.trust_env = False
        for headers in ({"Authorization": f"Bearer {KEY}"}, {}):
            case.call_and_validate(running.address, session, headers, checks=CHECKS)
