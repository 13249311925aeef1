"""What is derived goes together, always loads, and does not depend on how it was told."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from state.entities import Entities
from streams.control.changes import Change, Form
from streams.control.derived import Derived, Key, Known
from streams.control.deriving import derive, whole
from tests.streams.control.told import (
    Json,
    agreement,
    change,
    entities,
    known,
    loaded,
    organization,
    part,
    plain,
    product,
    reasons,
    role,
    terms,
    version,
)

FEBRUARY = "2026-02-01T00:00:00+00:00"


def names(derived: Derived) -> tuple[list[str], list[str], list[str]]:
    """The names of partners, agreements and keys."""
    partners = [entry["partner"] for entry in derived.partners]
    agreements = [entry["agreement"] for entry in derived.agreements]
    return partners, agreements, [row.key for row in derived.keys]


def sharing(*parties: tuple[str, str]) -> Json:
    """Terms that give one percent of a message to items of other agreements, and keep the rest."""
    told = version()
    given = [{"agreement": name, "item": item, "percent": "1"} for name, item in parties]
    own = {"percent": str(100 - len(parties))}
    told["items"] = [
        {**told["items"][0], "split": {"rule": "largest_remainder", "parties": [*given, own]}}
    ]
    return terms(told)


def receiving() -> Json:
    """Terms with an item that receives shares."""
    told = version()
    told["items"] = [{**told["items"][0], "item": "part", "price": {"kind": "received"}}]
    return terms(told)


def pooled(*others: str) -> Json:
    """Terms by which what comes of these items and of some others is 100 at least."""
    price = {"kind": "bounds", "minimum": "100"}
    deal = {"deal": "floor", "flow": "receivable", "over": ["sms-in", *others], "price": price}
    return terms(version(deals=[deal]), pool="P")


def conditional(key: str) -> Json:
    """Terms for usage of one key."""
    told = version()
    price = {"kind": "unit", "per": "unit", "amount": "10"}
    circuit = {"role": "product", "service": "circuit", "price": price}
    told["items"] = [{**told["items"][0], **circuit, "where": {"key": [key]}}]
    return terms(told)


def test_a_partner_with_agreement_and_product_is_a_reference() -> None:
    """The three files, which load."""
    derived = derive(entities(organization(), agreement(), product()))
    assert names(derived) == (["ALFA"], ["ALFA-1"], ["P-1"])
    assert derived.keys == [Key("product", "P-1", "ALFA-1", "2026-01-01T00:00:00+00:00", "")]
    assert list(derived.findings) == []
    reference = loaded(derived)
    assert [partner.country for partner in reference.partners] == ["DE"]
    assert reference.attribution.height == 1


def test_an_agreement_waits_for_its_partner() -> None:
    """Its keys wait with it; whichever comes last completes them."""
    things = entities(agreement(), product())
    derived = derive(things)
    assert names(derived) == ([], [], [])
    assert reasons(derived) == {("ALFA-1", "unknown_partner"), ("P-1", "unknown_agreement")}
    things.add(organization())
    assert names(derive(things)) == (["ALFA"], ["ALFA-1"], ["P-1"])


def test_bad_terms_leave_those_before_and_say_so() -> None:
    """With all sentences, and that the terms before stay."""
    bad = agreement("ALFA-1", "ALFA", "2026-02-01", characteristics=terms(version(currency="x")))
    derived = derive(entities(organization(), agreement(), bad))
    assert names(derived)[1] == ["ALFA-1"]
    [finding] = derived.findings
    assert finding.reason == "bad_terms"
    assert finding.detail.startswith("versions[0].currency: ")
    assert finding.detail.endswith("what was known before stays in force")
    alone = derive(entities(organization(), bad))
    assert (names(alone)[1], "stays in force" in alone.findings[0].detail) == ([], False)


def test_names_of_files_are_theirs() -> None:
    """A partner, an agreement and a key that files give are not derived from masters."""
    things = entities(organization(), agreement(), product())
    files = Known(frozenset({"ALFA"}), frozenset({"ALFA-1"}), frozenset({("product", "P-1")}))
    derived = derive(things, files)
    assert names(derived) == ([], [], [])
    assert reasons(derived) == {(name, "other_source") for name in ("ALFA", "ALFA-1", "P-1")}
    beside = derive(things, Known(frozenset({"ALFA"})))
    assert names(beside) == ([], ["ALFA-1"], ["P-1"])
    listed = derive(things, Known(agreements=frozenset({"ALFA-1"})))
    assert names(listed) == (["ALFA"], [], ["P-1"])


def test_two_agreements_of_one_name_are_the_first_one() -> None:
    """By when they came to be known; the other one is a finding."""
    second = agreement("78", "ALFA", known_us=5, name="ALFA-1")
    derived = derive(entities(second, agreement(known_us=9), organization()))
    assert names(derived)[1] == ["ALFA-1"]
    assert reasons(derived) == {("ALFA-1", "double_name")}
    assert [
        c.id
        for c in whole(entities(second, agreement("77", name="ALFA-1"), organization())).contracts
    ] == ["77"]


def test_another_source_is_not_taken() -> None:
    """Of a thing that one system told first; a declared source changes which one it is."""
    shop = organization(tradingName="Shop", source="shop", known_us=5)
    things = entities(organization(source="crm"), shop, agreement())
    derived = derive(things)
    assert derived.partners[0]["name"] == "ALFA Carrier"
    assert reasons(derived) == {("ALFA", "other_source")}
    assert derive(things, Known(), {"organization": "shop"}).partners[0]["name"] == "Shop"


def test_keys_hold_from_the_day_on_which_the_partner_goes_live() -> None:
    """Until then they are a finding, and the rest is derived all the same."""
    told = [organization(), agreement(), product(), role(status="initialised")]
    waiting = derive(entities(*told))
    assert names(waiting) == (["ALFA"], ["ALFA-1"], [])
    assert reasons(waiting) == {("P-1", "not_live")}
    alive = derive(entities(*told, part("partyRole", "R-1", "2026-02-01", status="active")))
    assert alive.keys == [Key("product", "P-1", "ALFA-1", FEBRUARY, "")]
    assert list(alive.findings) == []


def test_shares_need_who_receives_them() -> None:
    """Without BETA-1, or without its item, what ALFA-1 gave before stays."""
    two = [organization(), organization("BETA"), agreement()]
    shares = agreement("ALFA-1", "ALFA", "2026-02-01", characteristics=sharing(("BETA-1", "part")))
    derived = derive(entities(*two, shares))
    assert reasons(derived) == {("ALFA-1", "bad_terms")}
    assert "split" not in derived.agreements[0]["versions"][0]["items"][0]
    beta = agreement("BETA-1", "BETA", characteristics=receiving())
    both = derive(entities(*two, shares, beta))
    assert reasons(both) == set()
    assert "split" in both.agreements[0]["versions"][0]["items"][0]
    assert len(loaded(both).agreements) == 2
    # With BETA-1 gone bad it is as without it, for nothing of it was ever right.
    bad = agreement("BETA-1", "NOBODY", characteristics=receiving())
    assert reasons(derive(entities(*two, shares, bad))) == {
        ("ALFA-1", "bad_terms"),
        ("BETA-1", "unknown_partner"),
    }
    # What files give may receive as well; whether it has the item is found when all is loaded.
    assert reasons(derive(entities(*two, shares), Known(agreements=frozenset({"BETA-1"})))) == set()


def test_deals_over_several_agreements_need_them() -> None:
    """BETA-1 is in the pool and has the item; once it has not, the deal is not there either."""
    two = [organization(), organization("BETA"), agreement(characteristics=terms(pool="P"))]
    deal: Json = {"characteristics": pooled("BETA-1/sms-in")}
    told = [*two, part("agreement", "ALFA-1", "2026-02-01", **deal)]
    assert reasons(derive(entities(*told))) == {("ALFA-1", "bad_terms")}
    beta = agreement("BETA-1", "BETA", characteristics=terms(pool="P"))
    both = derive(entities(*told, beta))
    assert reasons(both) == set()
    assert loaded(both).agreements[0].versions[0].deals[0].deal == "floor"


def test_conditions_need_their_keys() -> None:
    """A key of an inventory, or of a file."""
    told = [organization(), agreement(characteristics=conditional("product:P-1"))]
    assert reasons(derive(entities(*told))) == {("ALFA-1", "bad_terms")}
    files = Known(keys=frozenset({("product", "P-1")}))
    assert reasons(derive(entities(*told), files)) == set()
    other = agreement("ALFA-2", "ALFA")
    with_key = derive(entities(*told, other, product("P-1", "ALFA-2")))
    assert names(with_key)[1:] == (["ALFA-1", "ALFA-2"], ["P-1"])
    assert loaded(with_key).attribution.height == 1


def test_an_organization_above_itself_is_a_finding() -> None:
    """It stays a partner: what is owed does not depend on who owns whom."""
    ring = organization(organizationParentRelationship={"organization": {"id": "ALFA"}})
    derived = derive(entities(ring, agreement()))
    assert (names(derived)[0], reasons(derived)) == (["ALFA"], {("ALFA", "cycle")})


# Any set of changes: of few things, so that they meet; good, wrong, partial and out of order.
NAMES = st.sampled_from(["ALFA"] * 4 + ["BETA"] * 3 + ["A B"])
CONTRACTS = st.sampled_from(["A-1", "B-1", "C-1"])
KINDS = ["organization", "individual", "partyRole", "product", *["agreement"] * 4]
JANUARY, MARCH = "2026-01-01", "2026-03-01"
DAYS = st.sampled_from(
    [JANUARY, JANUARY, MARCH, "2026-02-01T00:00:00.5Z", "1969-01-01", "2600-01-01"]
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
ENDING = version(valid_upto="2026-03-01")
TERMS = st.sampled_from(
    [
        terms(),
        terms(ENDING, version(2, "2026-03-01")),
        terms(version(), version(2)),
        terms(pool="P"),
        pooled("A-1/sms-in"),
        pooled("B-1/sms-in"),
        sharing(("B-1", "part")),
        sharing(("B-1", "part"), ("C-1", "part")),
        receiving(),
        conditional("product:P-1"),
        conditional("product:P-1"),
        {"weirTerms": {"@type": "WeirTerms"}},
    ]
)


@st.composite
def _changes(draw: st.DrawFn) -> Change:
    """One change of one of a few things."""
    kind = draw(st.sampled_from(KINDS))
    party = [{"party": draw(NAMES), "role_id": "", "role": "partner", "name": ""}]
    name, said = _of(draw, kind, party)
    if draw(st.integers(0, 4)) == 4:
        said[draw(st.sampled_from(sorted(said)))] = draw(JUNK)
    form = draw(st.sampled_from([Form.FULL] * 4 + [Form.PART] * 3 + [Form.GONE]))
    source = draw(st.sampled_from(["a"] * 7 + ["b"]))
    return change(kind, name, draw(DAYS), form, draw(st.integers(0, 3)), source, **said)


def _of(draw: st.DrawFn, kind: str, party: list[Json]) -> tuple[str, dict[str, Any]]:
    """The name of a thing of a kind, and what is said of it."""
    match kind:
        case "agreement":
            status = draw(st.sampled_from(["approved", "approved", "in process", "terminated"]))
            told = draw(TERMS)
            said = {"status": status, "engagedParty": party, "characteristics": told}
            return draw(CONTRACTS), said
        case "partyRole":
            status = draw(st.sampled_from(["active", "suspended"]))
            validity = draw(st.sampled_from([None, {"startDateTime": "2026-02-01"}]))
            return draw(st.sampled_from("RS")), {
                "status": status,
                "engagedParty": party,
                "validFor": validity,
            }
        case "product":
            status = draw(st.sampled_from(["active", "suspended"]))
            agreements = [{"agreement": draw(CONTRACTS), "item": ""}]
            return draw(st.sampled_from(["P-1", "P,2"])), {
                "status": status,
                "agreements": agreements,
            }
        case _:
            parent = {"organization": {"id": draw(NAMES)}}
            said = {"name": draw(st.text(max_size=3)), "organizationParentRelationship": parent}
            return draw(NAMES), {**said, "contactMedium": [{"country": "DE"}]}


GOOD = [
    organization("ALFA", source="a"),
    organization("BETA", source="a"),
    agreement("A-1", "ALFA", source="a"),
    agreement("B-1", "BETA", source="a", characteristics=receiving()),
    agreement("C-1", "BETA", source="a", characteristics=receiving()),
    product("P-1", "A-1", source="a"),
    role("S", "BETA", MARCH, source="a"),
]
FOUND = st.builds(
    lambda good, any_: [*good, *any_],
    st.lists(st.sampled_from(GOOD), min_size=4, max_size=12),
    st.lists(_changes(), max_size=8),
)
FEWER = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)


@given(FOUND)
@FEWER
def test_whatever_is_told_what_is_derived_loads(told: list[Change]) -> None:
    """And every agreement of a master is either derived or has a finding that says why not."""
    things = known(told)
    derived = derive(things)
    reference = loaded(derived)
    assert {p.partner for p in reference.partners} == {e["partner"] for e in derived.partners}
    assert len(reference.agreements) == len(derived.agreements)
    assert reference.attribution.height == len(derived.keys)
    taken = {contract.id for contract in whole(things).contracts}
    found = {finding.id for finding in derived.findings if finding.kind == "agreement"}
    for name in things.ids("agreement"):
        newest = things.latest("agreement", name)
        assert name in taken | found or newest is None


IMAGES = st.builds(
    lambda name, told, at, status: agreement(name, "ALFA", at, characteristics=told, status=status),
    st.sampled_from(["A-1", "B-1"]),
    TERMS,
    st.sampled_from([JANUARY, "2026-02-01", MARCH]),
    st.sampled_from(["approved", "approved", "terminated"]),
)


@given(st.lists(IMAGES, max_size=6))
@FEWER
def test_agreements_that_name_each_other_load(told: list[Change]) -> None:
    """Shares, deals and conditions, of whatever images stand in for wrong ones."""
    derived = derive(known([organization(), product("P-1", "A-1"), *told]))
    assert len(loaded(derived).agreements) == len(derived.agreements)


@given(FOUND, st.randoms(use_true_random=False))
@FEWER
def test_order_and_repetition_do_not_matter(told: list[Change], random: Random) -> None:
    """The set of changes decides."""
    again = [*told, *random.sample(told, len(told) // 2)]
    random.shuffle(again)
    assert plain(_said(known(again))) == plain(_said(known(told)))


@given(FOUND)
@FEWER
def test_what_goes_together_goes_together_with_files(told: list[Change]) -> None:
    """Names of files are never derived, and agreements may have partners of files."""
    files = Known(frozenset({"ALFA"}), frozenset({"B-1"}), frozenset({("product", "P-1")}))
    partners, agreements, keys = names(derive(known(told), files))
    assert ("ALFA" in partners, "B-1" in agreements, "P-1" in keys) == (False, False, False)


def _said(things: Entities) -> dict[str, Any]:
    """All that is derived."""
    return vars(derive(things))
