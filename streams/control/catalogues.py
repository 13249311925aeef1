"""Catalogues (TMF620): whether what an order asks for was on offer to its partner at that time.

The master catalogue is what names no agreement: it is open to every partner. An offering that names
agreements belongs to the catalogues of these alone. An offering is on offer while its validity
lasts and it is not retired; what was ordered before stays. Where no master tells of offerings,
nothing is checked.
"""

from __future__ import annotations

from typing import NamedTuple

from state.entities import Entities, EntityVersion
from streams.control.agreement_names import AgreementNames
from streams.control.times import parse_time
from streams.control.values import member, text, word

KIND = "productOffering"
NO_LONGER = {"retired", "obsolete"}


class Verdict(NamedTuple):
    """Why something was not on offer: a word of `docs/topics.md`, a sentence; empty if it was."""

    reason: str = ""
    detail: str = ""


class Catalogue:
    """The offerings that masters told of."""

    def __init__(self, entities: Entities, names: AgreementNames) -> None:
        self._entities = entities
        self._names = names
        self._is_told = bool(entities.ids(KIND))

    def verdict(self, offering: str, agreement: str, partner: str, at_us: int) -> Verdict:
        """Whether an offering was in the catalogue of a partner at the moment of its order.

        Args:
            offering: its id; empty when the order names none.
            agreement: the name of the agreement that the order is under; may be empty.
            partner: the id of the party that ordered; empty when nobody knows.
            at_us: when the order was placed.
        """
        if not self._is_told:
            return Verdict()
        version = self._version(offering, at_us)
        if version is None:
            named = f"offering {offering!r}" if offering else "an offering that is not named"
            detail = f"asks for {named}, which no catalogue has told in full; correct the order"
            return Verdict("unknown_offering", f"{detail}, or send the offering")
        try:
            is_on_offer = _is_on_offer(version, at_us)
        except ValueError as error:
            return Verdict("bad_time", f"offering {offering!r}: {error}; nothing is sold by it")
        detail = f"asks for offering {offering!r}, which was not on offer at that time"
        if not is_on_offer:
            return Verdict("not_in_catalogue", f"{detail}; order another one, or extend it")
        theirs = self._names.all_of(version.attributes)
        if not theirs or (agreement in theirs and self._is_theirs(partner, agreement)):
            return Verdict()
        whose = f"partner {partner!r} under agreement {agreement!r}"
        detail = f"asks for offering {offering!r}, which is not for {whose}"
        return Verdict("not_in_catalogue", f"{detail}; order another one, or add the agreement")

    def _version(self, offering: str, at_us: int) -> EntityVersion | None:
        """What an offering was at a moment, else what was told of it first after that.

        Catalogues are often told later than the orders from them; an end before is an end.
        """
        for version in self._entities.history(KIND, offering):
            if version.upto_us > at_us and (version.is_complete or version.is_gone):
                return None if version.is_gone and version.from_us > at_us else version
        return None

    def _is_theirs(self, partner: str, agreement: str) -> bool:
        """Whether an agreement may be used by a partner, as far as anybody knows.

        An order often names the end customer only, who is party to nothing; but a party to other
        agreements than this one orders from a catalogue that is not theirs.
        """
        if not partner or not self._names.has_parties(agreement):
            return True
        engaged = self._names.is_engaged
        return engaged(partner, agreement) or not engaged(partner)


def _is_on_offer(version: EntityVersion, at_us: int) -> bool:
    """Whether an offering could be ordered at a moment.

    A version that was told only later says nothing of the status before; its validity does.

    Raises:
        ValueError: its validity has a date that is no moment; the sentence says so.
    """
    if version.from_us <= at_us:
        status = word(version.attributes.get("lifecycleStatus"))
        if version.is_gone or status in NO_LONGER:
            return False
    valid = member(version.attributes, "validFor")
    since, until = text(valid.get("startDateTime")), text(valid.get("endDateTime"))
    if since and at_us < parse_time(since):
        return False
    return not until or at_us < parse_time(until)
