"""All that a plugin may import: ``from evoframe.plugin import Encoding, DNA, Genes, hookimpl``.

Roles to derive from, the values that strategies are given and return, errors to raise, functions
for DNA and masks, and the built-in strategies, to wrap or to compare with. For tests of plugins
there is ``evoframe.testing``. All other modules are private: where a name is defined may change,
that it is here may not, as long as ``evoframe.CONTRACT`` is the same.

Nothing is imported before it is used.
"""

# ruff: noqa: PLC0414  "as" says that a name is meant for others
from __future__ import annotations

from typing import TYPE_CHECKING

from evoframe.lazy import from_modules

if TYPE_CHECKING:
    from evoframe.aside import written_aside as written_aside
    from evoframe.errors import (
        ConfigError as ConfigError,
        EvoframeError as EvoframeError,
        RunError as RunError,
        StillbornError as StillbornError,
        TaskError as TaskError,
    )
    from evoframe.kernel.anatomy import Anatomy as Anatomy
    from evoframe.kernel.clusters import Partition as Partition, partition as partition
    from evoframe.kernel.context import Context as Context, Parent as Parent
    from evoframe.kernel.dna import (
        DNA as DNA,
        Clusters as Clusters,
        Genes as Genes,
        Inheritance as Inheritance,
    )
    from evoframe.kernel.drawing.brood import Brood as Brood, Sibling as Sibling
    from evoframe.kernel.drawing.budgets import log_multiplier as log_multiplier, scaled as scaled
    from evoframe.kernel.drawing.synthesis import draw as draw
    from evoframe.kernel.events import (
        DnaChanged as DnaChanged,
        EpochFinished as EpochFinished,
        GenerationFinished as GenerationFinished,
        IndividualEvaluated as IndividualEvaluated,
        OffspringDeveloped as OffspringDeveloped,
        OffspringDrawn as OffspringDrawn,
        OffspringTrained as OffspringTrained,
        Phase as Phase,
        RunFinished as RunFinished,
        RunStarted as RunStarted,
        SiblingJudged as SiblingJudged,
    )
    from evoframe.kernel.evidence import Evidence as Evidence
    from evoframe.kernel.genotype import (
        Genotype as Genotype,
        Masks as Masks,
        State as State,
        masked as masked,
    )
    from evoframe.kernel.individual import (
        COSTS as COSTS,
        Fitness as Fitness,
        Individual as Individual,
        Measurement as Measurement,
        Metric as Metric,
        Origin as Origin,
    )
    from evoframe.kernel.judged import Judged as Judged
    from evoframe.kernel.key import Key as Key, sealed as sealed, untouched as untouched
    from evoframe.kernel.levels import (
        LEVELS as LEVELS,
        Table as Table,
        even_levels as even_levels,
        even_scores as even_scores,
        ranked as ranked,
        relative_levels as relative_levels,
    )
    from evoframe.kernel.life import (
        Batch as Batch,
        Checkpoint as Checkpoint,
        Life as Life,
        NoCheckpoint as NoCheckpoint,
        Split as Split,
        TrainingResult as TrainingResult,
    )
    from evoframe.kernel.limits import Cap as Cap, Ceiling as Ceiling
    from evoframe.kernel.living import living_channels as living_channels
    from evoframe.kernel.modules.arguments import Arguments as Arguments
    from evoframe.kernel.notes import Notes as Notes
    from evoframe.kernel.phenotype import Phenotype as Phenotype
    from evoframe.kernel.population import Family as Family, Population as Population, rank as rank
    from evoframe.kernel.rungs import (
        PAUSABLE as PAUSABLE,
        Heat as Heat,
        Paused as Paused,
        Rung as Rung,
    )
    from evoframe.kernel.settling import presence as presence, revive as revive, settle as settle
    from evoframe.kernel.wiring import Wiring as Wiring
    from evoframe.markers import hookimpl as hookimpl
    from evoframe.roles.base import Strategy as Strategy, doc as doc
    from evoframe.roles.encoding import Encoding as Encoding
    from evoframe.roles.environment import Environment as Environment
    from evoframe.roles.executor import Executor as Executor, Send as Send
    from evoframe.roles.frozen_dict import FrozenDict as FrozenDict
    from evoframe.roles.heredity import Heredity as Heredity
    from evoframe.roles.library import library as library
    from evoframe.roles.litter import Litter as Litter
    from evoframe.roles.mutation import Mutation as Mutation
    from evoframe.roles.nurture import Nurture as Nurture
    from evoframe.roles.observer import Observer as Observer
    from evoframe.roles.options import options as options
    from evoframe.roles.over_data_set import over_data_set as over_data_set
    from evoframe.roles.selection import Selection as Selection
    from evoframe.roles.task import WITH_SYNAPSES as WITH_SYNAPSES, Task as Task
    from evoframe.roles.training import Training as Training
    from evoframe.strategies.encoding import (
        Cluster as Cluster,
        Inherited as Inherited,
        Magnitude as Magnitude,
        Narrow as Narrow,
        Sensitivity as Sensitivity,
        Synaptic as Synaptic,
        Uniform as Uniform,
    )
    from evoframe.strategies.environment import (
        Budget as Budget,
        Descent as Descent,
        Precision as Precision,
        Removal as Removal,
        Retention as Retention,
    )
    from evoframe.strategies.executor import Processes as Processes, Serial as Serial
    from evoframe.strategies.executor.cores import cores as cores
    from evoframe.strategies.executor.outcome import Outcome as Outcome
    from evoframe.strategies.heredity import Asexual as Asexual, Mating as Mating
    from evoframe.strategies.litter import (
        Climb as Climb,
        Fittest as Fittest,
        Halving as Halving,
        Single as Single,
    )
    from evoframe.strategies.mutation import Bits as Bits, Noise as Noise, Regrowth as Regrowth
    from evoframe.strategies.nurture import (
        Decay as Decay,
        Distillation as Distillation,
        FanIn as FanIn,
        Repair as Repair,
        Rounding as Rounding,
        Stress as Stress,
    )
    from evoframe.strategies.observer import Console as Console, Mirror as Mirror
    from evoframe.strategies.selection import (
        Pareto as Pareto,
        RandomPairs as RandomPairs,
        Tournament as Tournament,
        Truncation as Truncation,
    )
    from evoframe.strategies.task import (
        Lenet5Caffe as Lenet5Caffe,
        Lenet300100 as Lenet300100,
        Mnist as Mnist,
        Saliency as Saliency,
        saliency_metrics as saliency_metrics,
    )
    from evoframe.strategies.training import (
        Elsewhere as Elsewhere,
        Fit as Fit,
        Gradient as Gradient,
        Untrained as Untrained,
    )
    from evoframe.strategies.training.hosted.life import HostedLife as HostedLife
    from evoframe.strategies.training.hosted.training import HostedTraining as HostedTraining

