"""The candidate of masters: terms with all that they told, what is held back included.

A master may tell of other terms for a time that was settled already. They are held back, since what
was settled stays as it was. To see what they would change, and to agree to it, one needs them as a
reference: the one in force, with what masters told in place of what is held.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from ops.follow import Follower, copy_files
from ops.reading import Opened, current_reference
from ops.told import Name, Told
from schemas.topics import REFERENCE


def write_candidate(data: Path, out: Path) -> Sequence[Name]:
    """Write the terms that masters want into a new directory.

    Args:
        data: a data directory.
        out: where to; it must not exist yet.

    Returns:
        The file and name of each entry that differs from what is in force.

    Raises:
        FileExistsError: there is something at `out`.
        InvalidReferenceError: the operator's files are wrong.
        NoReferenceError: nothing was settled in the data directory yet.
    """
    in_force = current_reference(data)
    with Opened(data) as opened, closing(opened.store.tail([REFERENCE.name])) as tail:
        follower = Follower(tail, in_force, in_force)
        follower.hear()
        copy_files(in_force, out)
        follower.join(out, lambda _: ())
    before, after = Told.read(in_force), Told.read(out)
    names = {*before.names, *after.names}
    return sorted(name for name in names if before.only({name}) != after.only({name}))
