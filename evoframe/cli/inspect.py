"""``evoframe inspect``: what a survey of an ancestor finds, before anything is run."""

from __future__ import annotations

from pathlib import Path

import attrs
import click

from evoframe.cli import shared

NEXT = (
    "for fewer FLOPs or parameters: evoframe evolve --recipe structured --until flops=4x --task ..."
)
"""What a survey leads to, where size is what counts."""


@click.command(short_help="show what can be removed from a network, and what cannot and why")
@shared.recipe
@shared.task
@shared.assignments("set an option, e.g. task.data=FOLDER, anatomy.multiple=8")
@shared.plugins
def command(
    recipe: str | None,
    task: str | None,
    assignments: tuple[str, ...],
    plugins: tuple[str, ...],
) -> None:
    """Survey the ancestor of a task or a recipe; nothing is trained or written."""
    from evoframe.cli.screen import screen
    from evoframe.config.request import Request
    from evoframe.report import survey
    from evoframe.run.checks.shrinking import outputs
    from evoframe.run.disk.folder import RunFolder
    from evoframe.run.world import build_world

    request = Request(recipe, choices={"task": task}, plugins=plugins, options=assignments)
    asked = request.resolve().recipe
    asked = attrs.evolve(asked, run=attrs.evolve(asked.run, device="cpu"))
    world = build_world(asked, RunFolder(Path()))
    anatomy, console = world.anatomy, screen()
    console.print(survey.layers(anatomy))
    for line in (*survey.barriers(anatomy), *survey.blocks(anatomy)):
        console.print(line, markup=False)
    for line in filter(None, (outputs(anatomy), survey.written_by_others(anatomy), *world.remarks)):
        console.print(f"\n{line}", markup=False)
    console.print("\nthe ancestor")
    console.print(survey.costs(anatomy, asked.task.example_inputs()))
    console.print(f"\nthe survey took {world.surveying:.1f} s", markup=False)
    console.print(survey.estimate(asked, anatomy), markup=False)
    console.print(NEXT, markup=False)
