"""Whatever is said of a role elsewhere is what the table of roles says."""

from __future__ import annotations

import subprocess
import sys
from typing import get_args, get_origin, get_type_hints

import attrs
import pytest

from evoframe import roles
from evoframe.config.recipe import Recipe
from evoframe.evolution.strategies import Strategies
from evoframe.registry import load_registry
from evoframe.registry.checking import HOOKS
from evoframe.roles import ROLE_TABLES, ROLES, Role, Strategy

REGISTRY = load_registry(entry_points=False)
OF_A_RUN = {"task", "executor", "observer"}
"""The roles that belong to a run as a whole; all others make generations."""


@pytest.mark.parametrize("role", ROLES.values(), ids=list(ROLES))
def test_a_row_leads_to_a_class_and_its_strategies(role: Role) -> None:
    """Names are spelt in one way, so everything else can be found by them."""
    offered = {offer.name for offer in REGISTRY.of_role(role.name)}

    assert issubclass(role.base, Strategy)
    assert role.base.role == role.name
    assert role.base is getattr(roles, role.class_name)
    assert offered
    assert not role.default or role.default in offered


def test_there_is_an_offer_for_every_role_and_for_nothing_else() -> None:
    """A role that nobody can offer a strategy for would be none."""
    offers = {name for name, arguments in HOOKS.items() if not arguments}

    assert offers == {role.hook for role in ROLES.values()}


def test_a_recipe_has_a_field_for_every_role_table() -> None:
    """They are written out, so that they have types; the table says which there are."""
    hints = get_type_hints(Recipe)
    others = {"run", "anatomy", "about", "sources", "can_be_rebuilt"}

    assert set(attrs.fields_dict(Recipe)) - others == set(ROLE_TABLES)
    for name, role in ROLE_TABLES.items():
        assert (get_origin(hints[name]) is tuple) == role.several
        assert role.base in (hints[name], *get_args(hints[name]))


def test_generations_are_made_by_all_roles_but_those_of_a_run() -> None:
    """The kernel's strategies are the same values as the recipe's."""
    hints = get_type_hints(
        Strategies, None, {role.class_name: role.base for role in ROLES.values()}
    )

    assert "states" in hints  # what they keep, and no role
    del hints["states"]
    assert set(hints) == set(ROLES) - OF_A_RUN
    for name, kind in hints.items():
        assert (get_origin(kind) is tuple) == ROLES[name].several
        assert ROLES[name].base in (kind, *get_args(kind))


def test_the_flags_of_roles_are_there_without_waiting_for_torch() -> None:
    """Help comes at once, however many roles there are."""
    code = (
        "import sys\nfrom evoframe.cli import main\n"
        "try:\n    main(['evolve', '--help'])\nexcept SystemExit as end:\n    assert not end.code\n"
        "assert 'torch' not in sys.modules\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert all(f"--{role} " in done.stdout for role in ROLES)
