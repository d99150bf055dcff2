"""Entry: an individual as it stands in the journal."""

from __future__ import annotations

import attrs

from evoframe.evolution.birth import Remark
from evoframe.kernel.individual import Individual
from evoframe.kernel.notes import NONE, Notes
from evoframe.run.disk.account import Account


@attrs.frozen
class Entry:
    """An individual as it stands in the journal.

    Attributes:
        individual: the record itself.
        digest: of the genotype that it carries; empty when stillborn.
        seconds: how long its life took; not part of any digest.
        remarks: what people should be told of how it came to be; kept apart from the row.
        account: what is put on record beside it; not read back with it, see
            :meth:`evoframe.run.disk.journal.Journal.accounts`.
        told: sentences on what was found damaged on the way; logged, and not read back.
        given: the notes that selection gave its family.
    """

    individual: Individual
    digest: str
    seconds: float
    remarks: tuple[Remark, ...] = attrs.field(default=(), eq=False)
    account: Account | None = attrs.field(default=None, eq=False)
    told: tuple[str, ...] = attrs.field(default=(), eq=False)
    given: Notes = NONE
