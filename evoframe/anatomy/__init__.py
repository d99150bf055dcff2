"""Anatomy: how a genotype becomes a network, and how the network comes home.

Three calls are the whole door: ``survey`` an ancestor once, ``develop`` a genotype as often as
wanted, ``absorb`` what was trained.
"""

from evoframe.anatomy.anatomy import Anatomy as Anatomy
from evoframe.anatomy.surveying import survey as survey
from evoframe.anatomy.tracing import Barrier as Barrier
