"""A run that fails says why in one line, and is tried again only where that may help."""

from __future__ import annotations

import dagster as dg
import pytest
from dagster import DagsterInstance

from b24_pipeline.defs.assets.failures import errors_as_failures
from b24_pipeline.defs.assets.models import models
from b24_pipeline.errors import PortalUnreachable, UnknownPortal
from b24_pipeline.runtime import Runtime
from b24_pipeline.sandbox import Sandbox
from tests.integration.defs.assets.conftest import RESOURCES, run_changes
from tests.integration.defs.conftest import connect


def reason_of(failed: dg.DagsterEvent) -> str:
    """What the step gives as its reason."""
    failure = failed.step_failure_data.user_failure_data
    assert failure
    return str(failure.description)


def test_a_model_that_fails_its_test_stops_the_run_with_one_line(
    installation: Runtime, instance: DagsterInstance
) -> None:
    """What was built is told, the failed check is shown, and the message names model and test."""
    assert run_changes(instance).success
    with installation.warehouse.connect() as connection:
        connection.execute(
            "alter table bitrix24_pipeline_stages drop constraint bitrix24_pipeline_stages_status_semantics_check"
        )
        connection.execute(
            "update bitrix24_pipeline_stages set status_semantics = 'odd' where entity_type = 'lead'"
        )
    result = dg.materialize([models], resources=RESOURCES, instance=instance, raise_on_error=False)
    assert not result.success
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    message = reason_of(failed)
    assert "accepted_values" in message
    assert [one for one in result.get_asset_check_evaluations() if not one.passed]


def test_a_refused_credential_fails_the_run_once_and_without_its_secret(
    installation: Runtime, instance: DagsterInstance, sandbox: Sandbox
) -> None:
    """A retry would not help; the message says what to do, and the models are not touched."""
    secret = "wrongsecret12345"
    with Sandbox(sandbox.config) as other:
        connect(installation, f"{other.url}/rest/1/{secret}/", name="globex")
        instance.add_dynamic_partitions("portals", ["globex"])
        result = run_changes(instance, "globex")
    assert not result.success
    assert not [event for event in result.all_events if event.is_step_up_for_retry]
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    message = reason_of(failed)
    assert message.startswith("globex: ")
    assert "\n" not in message
    assert not any(secret in str(event) for event in result.all_events)


def test_only_what_may_pass_is_tried_again() -> None:
    """A portal that is away may come back; a name that does not exist stays unknown."""
    for error, again in ((PortalUnreachable("acme", "is away"), True), (UnknownPortal("x", []), False)):
        with pytest.raises(dg.Failure) as raised, errors_as_failures():
            raise error
        assert raised.value.allow_retries is again
