"""The roles of an evolution: what a plugin author reads, one abstract class a file.

The classes are imported when they are asked for: who needs only :data:`ROLES` waits for no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evoframe.lazy import from_modules
from evoframe.roles.base import Strategy as Strategy, doc as doc, summary as summary
from evoframe.roles.table import ROLE_TABLES as ROLE_TABLES, ROLES as ROLES, Role as Role

if TYPE_CHECKING:
    from evoframe.kernel.life import Batch as Batch, Split as Split
    from evoframe.roles.encoding import Encoding as Encoding
    from evoframe.roles.environment import Environment as Environment
    from evoframe.roles.executor import Executor as Executor
    from evoframe.roles.heredity import Heredity as Heredity
    from evoframe.roles.litter import Litter as Litter
    from evoframe.roles.mutation import Mutation as Mutation
    from evoframe.roles.nurture import Nurture as Nurture
    from evoframe.roles.observer import Observer as Observer
    from evoframe.roles.selection import Selection as Selection
    from evoframe.roles.task import Task as Task
    from evoframe.roles.training import Training as Training
else:
    _PLACES = {role.class_name: role.module for role in ROLES.values()}
    __getattr__ = from_modules(
        __name__, _PLACES | dict.fromkeys(("Batch", "Split"), "evoframe.kernel.life")
    )
