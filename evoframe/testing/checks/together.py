"""Lives that are trained together: each ends as it would alone."""

from __future__ import annotations

from typing import Any

import attrs
import torch

from evoframe.errors import StillbornError
from evoframe.kernel.genotype import Genotype
from evoframe.kernel.life import TrainingResult
from evoframe.testing.case import Case
from evoframe.testing.catalogue import Stage, law
from evoframe.testing.prepared import lasting, on_cases
from evoframe.testing.trying import broken

LIVES = 3
"""How many lives a cohort has that is tried."""

APART = 1e-6
"""How far weights of 64 bits may be apart: rounding, and what training makes of it."""


@law("training", when=lambda training: training.together > 1, stage=Stage.COMPANY)
def check_trains_together_as_alone(training: Any) -> None:
    """With ``together`` above 1: each life of a cohort ends as it would alone, but for rounding.

    Tried with 64 bits, without dropout, and with the same key for all. Each life keeps weights,
    masks and statistics of its own; what is absent in one may be present in another.
    """

    def attempt(case: Case) -> None:
        specimen = attrs.evolve(case.specimen, precision="float64")
        here, lived = attrs.evolve(case, specimen=specimen), lasting(training, case)
        genotypes = [here.genotype(index) for index in range(LIVES)]
        alone = [_alone(lived, here, one) for one in genotypes]
        within = torch.stack([here.anatomy.channels(one) for one in genotypes]).any(0)
        grown = [here.anatomy.develop(one, within) for one in genotypes]
        results = lived.train_together(grown, [here.context() for _ in genotypes])
        for index, (one, result) in enumerate(zip(alone, results, strict=True)):
            _require_alike(here, index, one, result)

    on_cases(training, attempt, share=0.5)


def _alone(training: Any, case: Case, genotype: Genotype) -> TrainingResult | StillbornError:
    try:
        result: TrainingResult = training.train(case.anatomy.develop(genotype), case.context())
    except StillbornError as error:
        return error
    return result


def _require_alike(
    case: Case,
    index: int,
    alone: TrainingResult | StillbornError,
    together: TrainingResult | StillbornError,
) -> None:
    if isinstance(alone, StillbornError) or isinstance(together, StillbornError):
        if type(alone) is not type(together):
            broken(f"life {index} is {type(alone).__name__} alone, {type(together).__name__} here")
        return
    due, found = (case.anatomy.absorb(one.phenotype) for one in (alone, together))
    for name, value in due.state.items():
        if name in due.masks and not torch.equal(due.masks[name], found.masks[name]):
            broken(f"life {index} has other synapses in {name!r} than alone")
        apart = float((value.double() - found.state[name].double()).abs().max())
        if not apart <= APART:
            broken(f"{name!r} of life {index} is {apart:.1g} apart from the same life alone")
    if not abs(alone.loss - together.loss) <= APART:
        broken(f"life {index} reports a loss of {together.loss}; alone it is {alone.loss}")
