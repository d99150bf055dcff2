"""``evoframe check``: whether a plugin keeps the promises of its roles."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from evoframe.version import CONTRACT, __version__


@click.command(short_help="check whether a plugin fulfils its contract")
@click.argument("plugin")
@click.option(
    "-o",
    "--option",
    "options",
    multiple=True,
    metavar="ROLE/NAME.OPTION=VALUE",
    help="option to check a strategy with, e.g. mutation/drift.rate=0.5",
)
@click.option("--examples", type=click.IntRange(1), help="number of examples per check")
@click.option("--deep", is_flag=True, help="run the long checks too: more examples and variants")
@click.option("-v", "--verbose", is_flag=True, help="list the checks of every strategy")
def command(
    plugin: str, *, options: tuple[str, ...], examples: int | None, deep: bool, verbose: bool
) -> None:
    """Check that the strategies of PLUGIN fulfil the contracts of their roles.

    PLUGIN is an installed plugin, a module, or the path of a Python file. The exit code is 0 if
    all checks pass, 1 if one fails, and 2 if there is nothing to check. Checks that were not run
    are listed. A strategy takes some CPU seconds, an executor at most thirty.
    """
    _require_hypothesis()
    if examples:
        os.environ["EVOFRAME_EXAMPLES"] = str(examples)
    if deep:
        os.environ["EVOFRAME_DEEP"] = "1"
    from evoframe.testing.verdicts import candidate, judge

    found = candidate(plugin, options)
    who = f"{found.plugin.distribution} {found.plugin.version}".strip() or found.plugin.name
    click.echo(f"{who}, with evoframe {__version__} (contract {CONTRACT})")
    failures = list(found.faults)
    left_out: dict[str, list[str]] = {}
    for strategy in found.strategies:  # one by one, because each takes some seconds
        one = judge(strategy)
        failures += one.failures
        click.echo(f"  {_line(one)}")
        for text in one.remarks:
            click.echo(f"    remark: {text}")
        for text in one.left_out:
            left_out.setdefault(text, []).append(one.strategy.name)
        if verbose:
            _list(one)
    for text, names in left_out.items():
        of = f" ({', '.join(names)})" if len(left_out) > 1 and len(found.strategies) > 1 else ""
        click.echo(f"  not tried: {text}{of}")
    for text in failures:
        click.echo(f"\n{text}")
    click.echo(f"\n{plugin} {_conclusion(len(failures))}")
    sys.exit(1 if failures else 0)


def _require_hypothesis() -> None:
    from importlib.util import find_spec

    from evoframe.errors import ConfigError

    if find_spec("hypothesis") is None:
        raise ConfigError(
            "the checks need the package hypothesis. Try `pip install evoframe[testing]`."
        )


def _line(one: Any) -> str:
    known = one.held + len(one.failures)
    waiting = f"; {len(one.not_tried)} wait until that is repaired" if one.not_tried else ""
    others = f", and with {one.variants[0]} other options" if one.variants[0] else ""
    who = f"{one.strategy.role} {one.strategy!r}"
    return f"{who}: {one.held} of {known} checks hold{waiting}{others}"


def _list(one: Any) -> None:
    from evoframe.testing import checks_for

    for check in checks_for(one.strategy):
        state = "waits" if check.name in one.not_tried else check.promise
        click.echo(f"    {check.name}: {state}")


def _conclusion(count: int) -> str:
    if not count:
        return "conforms."
    return f"does not conform: {count} thing{'s' * (count > 1)} to repair, in the order above."
