"""A table of milliseconds: what each layer of a network takes at each of its widths.

It is measured before a run, here or elsewhere, and then only read: decisions hang on the table and
never on a clock, so a run that is done again or gone on with decides the same.

Between measured widths the table is linear, in each width; and it is monotone: a layer that has
more channels never counts less. Where measured numbers say otherwise, the mean of the least
monotone table above them and the largest below takes their place, and so at widths that cannot
meet. What was not measured is refused by name.

A network takes other than the sum of its layers: modules have an overhead, and in a network what a
layer reads has left the caches. So a network counts

    rest + part * (sum of its layers)

Where the whole network and a small one were measured too, these two are told exactly; where the
whole one alone, the part is 1; where neither, nothing is added. The rest is never below 0.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from evoframe.costs.calls import Call
from evoframe.costs.measure_latency import TABLE, size_of
from evoframe.costs.widths import solved
from evoframe.errors import ConfigError

Values = npt.NDArray[np.float64]

REMEDY = "Measure a table of this network: evoframe latency --task TASK --out table.json."


@attrs.frozen(eq=False)
class Entry:
    """One layer of a table.

    Attributes:
        call: with texts for sizes that follow widths.
        widths: the measured ones, by name, rising.
        milliseconds: at the widths; an axis for each, or one for all on the diagonal.
        times: how many layers of the whole network are like this one.
        diagonal: all widths were measured together only.
    """

    call: Call
    widths: Mapping[str, Values]
    milliseconds: Values
    times: int
    diagonal: bool = False

    def at(self, widths: Mapping[str, int]) -> float | None:
        """Return the milliseconds at some widths; None outside of what was measured.

        What is empty, as in a block that left, counts as the least that was measured.
        """
        widths = {name: one or int(self.widths[name][0]) for name, one in widths.items()}
        if any(not own[0] <= widths[name] <= own[-1] for name, own in self.widths.items()):
            return None
        if self.diagonal:
            shares = [widths[name] / own[-1] for name, own in self.widths.items()]
            steps = next(iter(self.widths.values()))
            return float(np.interp(np.mean(shares), steps / steps[-1], self.milliseconds))
        values = self.milliseconds
        for name, own in self.widths.items():  # the first axis goes with each
            values = _between(own, values, widths[name])
        return float(values)

    def __str__(self) -> str:
        """Return the call and between which widths it was measured."""
        found = (f"{name} from {own[0]:.0f} to {own[-1]:.0f}" for name, own in self.widths.items())
        return f"{self.call} with {', '.join(found)}"

    @property
    def largest(self) -> Call:
        """The call at the widths of the whole network."""
        most = {name: int(own[-1]) for name, own in self.widths.items()}
        sizes = (size_of(one, most) if isinstance(one, str) else one for one in self.call.sizes)
        return self.call.with_sizes(iter(list(sizes)))


@attrs.frozen(eq=False)
class LatencyTable:
    """Milliseconds of layers, by which the latency of networks is told.

    Attributes:
        entries: by the form of their calls.
        batch: examples in a forward pass.
        rest: milliseconds of all that is no layer.
        part: of their time that layers count.
        digest: of the file.
        about: the device, threads and versions, for people.
        name: of the file, for messages.
    """

    entries: Mapping[str, Sequence[Entry]]
    batch: int
    rest: float
    part: float
    digest: str
    about: str
    name: str

    @classmethod
    def read(cls, path: Path) -> LatencyTable:
        """Return the table in a file.

        Raises:
            ConfigError: it cannot be read, or is no such table.
        """
        try:
            text = path.read_text("utf-8")
            said = json.loads(text)
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise ConfigError(f"the latency table {str(path)!r} cannot be read: {error}") from error
        return cls.of(said, str(path), hashlib.blake2b(text.encode(), digest_size=12).hexdigest())

    @classmethod
    def of(cls, said: Any, name: str, digest: str = "") -> LatencyTable:
        """Return the table that a file says.

        Raises:
            ConfigError: it is no such table.
        """
        if not isinstance(said, Mapping) or said.get("format") != TABLE:
            raise ConfigError(f"{name!r} is no latency table (format {TABLE!r}). {REMEDY}")
        entries: dict[str, list[Entry]] = {}
        try:
            for one in said["layers"]:
                entry = _entry(one, name)
                entries.setdefault(entry.call.form, []).append(entry)
            whole, small = said["whole"], said.get("small")
            about = f"{said['device']}, {said['threads']} threads, batch {said['batch']}"
            batch = int(said["batch"])
            table = cls(entries, batch, 0.0, 1.0, digest, about, name)
            rest, part = _line(table.whole, whole, small)
        except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
            what = f"{type(error).__name__}: {error}"
            raise ConfigError(f"the latency table {name!r} cannot be read: {what}.") from error
        return attrs.evolve(table, rest=rest, part=part)

    @property
    def whole(self) -> float:
        """The milliseconds of all layers of the whole network, each by itself."""
        some = (one for alike in self.entries.values() for one in alike if one.times)
        return math.fsum(one.times * self.milliseconds(one.largest) for one in some)

    def seconds(self, calls: Iterable[Call]) -> float:
        """Return the latency of a network that makes these calls.

        Raises:
            ConfigError: one of them was not measured.
        """
        return (self.rest + self.part * self.layers(calls)) / 1e3

    def layers(self, calls: Iterable[Call]) -> float:
        """Return the milliseconds of all layers of a network, each by itself.

        Raises:
            ConfigError: one of them was not measured.
        """
        return math.fsum(self.milliseconds(call) for call in calls)

    def milliseconds(self, call: Call) -> float:
        """Return the milliseconds of one call.

        Raises:
            ConfigError: it was not measured.
        """
        beyond = ""
        for entry in self.entries.get(call.form, ()):
            widths = solved(entry.call, call)
            if widths is not None and (found := entry.at(widths)) is not None:
                return found
            if widths is not None:
                beyond = f" {_in_words(widths)} of {entry}"
        who = f"the latency table {self.name!r} does not hold {call}, in layer {call.layer!r}"
        if beyond:
            raise ConfigError(
                f"{who}: measured are others than{beyond}. Measure more widths there, or hold "
                "layers within them by anatomy.at_least."
            )
        raise ConfigError(f"{who}. It is of another network, input or batch. {REMEDY}")


def _in_words(widths: Mapping[str, int]) -> str:
    return ", ".join(f"{name} = {width}" for name, width in widths.items())


def _entry(said: Mapping[str, Any], name: str) -> Entry:
    call = Call(said["layer"], said["function"], said["arguments"], said["keywords"])
    widths = {key: np.array(own, dtype=np.float64) for key, own in said["widths"].items()}
    diagonal = bool(said.get("diagonal", False))
    numbers = [np.nan if one is None else _number(one) for one in said["milliseconds"]]
    told = np.array(numbers, dtype=np.float64)
    if np.isnan(told).all():
        raise ValueError(f"{call.function} was measured at no width")
    lengths = tuple(len(own) for own in widths.values())
    values = told if diagonal else told.reshape(lengths)
    for key, own in widths.items():
        steps = np.diff(own)
        if not len(own) or own[0] < 1 or (steps < 0).any() or (not diagonal and (steps == 0).any()):
            raise ConfigError(
                f"the latency table {name!r} has widths {key} = {said['widths'][key]} in layer "
                f"{call.layer!r}; wanted whole numbers from 1 on that rise."
            )
    return Entry(call, widths, monotone(values), int(said["times"]), diagonal)


def _line(layers: float, whole: Any, small: Any) -> tuple[float, float]:
    """Return the number to add to the sum of layers, and the factor of that sum.

    Args:
        layers: milliseconds of all layers of the whole network.
        whole: what that was measured to take, None if it was not.
        small: the same of a small network, and of its layers.
    """
    if whole is None:
        return 0.0, 1.0
    most, part = _number(whole["milliseconds"]), 1.0
    if small is not None:
        least, fewer = _number(small["milliseconds"]), _number(small["layers"])
        if most > least and layers > fewer:
            part = (most - least) / (layers - fewer)
    rest = most - part * layers
    return (rest, part) if rest >= 0 else (0.0, most / layers)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"{value!r} is no number of milliseconds")
    return float(value)


def monotone(values: Values) -> Values:
    """Return values that never fall along any axis: the mean of the nearest above and below.

    Where nothing was measured, NaN, it is the same of what was; the least or the largest of all
    where nothing narrower or nothing wider was.
    """
    above, below = values, values
    for axis in range(values.ndim):
        above = np.fmax.accumulate(above, axis)
        turned = np.flip(below, axis)
        below = np.flip(np.fmin.accumulate(turned, axis), axis)
    above = np.where(np.isnan(above), np.nanmin(values, initial=np.inf), above)
    below = np.where(np.isnan(below), np.nanmax(values, initial=0.0), below)
    found: Values = (above + below) / 2
    return found


def _between(own: Values, values: Values, width: int) -> Values:
    """Return values at a width along their first axis, linear between the nearest two."""
    if len(own) == 1:
        first: Values = values[0]
        return first
    right = int(np.clip(np.searchsorted(own, width), 1, len(own) - 1))
    share = (width - own[right - 1]) / (own[right] - own[right - 1])
    found: Values = (1 - share) * values[right - 1] + share * values[right]
    return found
