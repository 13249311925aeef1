"""GET /v1/accruals: exact figures, and how fresh they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.accruals import AccrualsQuery, next_link, read_cursor, write_cursor
from api.errors import Problem
from tests.api.makers import HOUR, USAGE, World
from tests.builders import agreement_text, reference_dir, tables
from tests.state.view_makers import series

CURSOR = ("PLAIN", "2026-11", -1, "calls", 1, "", "EUR", "2026-11")


def test_the_whole_body(tmp_path: Path) -> None:
    """90 seconds at 0.06 a minute are 0.09; amounts and quantities are decimal strings."""
    answer = World(tmp_path).fill().client.get("/v1/accruals?agreement=PLAIN&limit=1")
    body = answer.json()
    link = body.pop("next")
    assert body == {
        "as_of": "2026-11-22T20:14:05.120Z",
        "updated_at": "2026-11-22T20:14:05.620Z",
        "computed_at": "2026-11-22T20:14:06.120Z",
        "position": body["position"],
        "status": "provisional",
        "items": [
            {
                "agreement": "PLAIN",
                "partner": "ALFA",
                "model": "wholesale",
                "agreement_version": 1,
                "period": "2026-11",
                "original_period": "2026-11",
                "hour": None,
                "item": "calls",
                "service": "voice",
                "flow": "receivable",
                "zone": "",
                "events": 2,
                "quantity": {"value": "90", "unit": "seconds"},
                "amount": {"value": "0.090000", "currency": "EUR"},
                "shortfall": None,
                "status": "provisional",
                "statement": None,
            }
        ],
    }
    assert link.startswith("/v1/accruals?agreement=PLAIN&limit=1&cursor=")


def test_pages_follow_their_links(tmp_path: Path) -> None:
    """Following `next` to its end gives every item once."""
    client = World(tmp_path).fill().client
    body = client.get("/v1/accruals?limit=1").json()
    items = body["items"]
    while body["next"] is not None:
        body = client.get(body["next"]).json()
        items += body["items"]
    found = [(item["agreement"], item["item"]) for item in items]
    assert found == [("PLAIN", "calls"), ("PLAIN", "texts"), ("WHOLE", "texts")]


def test_hours_say_when_they_began(tmp_path: Path) -> None:
    """By hour, each item names the start of its hour; payables keep their own flow."""
    answer = World(tmp_path).fill().client.get("/v1/accruals?partner=BRAVO&by=hour")
    (item,) = answer.json()["items"]
    assert (item["hour"], item["flow"]) == ("2026-11-22T20:00:00.000Z", "payable")
    assert item["amount"] == {"value": "0.025000", "currency": "EUR"}


def test_a_closed_period_is_final(tmp_path: Path) -> None:
    """Items of a closed period are final; the answer is when all of it is."""
    client = World(tmp_path).fill().close_period("PLAIN").client
    body = client.get("/v1/accruals?agreement=PLAIN").json()
    assert body["status"] == "final"
    assert {item["statement"] for item in body["items"]} == {"PLAIN-000001"}
    assert client.get("/v1/accruals").json()["status"] == "provisional"


def test_nothing_accrued_is_not_a_zero(tmp_path: Path) -> None:
    """An agreement without usage has no items; that is provisional, and not an amount of zero."""
    body = World(tmp_path).fill().client.get("/v1/accruals?agreement=TIERED").json()
    assert (body["items"], body["status"], body["next"]) == ([], "provisional", None)


@pytest.mark.parametrize("query", ["agreement=NOBODY", "partner=NOBODY"])
def test_an_unknown_name_is_not_found(tmp_path: Path, query: str) -> None:
    """A name that reference lacks is told apart from one without usage."""
    answer = World(tmp_path).fill().client.get(f"/v1/accruals?{query}")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:weir:problem:not-found")


def test_no_figures_yet(tmp_path: Path) -> None:
    """While the log is read there is no answer, and a time to come back."""
    answer = World(tmp_path).client.get("/v1/accruals")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_an_unchanged_answer_is_not_sent_again(tmp_path: Path) -> None:
    """A client that has the answer gets 304, until accruals have moved."""
    world = World(tmp_path).fill()
    first = world.client.get("/v1/accruals")
    assert first.headers["cache-control"] == "private, no-cache"
    assert first.headers["vary"] == "Authorization, Accept"
    known = {"If-None-Match": first.headers["etag"]}
    again = world.client.get("/v1/accruals", headers=known)
    assert (again.status_code, again.content, again.headers["etag"]) == (
        304,
        b"",
        first.headers["etag"],
    )
    world.fill({**USAGE, (series("PLAIN", "calls"), HOUR): (3, 120, 120_000, 0)})
    moved = world.client.get("/v1/accruals", headers=known)
    assert moved.status_code == 200
    assert moved.json()["items"][0]["amount"]["value"] == "0.120000"


def test_one_position_is_one_answer(tmp_path: Path) -> None:
    """Asked twice at one position, the answer is the same to the byte, whatever the clock says."""
    world = World(tmp_path).fill()
    first = world.client.get("/v1/accruals")
    world.now_us += 60_000_000
    assert world.client.get("/v1/accruals").content == first.content


def test_retail_amounts_are_money(tmp_path: Path) -> None:
    """What a share is taken of is counted in its currency: 12.50 of sales, 30 % of it 3.75."""
    world = World(tmp_path / "a")
    item = (
        "{item: sales, role: channel, service: transaction, flow: payable,"
        ' price: {kind: share, percent: "30"}}'
    )
    attribution = "kind,key,agreement,valid_from,valid_upto\nchannel,SHOP,SALES,,\n"
    directory = reference_dir(
        tmp_path / "b", agreements=agreement_text(item, name="SALES"), attribution=attribution
    )
    world.view.use(tables(directory))
    world.book = type(world.book)(tables(directory))
    world.fill({(series("SALES", "sales"), HOUR): (1, 12_500_000, 3_750_000, 0)})
    (found,) = world.client.get("/v1/accruals").json()["items"]
    assert found["quantity"] == {"value": "12.500000", "unit": "EUR"}
    assert found["amount"] == {"value": "3.750000", "currency": "EUR"}


def test_what_a_commitment_misses_is_a_figure_of_its_own(tmp_path: Path) -> None:
    """3 of 10 texts at 0.50 have come to 1.50; the end of the period would add 3.50."""
    world = World(tmp_path / "a")
    item = (
        "{item: texts, role: ingress, service: sms, flow: receivable,"
        " price: {kind: tiers, per: event, at_least: 10, tiers: [{price: 0.5}]}}"
    )
    directory = reference_dir(
        tmp_path / "b",
        agreements=agreement_text(item, name="TEXTS"),
        attribution="kind,key,agreement,valid_from,valid_upto\n",
    )
    world.view.use(tables(directory))
    world.book = type(world.book)(tables(directory))
    world.fill({(series("TEXTS", "texts"), HOUR): (3, 3, 0, 0)})
    (found,) = world.client.get("/v1/accruals").json()["items"]
    assert found["amount"] == {"value": "1.500000", "currency": "EUR"}
    assert found["shortfall"] == {"value": "3.500000", "currency": "EUR"}


def test_a_cursor_comes_back_as_it_was() -> None:
    """A cursor is opaque to clients and exact to us."""
    assert read_cursor(write_cursor(CURSOR)) == CURSOR


@pytest.mark.parametrize("text", ["x", "!!!", "W10", "bnVsbA", write_cursor((*CURSOR[:-1], 1))])
def test_a_forged_cursor_is_refused(text: str) -> None:
    """What we did not give out is refused: bad base64, bad JSON, other parts."""
    with pytest.raises(Problem, match="not one that this API gave out"):
        read_cursor(text)


def test_a_forged_cursor_is_a_bad_request(tmp_path: Path) -> None:
    """The client is told with the status of its own mistake."""
    answer = World(tmp_path).fill().client.get("/v1/accruals?cursor=x")
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:weir:problem:invalid-cursor")


def test_a_link_repeats_the_question() -> None:
    """The next page is of the same question; what was left to default stays so."""
    query = AccrualsQuery(agreement="PLAIN", by="hour", cursor="old")
    link = next_link(query, CURSOR)
    assert link == f"/v1/accruals?agreement=PLAIN&by=hour&cursor={write_cursor(CURSOR)}"
    assert next_link(query, None) is None
