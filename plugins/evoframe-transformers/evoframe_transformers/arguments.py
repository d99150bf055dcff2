"""The arguments of ``transformers.TrainingArguments`` that say how an individual learns.

Those that are missing are about what a run does itself: how long and from where a life goes on, its
seed and device, evaluation, saving, logging. Naming one of them is an error, so nothing that
is said is without effect. Defaults are those of the library, written out: a run must not change
because another version of it has others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from evoframe.plugin import FrozenDict, doc

POSITIVE = attrs.validators.gt(0)
SHARE = [attrs.validators.ge(0), attrs.validators.lt(1)]


@attrs.frozen
class Arguments:
    """How an individual learns, by the names of ``TrainingArguments``."""

    learning_rate: float = attrs.field(
        default=5e-5, validator=POSITIVE, metadata=doc("largest step size of the schedule")
    )
    per_device_train_batch_size: int | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(attrs.validators.ge(1)),
        metadata=doc("examples in a batch; the task's own choice if not given"),
    )
    gradient_accumulation_steps: int = attrs.field(
        default=1, validator=attrs.validators.ge(1), metadata=doc("batches in a step")
    )
    weight_decay: float = attrs.field(
        default=0.0,
        validator=attrs.validators.ge(0),
        metadata=doc("decay of weights; norms and biases do not decay"),
    )
    adam_beta1: float = attrs.field(
        default=0.9, validator=SHARE, metadata=doc("first moment's decay of adamw")
    )
    adam_beta2: float = attrs.field(
        default=0.999, validator=SHARE, metadata=doc("second moment's decay of adamw")
    )
    adam_epsilon: float = attrs.field(
        default=1e-8, validator=POSITIVE, metadata=doc("what adamw adds to its denominators")
    )
    max_grad_norm: float = attrs.field(
        default=1.0,
        validator=attrs.validators.ge(0),
        metadata=doc("largest norm of the gradient of a step; 0 for any"),
    )
    lr_scheduler_type: str = attrs.field(
        default="linear", metadata=doc("schedule of the step size, as transformers calls it")
    )
    lr_scheduler_kwargs: Mapping[str, float] = attrs.field(
        factory=FrozenDict, converter=FrozenDict, metadata=doc("what the schedule is given besides")
    )
    warmup_steps: int = attrs.field(
        default=0,
        validator=attrs.validators.ge(0),
        metadata=doc("steps over which the step size rises"),
    )
    optim: str = attrs.field(
        default="adamw_torch", metadata=doc("optimiser, as transformers calls it")
    )
    optim_args: str | None = attrs.field(
        default=None, metadata=doc("what the optimiser is given besides, as 'a=1,b=2'")
    )
    optim_target_modules: tuple[str, ...] = attrs.field(
        default=(), metadata=doc("modules that a low-rank optimiser is for, by pattern")
    )
    neftune_noise_alpha: float | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(POSITIVE),
        metadata=doc("noise on embeddings while learning; none if not given"),
    )
    bf16: bool = attrs.field(
        default=False, metadata=doc("compute in bfloat16; weights stay as they are")
    )

    def given(self) -> dict[str, Any]:
        """Return them for ``TrainingArguments``, without those that ask for nothing."""
        every = {one.name: getattr(self, one.name) for one in attrs.fields(Arguments)}
        every["lr_scheduler_kwargs"] = {
            name: int(value) if value.is_integer() else value
            for name, value in self.lr_scheduler_kwargs.items()
        }
        every["optim_target_modules"] = list(self.optim_target_modules)
        return {name: one for name, one in every.items() if one not in (None, {}, [])}
