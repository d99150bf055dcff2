"""MLflow: a run of its own for every evolution, which goes on when the evolution does."""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import attrs

from evoframe.plugin import (
    EpochFinished,
    GenerationFinished,
    Observer,
    RunFinished,
    RunStarted,
    doc,
    hookimpl,
)
from evoframe_tracking.figures import alive, needed, series

RUN = "evoframe.run"
"""The tag that says which run folder an MLflow run belongs to."""

LONGEST = 500
"""Characters of an option's value that are kept; stores differ in what they take."""


@attrs.define
class Connection:
    """A client, and the MLflow run that it writes to; nothing global is touched."""

    client: Any = None
    run: str = ""

    def log(self, figures: Mapping[str, float], step: int) -> None:
        """Log metrics at a step."""
        kind, now = needed("mlflow.entities", "mlflow").Metric, int(time.time() * 1000)
        metrics = [kind(plain(name), value, now, step) for name, value in figures.items()]
        self.client.log_batch(self.run, metrics=metrics)


@attrs.frozen(eq=False)
class MLflow(Observer):
    """Logs metrics, options and versions to MLflow, as one run for each evolution."""

    name: ClassVar[str] = "mlflow"

    uri: str | None = attrs.field(
        default=None, metadata=doc("where MLflow keeps its runs; as MLflow decides if not given")
    )
    experiment: str = attrs.field(
        default="evoframe", metadata=doc("the experiment to file runs under; made if missing")
    )
    epochs: bool = attrs.field(
        default=False, metadata=doc("also the loss of every epoch, a metric for each individual")
    )

    _connection: Connection = attrs.field(factory=Connection, init=False, repr=False)

    @hookimpl
    def evoframe_run_started(self, event: RunStarted) -> None:
        """Make a run with the recipe's options, or find the one that this evolution had."""
        client = needed("mlflow", "mlflow").MlflowClient(tracking_uri=self.uri)
        self._connection.client = client
        path = str(Path(event.path).resolve())
        experiment = client.get_experiment_by_name(self.experiment)
        place = (
            experiment.experiment_id if experiment else client.create_experiment(self.experiment)
        )
        quoted = f'"{path}"' if "'" in path else f"'{path}'"
        found = client.search_runs([place], f"tags.`{RUN}` = {quoted}") if event.on_record else []
        if found:
            self._connection.run = found[0].info.run_id
            client.update_run(self._connection.run, status="RUNNING")
            return
        tags = {RUN: path, "evoframe.device": event.device}
        made = client.create_run(place, run_name=Path(path).name, tags=tags)
        self._connection.run = made.info.run_id
        kind = needed("mlflow.entities", "mlflow").Param
        recipe = tomllib.loads(Path(path, "run.toml").read_text("utf-8"))
        options = [kind(plain(name), value[:LONGEST]) for name, value in flat(recipe)]
        for start in range(0, len(options), 100):  # as many as a store takes at a time
            client.log_batch(self._connection.run, params=options[start : start + 100])

    @hookimpl
    def evoframe_epoch_finished(self, event: EpochFinished) -> None:
        """Log the loss of an epoch."""
        if self.epochs:
            self._connection.log({f"lives/{event.individual}/loss": event.loss}, event.epoch)

    @hookimpl
    def evoframe_generation_finished(self, event: GenerationFinished) -> None:
        """Log the numbers of a generation."""
        self._connection.log({"generation/alive": alive(event)}, event.generation)
        for name, figures in series(event):
            named = {f"{name}/{figure}": value for figure, value in figures.items()}
            self._connection.log(named, event.generation)

    @hookimpl
    def evoframe_run_finished(self, event: RunFinished) -> None:
        """Say why the evolution ended and what it delivers."""
        client, run = self._connection.client, self._connection.run
        client.set_tag(run, "evoframe.outcome", event.reason)
        client.set_tag(run, "evoframe.pick", event.pick)
        client.set_terminated(run, "FINISHED")


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield every value of nested tables and lists in words, with its place as a dotted name."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for index, inner in enumerate(value):
            yield from flat(inner, f"{name}[{index}]")
    else:
        yield name, str(value)


def plain(name: str) -> str:
    """Return a name in the characters that MLflow takes."""
    return re.sub(r"[^\w\-. :/]", "_", name.replace("[", ".").replace("]", ""), flags=re.ASCII)
