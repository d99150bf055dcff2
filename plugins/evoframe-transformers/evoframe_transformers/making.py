"""A task from a model of transformers and data as ``Trainer`` takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

import evoframe
from evoframe.plugin import Task, TaskError
from evoframe_transformers.libraries import needed
from evoframe_transformers.metrics import metrics_of
from evoframe_transformers.models import model_of
from evoframe_transformers.reading import Collating, Collator, columns_of, examples_of, shown

IGNORED = ("past_key_values",)
"""Outputs that are no predictions, unless a configuration says others."""


def task(
    model: nn.Module | str | Path | Any,
    *,
    train: Any,
    validation: Any,
    test: Any = None,
    collator: Collator | None = None,
    processor: Any = None,
    compute_metrics: Callable[[Any], Mapping[str, Any]] | None = None,
    metrics: Mapping[str, str | tuple[str, str]] | Sequence[str] | None = None,
    preprocess_logits_for_metrics: Callable[[Any, Any], Any] | None = None,
    head: str | None = None,
    trained: bool | None = None,
    batch_size: int = 8,
    evolvable: tuple[str, ...] | None = None,
    seed: int = 0,
) -> Task:
    """Return a task made from a model of transformers, with data and metrics as for Trainer.

    The model computes its loss from the labels. Nothing is downloaded.

    Args:
        model: a model, a folder that ``save_pretrained`` wrote, or a configuration; never changed.
        train: examples to learn from: a data set with a length, each example a mapping.
        validation: examples that selection sees.
        test: examples that are only reported.
        collator: makes a batch of examples, as Trainer's ``data_collator``; without, what Trainer
            takes: padding by the processor if it is a tokenizer, else the default.
        processor: a tokenizer or image processor.
        compute_metrics: takes an ``EvalPrediction`` of a whole split, returns numbers by name.
        metrics: which of those numbers count, the primary one first, and which way is better, as
            in ``{"accuracy": "max"}``. The loss is measured in any case.
        preprocess_logits_for_metrics: makes less of outputs before they are kept.
        head: the class of transformers to build of a folder or a configuration, as
            ``"AutoModelForSequenceClassification"``; what they say themselves if not given.
        trained: whether the model is trained already; if not, the run trains it first. What is
            built of a configuration is not, nor is a folder that lacks some of its weights.
        batch_size: examples in a batch.
        evolvable: names of the parameters that may evolve; the usual ones if not given.
        seed: of the weights of a model that is built here.

    Raises:
        ConfigError: transformers is not installed.
        TaskError: the model or the data are something else.
    """
    network, came_trained = model_of(model, head, seed)
    labels = _label_names(network)
    collating = Collating(collator or _usual(processor))
    columns = columns_of(network, labels) if collator is None or _takes_all(collator) else None
    splits = {"train": train, "validation": validation, "test": test}
    data = {
        split: examples_of(one, split, columns) for split, one in splits.items() if one is not None
    }
    _require(data, ("train", "validation"))
    config = getattr(network, "config", None)
    ignored = getattr(config, "keys_to_ignore_at_inference", None) or IGNORED
    head_batch = collating([data["train"][i] for i in range(min(64, len(data["train"])))])
    return evoframe.task(
        network=network,
        train=data["train"],
        validation=data["validation"],
        test=data.get("test"),
        collate_fn=collating,
        batch_size=batch_size,
        targets=None if labels == ("labels",) else labels,
        metrics=metrics_of(
            compute_metrics, metrics, preprocess=preprocess_logits_for_metrics, ignored=ignored
        ),
        example_inputs=shown(head_batch, labels),
        evolvable=evolvable,
        trained=came_trained if trained is None else trained,
    )


def _label_names(network: nn.Module) -> tuple[str, ...]:
    """Return the names of what a model computes its loss from, as Trainer finds them."""
    found = needed("transformers.utils").find_labels(type(network))
    return tuple(found) if len(found) > 1 else ("labels",)


def _usual(processor: Any) -> Collator:
    """Return the collator that Trainer takes if none is given."""
    transformers = needed("transformers")
    if callable(getattr(processor, "pad", None)):
        padding: Collator = transformers.DataCollatorWithPadding(processor)
        return padding
    usual: Collator = transformers.default_data_collator
    return usual


def _takes_all(collator: Any) -> bool:
    """Tell a collator of transformers, which takes all that it is given, from somebody's own."""
    kind = collator if hasattr(collator, "__module__") else type(collator)
    return str(kind.__module__).startswith("transformers.")


def _require(data: Mapping[str, Any], splits: Sequence[str]) -> None:
    for split in splits:
        if split not in data:
            raise TaskError(
                f"there are no {split} data; wanted examples in {' and '.join(splits)}."
            )
