"""Rules: what ATen operations do to channels, one rule an operation, a family of them a file.

What has no rule here is a barrier: the channels that enter such an operation stay.
"""

from evoframe.anatomy.rules import (
    complexes as complexes,
    contraction as contraction,
    elementwise as elementwise,
    joining as joining,
    layers as layers,
    making as making,
    meeting as meeting,
    movement as movement,
    normalisation as normalisation,
    parts as parts,
    recurrent as recurrent,
    reduction as reduction,
    rows as rows,
    space as space,
)
from evoframe.anatomy.rules.rule import RULES as RULES, Signal as Signal, Unknown as Unknown
