"""Tasks whose lives leave marks or die, an observer, and a selection in rungs."""

import os
import signal
import time
from pathlib import Path
from typing import ClassVar

import attrs

from evoframe.plugin import Family, Heat, Observer, Selection, doc, hookimpl
from evoframe.testing import Specimen


@attrs.frozen
class Marking(Specimen):
    """Leaves a file named after each process that trains."""

    name: ClassVar[str] = "marking"
    marks: str = attrs.field(default="", metadata=doc("the folder of marks"))
    nap: float = attrs.field(default=0.0, metadata=doc("seconds that a step takes longer"))
    company: int = attrs.field(default=0, metadata=doc("marks before which nobody goes on"))
    gate: str = attrs.field(default="", metadata=doc("a file before which nobody goes on"))
    spared: int = attrs.field(default=0, metadata=doc("the process that waits for neither"))

    def step(self, network, batch):
        Path(self.marks, str(os.getpid())).touch()
        self.wait()
        time.sleep(self.nap)
        return super().step(network, batch)

    def wait(self):
        """Wait for company and for the gate, but not for ever."""
        end = time.monotonic() + 60
        while time.monotonic() < end and not self.may_go_on():
            time.sleep(0.02)

    def may_go_on(self):
        """Tell whether all are there who are waited for."""
        company = len(list(Path(self.marks).iterdir())) >= self.company
        come = company and (not self.gate or Path(self.gate).exists())
        return come or os.getpid() == self.spared


@attrs.frozen
class Deadly(Specimen):
    """Kills every process that trains, but for the one that carries the run."""

    name: ClassVar[str] = "deadly"
    marks: str = attrs.field(default="", metadata=doc("the folder of marks"))
    spared: int = attrs.field(default=0, metadata=doc("the process that is let live"))

    def step(self, network, batch):
        if os.getpid() != self.spared:
            Path(self.marks, str(os.getpid())).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().step(network, batch)


@attrs.frozen
class Heard(Observer):
    """Writes down the epochs that it is told of."""

    name: ClassVar[str] = "heard"
    to: str = attrs.field(default="", metadata=doc("the file of lines"))

    @hookimpl
    def evoframe_epoch_finished(self, event):
        with Path(self.to).open("a") as file:
            file.write(f"{event.individual} {event.epoch}\n")


@attrs.frozen
class Steps(Selection):
    """Three begin, and one lives to the end."""

    name: ClassVar[str] = "steps"

    def families_for(self, population):
        return 3

    def select(self, population, context):
        best = population.ranked(population.sound())[0]
        return (Family((best.id,) * population.parents),) * 3

    def rungs(self, population):
        return Heat(3, 1.0), Heat(1, float("inf"))
