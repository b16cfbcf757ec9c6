"""Events of items and of their types (docs/bitrix24-rest-more.md, section 1.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from b24_pipeline.sandbox import Sandbox
from tests.integration.sandbox.conftest import App
from tests.integration.sandbox.events.conftest import connected
from tests.support.servers.event_receiver import Receiver

Start = Callable[..., Sandbox]
ACTIONS = ("ADD", "UPDATE", "DELETE")


def data(event: dict[str, str]) -> dict[str, str]:
    """The data of an event, without its brackets."""
    return {key.split("[")[-1].strip("]"): value for key, value in event.items() if key.startswith("data[")}


def smart(start: Start, **more: Any) -> tuple[Sandbox, str, int]:
    """A portal with one smart process, the name of its items and its entity type id."""
    sandbox = start(**({"smart_types": 1, "smart_items": 5, "invoices": 3, "quotes": 3} | more))
    number = int(sandbox.truth.types()["entity_type_id"].iloc[0])
    return sandbox, f"dynamic_{number}", number


def test_items_of_all_types_raise_the_same_events(start: Start, receiver: Receiver) -> None:
    """With both ids, of smart processes and invoices alike; a change of the funnel is an update."""
    sandbox, name, number = smart(start)
    connected(sandbox, receiver, *(f"ONCRMDYNAMICITEM{action}" for action in ACTIONS))
    item = sandbox.add(name, {"title": "x"})
    other = sandbox.truth.pipelines(name)["category_id"].iloc[1]
    sandbox.move(name, item, f"DT{number}_{other}:NEW", category=int(other))
    sandbox.delete(name, item)
    invoice = int(sandbox.truth.entities("smart_invoice")["id"].iloc[0])
    sandbox.update("smart_invoice", invoice, {"title": "y"})
    sandbox.wait_for_events()
    assert [(one["event"], data(one)) for one in receiver.events] == [
        *(
            (f"ONCRMDYNAMICITEM{action}", {"ID": str(item), "ENTITY_TYPE_ID": str(number)})
            for action in ACTIONS
        ),
        ("ONCRMDYNAMICITEMUPDATE", {"ID": str(invoice), "ENTITY_TYPE_ID": "31"}),
    ]


def test_a_type_has_events_of_its_own(start: Start, receiver: Receiver) -> None:
    """Named after its entity type id, until it is removed: then the binding is gone, and cannot be made."""
    sandbox, name, number = smart(start)
    event = f"ONCRMDYNAMICITEMUPDATE_{number}"
    token = connected(sandbox, receiver, event, "ONCRMDYNAMICITEMUPDATE_31", "ONCRMTYPEDELETE")
    item = int(sandbox.truth.entities(name)["id"].iloc[0])
    sandbox.update(name, item, {"title": "x"})
    record = int(sandbox.truth.types()["id"].iloc[0])
    sandbox.delete_type(number)
    sandbox.wait_for_events()
    assert [(one["event"], data(one)["ID"]) for one in receiver.events] == [
        (event, str(item)),
        ("ONCRMTYPEDELETE", str(record)),
    ]
    _, body = App(sandbox).call(token, "event.get")
    assert {one["event"] for one in body["result"]} == {"ONCRMDYNAMICITEMUPDATE_31", "ONCRMTYPEDELETE"}
    status, body = App(sandbox).call(token, "event.bind", event=event, handler=receiver.url)
    assert (status, body["error"]) == (400, "ERROR_EVENT_NOT_FOUND")
    assert event not in App(sandbox).call(token, "events")[1]["result"]


def test_types_are_told_by_the_id_of_their_record(start: Start, receiver: Receiver) -> None:
    """Made, switched, removed; by setting an event for each item that goes with it."""
    sandbox, *_ = smart(start)
    sandbox.set_quirks(type_deletion_tells_items=True)
    connected(sandbox, receiver, *(f"ONCRMTYPE{action}" for action in ACTIONS), "ONCRMDYNAMICITEMDELETE")
    record = sandbox.add_type("Гарантии")
    number = record["entity_type_id"]
    items = [sandbox.add(f"dynamic_{number}", {"title": text}) for text in "ab"]
    sandbox.switch_type(number, "isSourceEnabled", on=False)
    sandbox.delete_type(number)
    sandbox.wait_for_events()
    told = [(one["event"].removeprefix("ONCRM"), data(one)["ID"]) for one in receiver.events]
    assert told == [
        ("TYPEADD", str(record["id"])),
        ("TYPEUPDATE", str(record["id"])),
        *(("DYNAMICITEMDELETE", str(item)) for item in items),
        ("TYPEDELETE", str(record["id"])),
    ]


def test_quotes_raise_events_of_their_own(start: Start, receiver: Receiver) -> None:
    """With nothing but the id."""
    sandbox, *_ = smart(start)
    connected(sandbox, receiver, *(f"ONCRMQUOTE{action}" for action in ACTIONS), "ONCRMDYNAMICITEMADD")
    quote = sandbox.add("quote", {"title": "x"})
    sandbox.move("quote", quote, "APPROVED")
    sandbox.delete("quote", quote)
    sandbox.wait_for_events()
    assert [(one["event"], data(one)) for one in receiver.events] == [
        (f"ONCRMQUOTE{action}", {"ID": str(quote)}) for action in ACTIONS
    ]


def test_user_fields_of_items_belong_to_their_type(start: Start, receiver: Receiver) -> None:
    """Named by the type's record, or by what invoices and quotes are called."""
    sandbox, name, _ = smart(start)
    connected(
        sandbox,
        receiver,
        "ONCRMTYPEUSERFIELDADD",
        "ONCRMQUOTEUSERFIELDADD",
        "ONCRMTYPEUSERFIELDSETENUMVALUES",
    )
    record = int(sandbox.truth.types()["id"].iloc[0])
    for entity_type in (name, "smart_invoice", "quote"):
        sandbox.add_user_field(entity_type, "colour", "enumeration", options=("red",))
    sandbox.change_user_field(name, f"UF_CRM_{record}_COLOUR", options=("red", "blue"))
    sandbox.wait_for_events()
    assert [(one["event"], data(one)["ENTITY_ID"]) for one in receiver.events] == [
        ("ONCRMTYPEUSERFIELDADD", f"CRM_{record}"),
        ("ONCRMTYPEUSERFIELDADD", "CRM_SMART_INVOICE"),
        ("ONCRMQUOTEUSERFIELDADD", "CRM_QUOTE"),
        ("ONCRMTYPEUSERFIELDSETENUMVALUES", f"CRM_{record}"),
    ]
