"""Trained: the state of a network that comes home, if it is still made as it was born."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from evoframe.anatomy.plan.cutting import shape_cut
from evoframe.errors import TaskError
from evoframe.kernel.modules.entries import places_of, state_of
from evoframe.kernel.phenotype import Phenotype


def trained_state(phenotype: Phenotype, whole: Mapping[str, torch.Size]) -> dict[str, Tensor]:
    """Return the state of a trained network, by the names and in the order of its ancestor's.

    Raises:
        TaskError: the forward pass has given the network another state than it was born with.
    """
    held = places_of(phenotype.network)
    added = sorted(state_of(phenotype.network).keys() - whole.keys())
    gone = [name for name in whole if name not in held]
    if added or gone:
        name, what = (added[0], "came") if added else (gone[0], "vanished")
        raise TaskError(
            f"the entry {name!r} of the network's state {what} while it was trained; wanted the "
            "same entries all the time. Give it its final shape in __init__, or hold it elsewhere."
        )
    for name, shape in whole.items():
        due, found = shape_cut(shape, phenotype.cuts.get(name)), tuple(held[name].shape)
        if found != due:
            raise TaskError(
                f"the entry {name!r} of the network's state has shape {found} after training, and "
                f"had {due} before; wanted one shape all the time. Give it that in __init__."
            )
    return {name: held[name] for name in whole}
