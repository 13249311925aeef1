"""What must hold between agreements of partners in test and those of all others.

Usage of a partner in test is never settled, so nothing that is settled may depend on it. A share of
a charge must not go from another partner's agreement to one of a partner in test, and no deal is
over agreements of both kinds. The other way round a share may be agreed: the usage that it would
be of is not settled as long as the test goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from schemas.agreements import Agreement, items_of
from schemas.documents import Finding

Told = tuple[Agreement, Finding]


def check_tests(agreements: Sequence[Agreement], in_test: Collection[str]) -> Iterator[Told]:
    """What agreements say of others against who is in test, each finding with who says it.

    Args:
        agreements: all of them.
        in_test: the names of the partners in test.
    """
    if not in_test:
        return
    partners = {agreement.agreement: agreement.partner for agreement in agreements}
    trying = {name for name, partner in partners.items() if partner in in_test}
    for agreement in agreements:
        if agreement.agreement not in trying:
            yield from _shares(agreement, trying, partners)
        yield from _deals(agreement, trying, partners)


def _shares(
    agreement: Agreement, trying: Collection[str], partners: dict[str, str]
) -> Iterator[Told]:
    """Shares of settled charges that would go to a partner in test."""
    for path, item in items_of(agreement):
        for index, party in enumerate(item.split.parties if item.split else ()):
            if party.agreement is not None and party.agreement in trying:
                told = f"{party.agreement} is of {partners[party.agreement]}, which is in test"
                where = (*path, "split", "parties", index, "agreement")
                yield agreement, (where, f"{told} and is not settled; remove it until it is live")


def _deals(
    agreement: Agreement, trying: Collection[str], partners: dict[str, str]
) -> Iterator[Told]:
    """Deals over what is settled and what is not."""
    mine = agreement.agreement in trying
    for number, version in enumerate(agreement.versions):
        for place, deal in enumerate(version.deals):
            for other in dict.fromkeys(name for name, _ in deal.pooled):
                if other in partners and (other in trying) is not mine:
                    name = agreement.agreement if mine else other
                    told = f"{name} is of {partners[name]}, which is in test and is not settled"
                    where = ("versions", number, "deals", place, "over")
                    yield agreement, (where, f"{told}; join it with others once it is live")
