"""Replacements: modules of torch that cannot be smaller in every way, written so that they can.

A closed list. Each has the parameters, the names and the calls of what it stands for, and is made
of plain torch.
"""

from evoframe.anatomy.replacements.attention import (
    HeadwiseAttention as HeadwiseAttention,
    fit as fit,
)
from evoframe.anatomy.replacements.idle import (
    Idle as Idle,
    IdleModule as IdleModule,
    fits as fits,
    layer_kind as layer_kind,
    let_idle as let_idle,
)
from evoframe.anatomy.replacements.replacing import (
    replace as replace,
    replaced as replaced,
    restore as restore,
)
