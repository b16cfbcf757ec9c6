"""`user.*`, `department.get` and `profile` (docs/bitrix24-rest.md, section 6.8)."""

from __future__ import annotations

from typing import Any

from b24_pipeline.sandbox.clock import parse_moment
from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest.answer import Method, RestAnswer
from b24_pipeline.sandbox.rest.paging import page
from b24_pipeline.sandbox.rest.php import Params, as_dict, as_list, either_case
from b24_pipeline.sandbox.rest_error import RestError
from b24_pipeline.sandbox.rows.comparison import FilterCondition, cell_test, parse_condition, sort_key

_PROFILE = ("ID", "NAME", "LAST_NAME", "PERSONAL_GENDER", "TIME_ZONE")
_DEPARTMENT_KEYS = frozenset({"ID", "NAME", "SORT", "PARENT", "UF_HEAD"})
_MOMENTS = frozenset({"TIMESTAMP_X", "DATE_REGISTER", "LAST_LOGIN", "LAST_ACTIVITY_DATE"})
_CONTACTS = ("EMAIL", "PERSONAL_MOBILE", "WORK_PHONE")
_FLAGS = {"Y": True, "N": False, "1": True, "0": False, "true": True, "false": False}


def _get(portal: PortalState, params: Params) -> RestAnswer:
    given = as_dict(either_case(params, "filter")) | {
        key: value for key, value in params.items() if key.upper() in {"ID", "ACTIVE", "EMAIL", "NAME"}
    }
    rows = list(portal.users)
    for key, value in given.items():
        rows = [user for user in rows if _fits(portal, user, key.upper(), value)]
    field, way = str(either_case(params, "sort") or "ID").upper(), either_case(params, "order")
    rows.sort(key=lambda user: sort_key(user.get(field)), reverse=str(way).upper() == "DESC")
    select = tuple(str(name).upper() for name in as_list(either_case(params, "select")))
    return page(params, rows, lambda shown: [_visible(portal, user, select) for user in shown])


def _visible(portal: PortalState, user: dict[str, Any], select: tuple[str, ...]) -> dict[str, Any]:
    """The fields that were asked for and that the scope covers; without a select all of those."""
    names = set(user) - _hidden(set(portal.caller.scope))
    if select:
        masked = {name for name in names if ("UF_*" if name.startswith("UF_") else "*") in select}
        names &= masked | set(select) | {"ID"}
    return {name: value for name, value in user.items() if name in names}


def _hidden(scopes: set[str]) -> set[str]:
    """`user_brief` has no ways to reach somebody, `user_basic` has them."""
    return set() if scopes & {"user", "user_basic"} else set(_CONTACTS)


def _fits(portal: PortalState, user: dict[str, Any], key: str, value: Any) -> bool:
    test = parse_condition(key, value)
    if test.field in _MOMENTS:
        return _fits_moment(portal, user, test)
    if test.field not in user:
        return True
    wanted = test.value
    if test.field == "ACTIVE":
        wanted = _FLAGS.get(str(wanted), wanted)
    return cell_test(test.operation, wanted)(user[test.field])


def _fits_moment(portal: PortalState, user: dict[str, Any], test: FilterCondition) -> bool:
    """By the real time, whatever the value shows; a time that cannot be read matches nothing."""
    shown = user.get(test.field)
    moment = parse_moment(shown) if isinstance(shown, str) else None
    moment = portal.user_moments[user["ID"]] if test.field == "TIMESTAMP_X" else moment
    wanted = parse_moment(str(test.value))
    return wanted is not None and moment is not None and cell_test(test.operation, wanted)(moment)


def _current(portal: PortalState, _params: Params) -> RestAnswer:
    return RestAnswer(acting_user(portal), rows=1)


def acting_user(portal: PortalState) -> dict[str, Any]:
    """The user whom the credential acts for."""
    for user in portal.users:
        if user["ID"] == str(portal.caller.user_id):
            return user
    raise RestError("authorization_error", "Unable to authorize user", 401)


def _profile(portal: PortalState, _params: Params) -> RestAnswer:
    user = acting_user(portal)
    profile = {name: user[name] for name in _PROFILE}
    return RestAnswer({"ID": profile.pop("ID"), "ADMIN": portal.caller_is_admin} | profile)


def _departments(portal: PortalState, params: Params) -> RestAnswer:
    """Filters stand beside the other parameters, in capitals: `SORT` filters, `sort` orders."""
    wanted = {key: value for key, value in params.items() if key in _DEPARTMENT_KEYS}
    rows = [
        department
        for department in portal.departments
        if all(str(department.get(key, "")) == str(value) for key, value in wanted.items())
    ]
    field, way = str(either_case(params, "sort") or "ID").upper(), either_case(params, "order")
    rows.sort(key=lambda row: sort_key(row.get(field)), reverse=str(way).upper() == "DESC")
    return page(params, rows, list)


METHODS: dict[str, Method] = {
    "user.get": _get,
    "user.current": _current,
    "department.get": _departments,
    "profile": _profile,
}
