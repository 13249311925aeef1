"""Whatever is sent, nothing raises and nothing is lost; however it is sent, it says the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.control.changes import Change, Form
from streams.control.reading import Reading, read
from streams.control.resources import RESOURCES
from tests.notifications import STEMS, examples, folded, notice, place, reading

STEM = st.sampled_from([*dict.fromkeys(STEMS.values()), "agreement", "usage"])
NAMES = sorted(
    {"event", "eventTime", "eventType", "id", "@type", "role", "partyOrPartyRole", "value"}
    | {r.kind for r in RESOURCES}
    | {name for r in RESOURCES for name in r.rules}
)
WORDS = ["1", "", "2026-11-01", "DeleteEvent", "ProductOrder", "\u00fc"]
SCALARS = st.none() | st.booleans() | st.integers() | st.sampled_from(WORDS)
VALUES = st.recursive(
    SCALARS | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)
EXAMPLES = examples()


def is_whole(found: Reading) -> bool:
    """Whether parts have rows without gaps, and something came of the message."""
    places = [c.position for c in found.changes] + [r.position for r in found.refusals]
    rows = sorted(int(position.rpartition("/")[2]) for position in places)
    return rows == list(range(len(rows))) and len(rows) + sum(found.ignored.values()) > 0


def is_usable(found: Reading) -> bool:
    """Whether what came of a message can be kept and folded; it raises where it cannot."""
    entities = folded(*found.changes)
    assert all(entities.history(change.kind, change.id) for change in found.changes)
    assert all(len(refusal.to_bytes()) for refusal in found.refusals)
    return all(Change.from_bytes(change.to_bytes()) == change for change in found.changes)


@given(STEM, st.binary())
def test_any_bytes_come_to_something(stem: str, message: bytes) -> None:
    """Most of them to a refusal."""
    assert is_whole(read(message, place(stem)))


@given(STEM, VALUES, st.sampled_from(RESOURCES))
def test_any_json_comes_to_something(stem: str, said: object, resource: Any) -> None:  # noqa: ANN401
    """Alone, and as the payload of a notification."""
    for one in (said, notice(resource.kind, "CreateEvent", said)):
        for topic in (stem, resource.stem):
            found = reading(topic, one)
            assert is_whole(found)
            assert is_usable(found)


def changed(said: Any, other: object, choose: Any) -> Any:  # noqa: ANN401
    """JSON with one of its parts, of any depth, replaced by another."""
    if choose.random() < 0.2 or not said or not isinstance(said, dict | list):
        return other
    if isinstance(said, dict):
        name = choose.choice(sorted(said))
        return {**said, name: changed(said[name], other, choose)}
    at = choose.randrange(len(said))
    return [*said[:at], changed(said[at], other, choose), *said[at + 1 :]]


@given(st.sampled_from(EXAMPLES), VALUES, st.randoms())
def test_a_damaged_example_comes_to_something(
    example: tuple[str, str, dict[str, Any]],
    other: object,
    choose: Any,  # noqa: ANN401
) -> None:
    """With anything in place of any part of a published notification."""
    api, _, said = example
    found = reading(STEMS[api], changed(said, other, choose))
    assert is_whole(found)
    assert is_usable(found)


BAD = [5, {}, {"event": {"product": {"id": 1}}}, {"eventTime": "x", "event": {"usage": {}}}]
PARTS = st.sampled_from([said for _, _, said in EXAMPLES] + BAD)


def unplaced(*found: Reading) -> tuple[list[Change], list[tuple[str, str]], Counter[str]]:
    """What came of messages, but for the rows and for which message it was."""
    changes = [replace(c, position="") for one in found for c in one.changes]
    refusals = [(r.reason, r.detail) for one in found for r in one.refusals]
    return changes, refusals, sum((Counter(one.ignored) for one in found), Counter())


@given(STEM, st.lists(PARTS, min_size=1, max_size=6))
def test_a_batch_comes_to_what_its_parts_come_to(stem: str, parts: list[Any]) -> None:
    """No part of a batch changes what comes of another."""
    assert unplaced(reading(stem, parts)) == unplaced(*[reading(stem, part) for part in parts])


def order(dialect: int, said: dict[str, str]) -> dict[str, Any]:
    """The attributes of an order in one of the dialects; `said` has one word for each."""
    party = {"id": said.get("party"), "name": "Alfa"}
    item = {"id": "1", "product": {"id": "pr-1"}}
    shapes: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "state": ({"state": said.get("state")}, {"state": f"{said.get('state')} "}),
        "created": ({"orderDate": said.get("created")}, {"creationDate": said.get("created")}),
        "number": (
            {"externalId": said.get("number")},
            {"externalId": [{"id": said.get("number"), "@type": "ExternalIdentifier"}]},
        ),
        "party": (
            {"relatedParty": [{**party, "role": "Partner"}]},
            {
                "relatedParty": [
                    {"role": "partner", "partyOrPartyRole": {**party, "@type": "PartyRef"}}
                ]
            },
        ),
        "item": (
            {"productOrderItem": [{**item, "state": said.get("item")}]},
            {"productOrderItem": [{**item, "state": f" {said.get('item')}"}]},
        ),
        "moved": ({"itemStateChange": [{"itemId": "1", "state": said.get("moved")}]},) * 2,
    }
    found: dict[str, Any] = {"id": "1"}
    for name in said:
        found |= shapes[name][dialect]
    return found


STEP = st.tuples(
    st.sampled_from(
        ["CreateEvent", "StateChangeEvent", "AttributeValueChangeEvent", "DeleteEvent"]
    ),
    st.dictionaries(
        st.sampled_from(["state", "number", "party", "moved", "item"]),
        st.sampled_from(["held", "completed", "failed"]),
    )
    | st.just({"state": "held", "created": "2026-11-01", "item": "held"}),
)


@given(st.lists(STEP, min_size=1, max_size=8), st.randoms())
def test_late_repeated_and_mixed_notifications_come_to_the_clean_history(
    steps: list[tuple[str, dict[str, str]]],
    choose: Any,  # noqa: ANN401
) -> None:
    """In any order, as often as it may be and in either dialect, the history is the same."""

    def told(number: int, dialect: int) -> Change:
        """A step as the message of a day."""
        event, said = steps[number]
        payload = {"id": "1"} if event == "DeleteEvent" else order(dialect, said)
        time = f"2026-11-{number + 1:02}"
        dialects = ({"timeOcurred": time}, {"timeOccurred": time, "@type": "Event"})
        one = {**notice("productOrder", event, payload), "eventTime": None, **dialects[dialect]}
        [found] = reading("order", one, number).changes
        return found

    numbers = range(len(steps))
    clean = [told(number, 1) for number in numbers]
    messy = [told(n, choose.randrange(2)) for n in [*numbers, *choose.choices(numbers, k=4)]]
    messy += [told(number, 0) for number in numbers if choose.random() < 0.5]
    choose.shuffle(messy)
    expected, found = (folded(*c).history("productOrder", "1") for c in (clean, messy))
    assert found == expected
    assert expected[-1].is_gone == (clean[-1].form is Form.GONE)
