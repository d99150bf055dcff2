"""What a notebook shows of a run: a sentence, and a table of a few individuals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evoframe.kernel.individual import Individual, Metric
from evoframe.kernel.population import is_sound, rank
from evoframe.kernel.sizes import HEADLINES, factors, fewer_in_words, short

if TYPE_CHECKING:
    from evoframe.run.run import Run

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


def table(run: Run) -> str:
    """Return HTML for a notebook; every text of the run is escaped."""
    from jinja2 import Template  # only where somebody looks

    template = Template(TEMPLATE, autoescape=True)
    if not run.entries:
        words = "Nobody is on record yet: the ancestor's life is not over."
        return template.render(words=words, rows=[], path=run.path)
    metric, shown = run.metric, _shown(run)
    sizes = list(factors(*_costs(run.best, run.ancestor)))
    head = ["id", "from", *(HEADLINES[name] for name in sizes), metric.name]
    rows = [
        [one.id, " ".join(one.parents), *_sized(one, run, sizes), _measured(one, metric)]
        for one in shown
    ]
    left_out = len(run.individuals) - len(shown)
    caption = "All individuals." if not left_out else f"The best of generations; {left_out} more."
    words = _in_words(run)
    return template.render(words=words, rows=rows, head=head, caption=caption, path=run.path)


def _shown(run: Run) -> list[Individual]:
    """Return everybody, or the best of each generation where they are many."""
    if len(run.individuals) <= MOST:
        return list(run.individuals)
    best: dict[int, Individual] = {}
    for one in run.individuals:
        known = best.get(one.generation)
        better = known is None or rank(one, run.metric) < rank(known, run.metric)
        if is_sound(one, run.metric) and better:
            best[one.generation] = one
    kept = [one for one in best.values() if one.id != run.best.id]
    return sorted([*kept[: MOST - 1], run.best], key=lambda one: (one.generation, one.place))


def _in_words(run: Run) -> str:
    best, metric = run.best, run.metric
    ending = run.ending or "not finished"
    if best.id == run.ancestor.id:
        return f"{best.id}, the ancestor itself, {_measured(best, metric)} ({ending})."
    fewer = fewer_in_words(*_costs(best, run.ancestor))
    return (
        f"{best.id} has {fewer} than the ancestor; {metric.name} {_measured(best, metric)}, "
        f"and the ancestor's {_measured(run.ancestor, metric)} ({ending})."
    )


def _costs(one: Individual, ancestor: Individual) -> tuple[dict[str, float], dict[str, float]]:
    return dict(one.fitness.costs if one.fitness else {}), dict(
        ancestor.fitness.costs if ancestor.fitness else {}
    )


def _sized(one: Individual, run: Run, sizes: list[str]) -> list[str]:
    costs, whole = _costs(one, run.ancestor)
    fewer = factors(costs, whole)
    return [f"{short(costs[n])} ({fewer[n]:.1f}x)" if n in fewer else "-" for n in sizes]


def _measured(one: Individual, metric: Metric) -> str:
    if one.fitness is None:
        return f"stillborn: {one.stillborn}"
    return metric.in_words(one.fitness.validation[metric.name])