_NAMES = {
    "aside": "written_aside",
    "errors": "ConfigError EvoframeError RunError StillbornError TaskError",
    "kernel.anatomy": "Anatomy",
    "kernel.modules.arguments": "Arguments",
    "kernel.drawing.brood": "Brood Sibling",
    "kernel.drawing.budgets": "log_multiplier scaled",
    "kernel.clusters": "Partition partition",
    "kernel.context": "Context Parent",
    "kernel.dna": "Clusters DNA Genes Inheritance",
    "kernel.limits": "Cap Ceiling",
    "kernel.events": (
        "DnaChanged EpochFinished GenerationFinished IndividualEvaluated OffspringDeveloped "
        "OffspringDrawn OffspringTrained Phase RunFinished RunStarted SiblingJudged"
    ),
    "kernel.evidence": "Evidence",
    "kernel.genotype": "Genotype Masks State masked",
    "kernel.individual": "COSTS Fitness Individual Measurement Metric Origin",
    "kernel.judged": "Judged",
    "kernel.key": "Key sealed untouched",
    "kernel.levels": "LEVELS Table even_levels even_scores ranked relative_levels",
    "kernel.life": "Batch Checkpoint Life NoCheckpoint Split TrainingResult",
    "kernel.living": "living_channels",
    "kernel.notes": "Notes",
    "kernel.phenotype": "Phenotype",
    "kernel.population": "Family Population rank",
    "kernel.rungs": "Heat PAUSABLE Paused Rung",
    "kernel.settling": "presence revive settle",
    "kernel.drawing.synthesis": "draw",
    "kernel.wiring": "Wiring",
    "markers": "hookimpl",
    "roles.base": "Strategy doc",
    "roles.encoding": "Encoding",
    "roles.environment": "Environment",
    "roles.executor": "Executor Send",
    "roles.frozen_dict": "FrozenDict",
    "roles.heredity": "Heredity",
    "roles.library": "library",
    "roles.litter": "Litter",
    "roles.mutation": "Mutation",
    "roles.nurture": "Nurture",
    "roles.observer": "Observer",
    "roles.options": "options",
    "roles.over_data_set": "over_data_set",
    "roles.selection": "Selection",
    "roles.task": "Task WITH_SYNAPSES",
    "roles.training": "Training",
    "strategies.encoding": "Cluster Inherited Magnitude Narrow Sensitivity Synaptic Uniform",
    "strategies.environment": "Budget Descent Precision Removal Retention",
    "strategies.executor": "Processes Serial",
    "strategies.executor.cores": "cores",
    "strategies.executor.outcome": "Outcome",
    "strategies.heredity": "Asexual Mating",
    "strategies.litter": "Climb Fittest Halving Single",
    "strategies.mutation": "Bits Noise Regrowth",
    "strategies.nurture": "Decay Distillation FanIn Repair Rounding Stress",
    "strategies.observer": "Console Mirror",
    "strategies.selection": "Pareto RandomPairs Tournament Truncation",
    "strategies.task": "Lenet300100 Lenet5Caffe Mnist Saliency saliency_metrics",
    "strategies.training": "Elsewhere Fit Gradient Untrained",
    "strategies.training.hosted.life": "HostedLife",
    "strategies.training.hosted.training": "HostedTraining",
}
"""What every module of evoframe gives to plugins."""

PLACES = {name: f"evoframe.{one}" for one, names in _NAMES.items() for name in names.split()}
"""Where every name for plugins is defined."""

__all__ = sorted(PLACES)  # noqa: PLE0605  the keys are strings

if not TYPE_CHECKING:  # a type checker is to refuse names that are not there
    __getattr__ = from_modules(__name__, PLACES)


def __dir__() -> list[str]:
    return __all__
