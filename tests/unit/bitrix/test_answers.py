"""Decoding: PHP's lists and objects, times, errors, and the recorded answers of real portals."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b24_pipeline import errors
from b24_pipeline.bitrix.answers import Answer, Time, by_key, empty, read_batch, rows_of
from b24_pipeline.bitrix.http.refusals import masked, refusal
from tests.support.recorded import RECORDED
from tests.support.servers.scripted_portal import SECRET, php

ANSWERS = sorted(RECORDED.glob("*.json"))


def responses() -> list[tuple[str, dict[str, Any]]]:
    loaded = [(path.stem, json.loads(path.read_text())["response"]) for path in ANSWERS]
    return [
        (name, body) for name, found in loaded for body in (found if isinstance(found, list) else [found])
    ]


@pytest.mark.parametrize(("name", "body"), responses())
def test_every_recorded_answer_is_read(name: str, body: dict[str, Any]) -> None:
    """Nothing that a real portal has sent surprises the decoder."""
    answer = Answer.of(body)
    if isinstance(body.get("result"), dict) and "result_error" in body["result"]:
        maps = body["result"]
        keys = list(maps["result"]) if isinstance(maps["result"], dict) else ["0"]
        batch = read_batch("acme", body, dict.fromkeys(keys, "x"))
        assert set(batch.results) | set(batch.errors) == set(keys)
        assert all(isinstance(figure.finish, float) for figure in batch.times.values())
    assert answer.result is not None
    assert answer.time is None or answer.time.at is not None


def test_the_recordings_are_there() -> None:
    """An empty folder would make the test above pass for nothing."""
    assert len(ANSWERS) == 12


KEYS = st.lists(
    st.sampled_from([*map(str, range(8)), "a", "deals", "r0_1", "x_2"]), min_size=1, max_size=12, unique=True
)


@settings(deadline=None)
@given(KEYS, st.data())
def test_a_batch_comes_back_by_the_keys_it_was_given(keys: list[str], data: st.DataObject) -> None:
    """Property: whichever commands fail, and whether PHP sends lists or objects, no result changes its key."""
    failing = set(data.draw(st.lists(st.sampled_from(keys), unique=True)))
    results = {key: [key] for key in keys if key not in failing}
    refused = {key: {"error": "", "error_description": key} for key in keys if key in failing}
    body = {
        "result": {
            "result": php(results),
            "result_error": php(refused),
            "result_total": php(dict.fromkeys(results, 3)),
            "result_next": [],
            "result_time": php({key: {"operating": 1} for key in results}),
        }
    }
    answer = read_batch("acme", body, dict.fromkeys(keys, "m"))
    assert answer.results == results
    assert {key: problem.description for key, problem in answer.errors.items()} == {
        key: key for key in failing
    }
    assert answer.totals == dict.fromkeys(results, 3)


def test_a_map_that_fits_no_command_is_an_error() -> None:
    """Rather no result than another command's."""
    with pytest.raises(errors.UnreadableAnswer):
        by_key("acme", [1, 2, 3], ["a", "b"])
    with pytest.raises(errors.UnreadableAnswer):
        by_key("acme", "text", ["a"])
    with pytest.raises(errors.UnreadableAnswer):
        read_batch("acme", {"result": True}, {"a": "m"})


@pytest.mark.parametrize("value", [None, "", "0", 0, False, [], {}])
def test_all_of_phps_ways_to_say_nothing(value: Any) -> None:
    """They are empty, and hold no rows."""
    assert empty(value)
    assert rows_of(value) == []
    assert rows_of({"items": value}, "items") == []


@pytest.mark.parametrize("value", ["x", 7, True, [1], {"a": 1}])
def test_what_is_no_list_of_rows(value: Any) -> None:
    """Something, but not rows: an error rather than nothing."""
    assert not empty(value)
    with pytest.raises(ValueError, match="rows"):
        rows_of(value)


def test_rows_under_numbered_keys() -> None:
    """A PHP list with holes arrives as an object."""
    assert rows_of({"1": {"ID": "1"}, "5": {"ID": "5"}}) == [{"ID": "1"}, {"ID": "5"}]


