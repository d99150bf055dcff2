"""Plans: how a smaller network is built from a trace, and which channels it takes.

A :class:`Plan` says what rules allow; a :class:`ProvedPlan` was tried, and only ``proof`` makes
one.
"""

from evoframe.anatomy.plan.plan import Plan as Plan
from evoframe.anatomy.plan.proved import ProvedPlan as ProvedPlan
