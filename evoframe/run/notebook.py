"""What a notebook shows of a run: a sentence, and a table of a few individuals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs

from evoframe.kernel.individual import Individual, Metric
from evoframe.kernel.population import is_sound, rank
from evoframe.kernel.sizes import HEADLINES, factors, fewer_in_words, short

MOST = 20
"""How many rows a table in a notebook has."""

TEMPLATE = """\
<div style="font-family: system-ui, sans-serif; max-width: 60em">
<p><strong>{{ words }}</strong></p>
{% if rows %}
<table><caption style="text-align: left">{{ caption }}</caption>
<thead><tr>{% for name in head %}<th scope="col">{{ name }}</th>{% endfor %}</tr></thead>
<tbody>{% for row in rows %}
<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}
</tbody></table>
{% endif %}
<p>All of it on one page: <code>evoframe report {{ path }}</code></p>
</div>
"""


@attrs.frozen
class Shown:
    """What a notebook is told of a run.

    Attributes:
        path: the run.
        everyone: all individuals, the ancestor first; at least that.
        best: the one that is delivered.
        metric: the primary one.
        ending: why the run ended; None while it has not.
    """

    path: Path
    everyone: tuple[Individual, ...]
    best: Individual
    metric: Metric
    ending: str | None

    @property
    def ancestor(self) -> Individual:
        """The first of all."""
        return self.everyone[0]


def empty(path: Path) -> str:
    """Return HTML for a run in which nobody is on record yet."""
    words = "Nobody is on record yet: the ancestor's life is not over."
    return _rendered(words=words, rows=[], head=[], caption="", path=path)


def table(run: Shown) -> str:
    """Return HTML for a notebook; every text of the run is escaped."""
    shown = _kept(run)
    sizes = list(factors(_costs(run.best), _costs(run.ancestor)))
    head = ["id", "from", *(HEADLINES[name] for name in sizes), run.metric.name]
    rows = [
        [one.id, " ".join(one.parents), *_sized(one, run, sizes), _measured(one, run.metric)]
        for one in shown
    ]
    left_out = len(run.everyone) - len(shown)
    caption = "All individuals." if not left_out else f"The best of generations; {left_out} more."
    return _rendered(words=_in_words(run), rows=rows, head=head, caption=caption, path=run.path)


def _rendered(**values: Any) -> str:
    from jinja2 import Environment  # only where somebody looks

    return Environment(autoescape=True).from_string(TEMPLATE).render(**values)


def _kept(run: Shown) -> list[Individual]:
    """Return everybody, or the best of each generation where they are many."""
    if len(run.everyone) <= MOST:
        return list(run.everyone)
    best: dict[int, Individual] = {}
    for one in run.everyone:
        if not is_sound(one, run.metric):
            continue
        known = best.get(one.generation)
        if known is None or rank(one, run.metric) < rank(known, run.metric):
            best[one.generation] = one
    kept = [one for one in best.values() if one.id != run.best.id]
    return sorted([*kept[: MOST - 1], run.best], key=lambda one: (one.generation, one.place))


def _in_words(run: Shown) -> str:
    best, metric = run.best, run.metric
    ending = run.ending or "not finished"
    if best.id == run.ancestor.id:
        return f"{best.id}, the ancestor itself, {_measured(best, metric)} ({ending})."
    fewer = fewer_in_words(_costs(best), _costs(run.ancestor))
    return (
        f"{best.id} has {fewer} than the ancestor; {metric.name} {_measured(best, metric)}, "
        f"and the ancestor's {_measured(run.ancestor, metric)} ({ending})."
    )


def _costs(one: Individual) -> dict[str, float]:
    return dict(one.fitness.costs) if one.fitness else {}


def _sized(one: Individual, run: Shown, sizes: list[str]) -> list[str]:
    costs = _costs(one)
    fewer = factors(costs, _costs(run.ancestor))
    return [f"{short(costs[n])} ({fewer[n]:.1f}x)" if n in fewer else "-" for n in sizes]


def _measured(one: Individual, metric: Metric) -> str:
    if one.fitness is None:
        return f"stillborn: {one.stillborn}"
    return metric.in_words(one.fitness.validation[metric.name])
