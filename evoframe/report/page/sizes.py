"""Before and after: the ancestor beside the network that is delivered."""

from __future__ import annotations

import attrs

from evoframe.report.page.facts import Facts
from evoframe.report.page.words import NONE, count, factor, measured, milliseconds
from evoframe.report.sizes import COSTS

MOST_LAYERS = 40
"""How many layers have a row."""


@attrs.frozen
class Width:
    """A layer before and after.

    Attributes:
        layer: its name.
        shape: of its parameter in the ancestor.
        before, after: channels.
        free: how many could leave.
        synapses: how many are left, with the share.
    """

    layer: str
    shape: str
    before: int
    after: int
    free: int
    synapses: str

    @property
    def share(self) -> float:
        """The share of channels that is left, in per cent."""
        return round(100 * self.after / self.before, 1)


@attrs.frozen
class Sizes:
    """Two networks side by side.

    Attributes:
        ancestor, best: who they are.
        rows: a size, what both have, and the factor.
        widths: of layers; empty where the record has none.
        more: layers that are left out.
        notes: what is not on record, and how to get it.
    """

    ancestor: str
    best: str
    rows: tuple[tuple[str, str, str, str], ...]
    widths: tuple[Width, ...]
    more: int
    notes: tuple[str, ...]


def sizes(facts: Facts) -> Sizes:
    """Return the sizes and metrics of the ancestor and the delivered network."""
    widths = _widths(facts)
    notes = []
    if not facts.latency:
        notes.append(
            f"Milliseconds are not on record. evoframe show {facts.run.path} --latency measures "
            "both networks on your machine; with -o run.latency=true a run does so at its end."
        )
    else:
        notes.append(
            f"Latency: median of a forward pass ± the distance of its quartiles, on "
            f"{facts.latency['device']}, threads: {facts.latency['threads']}."
        )
    if left := facts.account(facts.best).blocks:
        notes.append(f"Blocks that left as a whole: {', '.join(left)}.")
    if not widths:
        notes.append("Widths of layers are not on record in runs of this version of evoframe.")
    if "flops" not in facts.costs(facts.ancestor):
        notes.append("FLOPs are not on record: the network does not run on torch's meta device.")
    return Sizes(
        ancestor=facts.ancestor.id,
        best=facts.best.id,
        rows=(*_costs(facts), *_latencies(facts), *_metrics(facts)),
        widths=tuple(widths[:MOST_LAYERS]),
        more=max(len(widths) - MOST_LAYERS, 0),
        notes=tuple(notes),
    )


def _costs(facts: Facts) -> list[tuple[str, str, str, str]]:
    before, after = facts.costs(facts.ancestor), facts.costs(facts.best)
    found = []
    for name, label in COSTS.items():
        if name in before and name in after:
            fewer = factor(before[name] / after[name]) if after[name] else NONE
            found.append((label, count(before[name]), count(after[name]), fewer))
    if "latency" in before and after.get("latency"):
        slow, fast = (f"{one['latency'] * 1e3:.4g} ms" for one in (before, after))
        found.append(("latency as told", slow, fast, factor(before["latency"] / after["latency"])))
    return found


def _latencies(facts: Facts) -> list[tuple[str, str, str, str]]:
    taken = facts.latency.get("seconds", {})
    before, after = taken.get(facts.ancestor.id, {}), taken.get(facts.best.id, {})
    return [
        (
            f"milliseconds, batch {size}",
            milliseconds(*before[size]),
            milliseconds(*after[size]),
            f"{before[size][0] / after[size][0]:.2f}x",
        )
        for size in before
        if size in after
    ]


def _metrics(facts: Facts) -> list[tuple[str, str, str, str]]:
    found = []
    ancestor = facts.ancestor.fitness
    for split in ("validation", "test"):
        names = getattr(ancestor, split, {})
        for metric in facts.metrics or [facts.metric]:
            if metric.name in names:
                pair = (measured(one, metric, split) for one in (facts.ancestor, facts.best))
                found.append((f"{metric.name}, {split}", *pair, ""))
    return found  # type: ignore[return-value]


def _widths(facts: Facts) -> list[Width]:
    account = facts.account(facts.best)
    if len(account.channels) != len(facts.layers):
        return []
    found = []
    for index, layer in enumerate(facts.layers):
        whole = 1
        for size in layer["shape"]:
            whole *= size
        left = account.synapses[index]
        found.append(
            Width(
                layer=layer["name"],
                shape="x".join(map(str, layer["shape"])),
                before=layer["channels"],
                after=account.channels[index],
                free=layer["free"],
                synapses=f"{count(left)} ({left / whole:.1%})",
            )
        )
    return found
