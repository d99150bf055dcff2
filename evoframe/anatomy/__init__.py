"""Anatomy: how a genotype becomes a network, and how the network comes home.

Three calls are the whole door: ``survey`` an ancestor once, ``develop`` a genotype as often as
wanted, ``absorb`` what was trained. Behind it, each folder imports only those below it:

* ``survey`` and ``anatomy``: the door;
* ``proof``: makes a proved plan of a plan, by trial;
* ``plan``: how a smaller network is built, and which channels it takes;
* ``trace``: what forward passes show;
* ``rules``: what each ATen operation does to channels;
* ``channels``: numbers of channels and names of operations.
"""

from evoframe.anatomy.anatomy import Anatomy as Anatomy
from evoframe.anatomy.survey import survey as survey
from evoframe.anatomy.trace import Barrier as Barrier
