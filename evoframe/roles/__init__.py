"""The roles of an evolution: what a plugin author reads, one abstract class a file."""

from evoframe.kernel.life import Batch as Batch, Split as Split
from evoframe.roles.base import Strategy as Strategy, doc as doc, summary as summary
from evoframe.roles.encoding import Encoding as Encoding
from evoframe.roles.environment import Environment as Environment
from evoframe.roles.executor import Executor as Executor
from evoframe.roles.heredity import Heredity as Heredity
from evoframe.roles.mutation import Mutation as Mutation
from evoframe.roles.nurture import Nurture as Nurture
from evoframe.roles.observer import Observer as Observer
from evoframe.roles.selection import Selection as Selection
from evoframe.roles.task import Task as Task
from evoframe.roles.training import Training as Training

ROLES: dict[str, type[Strategy]] = {
    role.role: role
    for role in (
        Task, Heredity, Encoding, Mutation, Environment,
        Training, Nurture, Selection, Executor, Observer,
    )
}  # fmt: skip
"""Every role by its name, in the order of a life."""

SEVERAL = frozenset({"environment", "mutation", "nurture", "observer"})
"""The roles of which a recipe may name any number."""
