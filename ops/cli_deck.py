"""Commands on rate decks: what a supplier's price list changes, and taking it over.

`diff` only looks, and its exit code says whether there is anything to look at; `apply` writes the
two files of one deck, after the whole reference has loaded with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from ops.deck import SECONDS_A_DAY, VIOLATED, Change, Diff, Kind, compare, moment
from ops.deck_files import DeckFiles, decks_in, price, read_deck, replace_files, written
from ops.output import Exit, Form, fail, notes, print_json, screen, show
from schemas.codes import RoundingMode
from schemas.documents import Problems
from schemas.fields import check_name
from schemas.moments import parse_moment
from schemas.money import format_scaled, round_ratio
from schemas.price_list import read_price_list
from schemas.reference import InvalidReferenceError
from schemas.timelines import Rate

NOTICE_DAYS = 7
SHOWN_A_KIND = 40
COLUMNS = ("change", "prefix", "zone", "line", "from", "before", "after", "percent", "remark")

deck_app = typer.Typer(help="Rate decks and suppliers' price lists.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the deck.")]
File = Annotated[Path, typer.Argument(help="Price list, CSV; names every prefix still priced.")]
Reference = Annotated[Path, typer.Option(help="Reference files.", envvar="WEIR_REFERENCE")]
Received = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="When the list came; today unless said."),
]
Notice = Annotated[int, typer.Option(help="Days before a price may rise.", min=0)]
Output = Annotated[Form, typer.Option("-o", "--output", help="Form of the results.")]


@dataclass(frozen=True)
class Job:
    """A list and a deck, compared."""

    name: str
    file: Path
    received_s: int
    notice_s: int
    deck: DeckFiles
    diff: Diff

    @property
    def notice_until(self) -> str:
        """From when on prices may rise."""
        return moment(self.received_s + self.notice_s)


@deck_app.command("diff")
def deck_diff(
    name: Name,
    file: File,
    reference: Reference,
    received: Received = None,
    notice_days: Notice = NOTICE_DAYS,
    unchanged: Annotated[bool, typer.Option("--unchanged", help="List these too.")] = False,  # noqa: FBT002
    output: Output = Form.TABLE,
) -> None:
    """What a price list would change in a deck; exit 1 when it would change anything.

    Example: weir deck diff home alfa-december.csv --reference ref --received 2026-11-20
    """
    job = _compared(name, file, reference, received, notice_days)
    _print(job, output, unchanged=unchanged)
    if job.diff.differs:
        raise typer.Exit(int(Exit.FINDING))


@deck_app.command("apply")
def deck_apply(  # noqa: PLR0913, PLR0917 - each is an option of the command
    name: Name,
    file: File,
    reference: Reference,
    received: Received = None,
    notice_days: Notice = NOTICE_DAYS,
    without_refused: Annotated[  # noqa: FBT002
        bool, typer.Option("--without-refused", help="Leave refused rows' prefixes as they are.")
    ] = False,
    accept_notice: Annotated[  # noqa: FBT002
        bool, typer.Option("--accept-notice", help="Take prices that rise within the notice.")
    ] = False,
    new: Annotated[bool, typer.Option("--new", help="Make the deck if there is none.")] = False,  # noqa: FBT002
    output: Output = Form.TABLE,
) -> None:
    """Take a price list over into a deck; nothing else of the reference is touched.

    Example: weir deck apply home alfa-december.csv --reference ref --received 2026-11-20
    """
    job = _compared(name, file, reference, received, notice_days)
    if not job.deck.zone_of and not new:
        raise fail(f"there is no deck {name}: {_known(reference)}; --new makes it")
    _print(job, output, unchanged=False)
    counts = job.diff.counts()
    if counts[Kind.REFUSED] and not without_refused:
        what = f"rows refused: {counts[Kind.REFUSED]}; mend them, or leave their prefixes as they"
        raise fail(f"nothing was applied: {what} are with --without-refused", Exit.FINDING)
    if counts[VIOLATED] and not accept_notice:
        what = f"prices that rise before {job.notice_until}: {counts[VIOLATED]}"
        raise fail(f"nothing was applied: {what}; take them with --accept-notice", Exit.FINDING)
    if job.diff.timelines == job.deck.standing():
        _say(f"nothing to apply: deck {name} says what {file.name} says")
        return
    try:
        replace_files(reference, written(job.deck, job.diff.timelines))
    except InvalidReferenceError as error:
        raise fail(f"nothing was applied: the reference would not load:\n{error}") from error
    _say(f"applied to deck {name}; a worker that reads this reference takes it by itself")


def _compared(
    name: str, file: Path, reference: Path, received: datetime | None, notice_days: int
) -> Job:
    """The comparison that the options ask for; exits when there can be none."""
    day = (received or datetime.now(UTC)).date()
    received_s, notice_s = parse_moment(str(day)).seconds("UTC"), notice_days * SECONDS_A_DAY
    problems = Problems()
    try:
        check_name(name)
        given = read_price_list(file.read_bytes(), file.name, problems)
        deck = read_deck(reference, name)
    except OSError as error:
        raise fail(f"{error.filename}: {error.strerror}") from error
    except InvalidReferenceError as error:
        raise fail(str(error)) from error
    except ValueError as error:
        raise fail(f"the deck's name {error}") from error
    if given is None:
        raise fail("\n".join(map(str, problems.found)))
    diff = compare(deck.standing(), given, received_s, notice_s)
    return Job(name, file, received_s, notice_s, deck, diff)


def _known(reference: Path) -> str:
    names = decks_in(reference)
    return f"there are {', '.join(names)}" if names else f"{reference} has none"


def _say(what: str) -> None:
    notes.print(escape(what), highlight=False, soft_wrap=True)


def _print(job: Job, form: Form, *, unchanged: bool) -> None:
    """Counts and rows; the table leaves out what is unchanged and cuts long lists."""
    if form is Form.TABLE:
        _print_table(job, unchanged=unchanged)
        return
    rows = [_row(job, change) for change in job.diff.changes]
    if form is Form.JSON:
        print_json(
            {
                "deck": job.name,
                "list": job.file.name,
                "received": moment(job.received_s),
                "notice_until": job.notice_until,
                "counts": job.diff.counts(),
                "rows": rows,
            }
        )
    else:
        show(form, "", rows, COLUMNS)


def _print_table(job: Job, *, unchanged: bool) -> None:
    """What an analyst reads first: the counts, then the rows, the pressing ones on top."""
    counts = job.diff.counts()
    said = ", ".join(f"{number:,} {what}" for what, number in counts.items() if number)
    until = f"prices may rise from {job.notice_until}"
    screen().print(
        f"Deck {job.name}, list {job.file.name} of {moment(job.received_s)}, {until}\n{said}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    left: list[str] = []
    shown: list[dict[str, Any]] = []
    for kind in Kind:
        of_kind = [change for change in job.diff.changes if change.kind is kind]
        if kind is Kind.UNCHANGED and not unchanged:
            continue
        shown += [_row(job, change) for change in of_kind[:SHOWN_A_KIND]]
        if len(of_kind) > SHOWN_A_KIND:
            left.append(f"{len(of_kind) - SHOWN_A_KIND:,} more {kind.value}")
    if shown:
        show(Form.TABLE, "Rows", shown, COLUMNS)
    if left:
        _say(f"{', '.join(left)}; `-o csv` lists all")


def _row(job: Job, change: Change) -> dict[str, Any]:
    """One change as it is shown."""
    remarks = [change.reason] if change.reason else []
    if change.too_soon:
        remarks.append(f"{VIOLATED}: rises before {job.notice_until}")
    return {
        "change": change.kind.value,
        "prefix": change.prefix,
        "zone": job.deck.zone_of.get(change.prefix, ""),
        "line": change.line or None,
        "from": "" if change.from_s is None else moment(change.from_s),
        "before": _rate(change.before),
        "after": _rate(change.after),
        "percent": _percent(change),
        "remark": "; ".join(remarks),
    }


def _rate(rate: Rate | None) -> str:
    """A rate as carriers say it: price a minute, increments, and a fee if there is one."""
    if rate is None:
        return ""
    fee = f" + {price(rate.connect_fee_nanos)}" if rate.connect_fee_nanos else ""
    return f"{price(rate.price_nanos)} {rate.initial_seconds}/{rate.next_seconds}{fee}"


def _percent(change: Change) -> str:
    """By how much the price a minute changes, to a tenth of a percent."""
    if change.before is None or change.after is None or not change.before.price_nanos:
        return ""
    by = Fraction(change.after.price_nanos - change.before.price_nanos, change.before.price_nanos)
    tenths = round_ratio((by * 1_000).numerator, (by * 1_000).denominator, RoundingMode.HALF_UP)
    return f"{'+' if tenths > 0 else ''}{format_scaled(tenths, 1)}" if by else ""