def test_times_as_they_come() -> None:
    """Every part may be missing, and the reset may be ISO text; offsets are kept."""
    read = Time.of(
        {"date_finish": "2026-09-21T13:33:20+03:00", "operating_reset_at": "2026-09-21T13:33:20+03:00"}
    )
    assert read is not None
    assert read.at is not None
    assert read.at.utcoffset() is not None
    assert read.at.isoformat() == "2026-09-21T13:33:20+03:00"
    assert read.operating_reset_at == read.at.timestamp()
    assert (read.operating, read.finish) == (None, None)
    assert Time.of([]) is None
    assert Time.of({"date_finish": 7, "start": "x", "operating": True}) == Time()


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        ({"error": "query_limit_exceeded"}, 503, errors.RequestLimit),
        ({"error": "OPERATION_TIME_LIMIT"}, 429, errors.OperatingLimit),
        ({"error": "OVERLOAD_LIMIT"}, 401, errors.Overloaded),
        ({"error": "CONNECTION_ERROR"}, 401, errors.ServerFault),
        ({"error": "expired_token"}, 401, errors.TokenExpired),
        ({"error": "invalid_token"}, 401, errors.TokenExpired),
        ({"error": "INVALID_CREDENTIALS"}, 403, errors.CredentialRefused),
        ({"error": "authorization_error"}, 401, errors.CredentialRefused),
        ({"error": "WRONG_AUTH_TYPE"}, 403, errors.CredentialRefused),
        ({"error": "insufficient_scope"}, 401, errors.ScopeMissing),
        ({"error": "ACCESS_DENIED"}, 400, errors.AccessDenied),
        ({"error": "allowed_only_intranet_user"}, 403, errors.AccessDenied),
        ({"error": "METHOD_CONFIRM_WAITING"}, 401, errors.ConfirmationPending),
        ({"error": "METHOD_CONFIRM_DENIED"}, 403, errors.AccessDenied),
        ({"error": "ERROR_OAUTH"}, 401, errors.AppRemoved),
        ({"error": "PAYMENT_REQUIRED"}, 401, errors.PaymentRequired),
        ({"error": "PORTAL_DELETED"}, 403, errors.PortalDeleted),
        ({"error": "ERROR_METHOD_NOT_FOUND"}, 404, errors.MethodNotFound),
        ({"error": "NOT_FOUND"}, 400, errors.ObjectNotFound),
        ({"error": "", "error_description": "Not found"}, 400, errors.ObjectNotFound),
        ({"error": "", "error_description": "Access denied."}, 400, errors.AccessDenied),
        ({"error": 0}, 400, errors.InvalidArgument),
        ({"error": "0", "error_description": "x"}, 200, errors.InvalidArgument),
        ({"error": "42"}, 400, errors.InvalidArgument),
        ({"error": "ERROR_CORE"}, 400, errors.InvalidArgument),
        ({"error": "SOMETHING_NEW"}, 500, errors.ServerFault),
        ({"error": "SOMETHING_NEW"}, 401, errors.CredentialRefused),
        ({"error": {"code": "BITRIX_REST_V3_EXCEPTION_X", "message": "y"}}, 400, errors.InvalidArgument),
        ("text", 400, errors.InvalidArgument),
    ],
)
def test_error_codes(error: Any, status: int, kind: type[errors.ApiError]) -> None:
    """docs/bitrix24-rest.md, section 8, in any case and with any status."""
    problem = refusal("acme", "crm.deal.list", error, status)
    assert type(problem) is kind
    assert str(problem).startswith("acme: crm.deal.list was refused")


@settings(deadline=None)
@given(
    st.sampled_from(
        ["auth={}", "https://a.b/rest/1/{}/x", "/rest/api/7/{}/y", '"access_token": "{}"', "code={}&"]
    ),
    st.text(max_size=30),
    st.text(max_size=30),
)
def test_a_portal_that_echoes_our_request_cannot_leak_it(shape: str, before: str, after: str) -> None:
    """Property: a credential in an error's description does not survive, whatever stands around it."""
    text = f"{before} {shape.format(SECRET)} {after}"
    assert SECRET not in masked(text)
    assert SECRET not in str(refusal("acme", "m", {"error": "X", "error_description": text}, 400))
