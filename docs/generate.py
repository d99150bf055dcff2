"""Writes docs/reference from the code: ``make docs``, or ``python docs/generate.py [FOLDER]``.

A test compares what is written with what is there, so that nothing is ever missing.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
from collections.abc import Iterator
from enum import Enum
from functools import cached_property
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import click

import evoframe
from evoframe import errors, hookspecs, plugin, testing
from evoframe.anatomy.rules import RULES
from evoframe.cli import main
from evoframe.cli.main import COMMANDS
from evoframe.config.recipe import RunOptions
from evoframe.registry import describe, load_registry
from evoframe.registry.checking import HOOKS
from evoframe.roles import ROLES, Strategy, summary
from evoframe.roles.base import Learning
from evoframe.testing.catalogue import all_checks, anchor
from evoframe.testing.scaffold import example_of

VALUES = (
    "key", "genotype", "individual", "notes", "population", "context", "evidence", "dna", "limits",
    "levels", "drawing.budgets", "clusters", "phenotype", "anatomy", "life", "rungs",
    "drawing.brood", "judged", "wiring", "living", "settling", "events", "modules.arguments",
)  # fmt: skip
"""The modules of ``evoframe.kernel`` with what strategies are given and return."""

ROOT = Path(__file__).resolve().parents[1]

PYTHON = {
    "Evolve": ("evolve", "task", "over_data_set", "Arguments"),
    "Read and go on": ("open_run", "resume", "Run"),
    "Train with a loop of your own": ("ask_tell", "Session", "Asked"),
    "Cut once": ("shrink", "shrunk", "Shrunk", "latency_table"),
    "Use what came out": ("load", "plain"),
    "Recipes, keys and plugins": ("Recipe", "Key", "hookimpl"),
}
"""What people who run evolutions import from ``evoframe``, by what they want."""

HOSTED = ("HostedTraining", "HostedLife")
"""What plugins derive from and are given that train in a loop of another library."""

WIDTH = 96
"""Characters of a line of code that need no scrolling."""

NOTE = "<!-- Written by docs/generate.py from the code: change that, and run `make docs`. -->\n"


def pages() -> dict[str, str]:
    """Return the text of every page of the reference, by file name."""
    return {
        "python.md": _page("Python", _python()),
        "hooks.md": _page("Hooks", _hooks()),
        "plugin.md": _page("Names for plugins", _plugin()),
        "roles.md": _page("Roles", _roles()),
        "values.md": _page("Values", _values()),
        "options.md": _page("Strategies and options", _options()),
        "cli.md": _page("Command line", _commands()),
        "checks.md": _page("Checks", _checks()),
        "testing.md": _page("Testing", _testing()),
        "operations.md": _page("Operations", _operations()),
    }


def _page(title: str, parts: Iterator[str]) -> str:
    return "\n\n".join([NOTE + f"# {title}", *parts]).rstrip() + "\n"


def _python() -> Iterator[str]:
    yield (
        "All of `import evoframe`. Whoever writes plugins imports from "
        "[`evoframe.plugin`](plugin.md) and [`evoframe.testing`](testing.md) as well; deeper "
        "paths are private."
    )
    yield _plain(inspect.getdoc(evoframe) or "").partition("\n\n")[2]
    for title, names in PYTHON.items():
        yield f"## {title}"
        for name in names:
            yield from _described(name, getattr(evoframe, name))
    yield "## Errors"
    yield "What evoframe refuses is an `evoframe.EvoframeError`, one of these in `evoframe.errors`."
    rows = [
        f"| `{name}` | `{kind.mro()[1].__name__}` | {_line(kind)} |" for name, kind in _errors()
    ]
    yield "\n".join(["| error | is an | what it says |", "|---|---|---|", *rows])


def _described(name: str, member: Any) -> Iterator[str]:
    """Yield a name of the Python API, and its members if it is a class."""
    yield f"### evoframe.{name}\n\n```text\n{_wrapped(name, member)}\n```"
    yield _plain(inspect.getdoc(member) or "")
    for kind in _own_kinds(member) if inspect.isclass(member) else ():
        for attribute, shown, text in _members(kind):
            yield f"#### {name}.{attribute}\n\n```text\n{shown}\n```\n\n{text}"


def _own_kinds(kind: type) -> Iterator[type]:
    """Yield a class and those bases of it that are described nowhere else, bases first."""
    for base in reversed(kind.__mro__):
        if base is kind or base.__module__.startswith("evoframe.run."):
            yield base


def _wrapped(name: str, member: Any) -> str:
    """Return a call as it is written, an argument a line where it is long."""
    shown = f"{name}{_signature(member)}"
    if len(shown) <= WIDTH or not callable(member):
        return shown
    given = inspect.signature(member)
    arguments = [
        re.sub(r"'([^']*)'", r"\1", str(one), count=1) for one in given.parameters.values()
    ]
    keyword_only = [one.kind is one.KEYWORD_ONLY for one in given.parameters.values()]
    if True in keyword_only:
        arguments.insert(keyword_only.index(True), "*")
    _, arrow, returned = shown.rpartition(" -> ")
    return "\n".join([f"{name}(", *(f"    {one}," for one in arguments), f"){arrow}{returned}"])


def _errors() -> Iterator[tuple[str, type]]:
    return ((name, one) for name, one in public(errors) if inspect.isclass(one))


def _line(member: Any) -> str:
    """Return the first sentence of what is said of something, for a table."""
    return _plain((inspect.getdoc(member) or "").partition("\n")[0]).replace("|", "\\|")


def _hooks() -> Iterator[str]:
    yield _plain(inspect.getdoc(hookspecs) or "")
    offers = {role.hook: role.name for role in ROLES.values()}
    for name in HOOKS:
        hook = getattr(hookspecs, name)
        text = inspect.getdoc(hook) or ""
        yield f"## {name}"
        yield f"```text\n{name}{inspect.signature(hook)}\n```"
        yield _linked(_plain(text))
        if name in offers and "Example::" not in text:
            yield f"Example:\n\n```python\n{example_of(offers[name])}```"


def _plugin() -> Iterator[str]:
    yield _plain(inspect.getdoc(plugin) or "")
    rows = [f"| {_link(name)} | {first_line(name)} |" for name in plugin.__all__]
    yield "\n".join(["| name | what it is |", "|---|---|", *rows])
    for name in HOSTED:
        kind = getattr(plugin, name)
        yield f"## {name}\n\n```text\n{name}{_signature(kind)}\n```"
        yield _plain(inspect.getdoc(kind) or "")
        for attribute, shown, text in _members(kind):
            yield f"### {name}.{attribute}\n\n```text\n{shown}\n```\n\n{text}"
    yield "How they are used is in [a trainer of another library](../how-to/trainers.md)."


def first_line(name: str) -> str:
    """Return the first line of what is said of a name for plugins."""
    texts = dict(_aliases(import_module(plugin.PLACES[name])))
    if name in texts:
        return texts[name].rpartition("```\n\n")[2].replace("\n", " ")
    return _line(getattr(plugin, name))


def _link(name: str) -> str:
    """Return a name for plugins that leads to where it is described in full, if it is."""
    _, kind, *module = plugin.PLACES[name].split(".")
    if kind == "kernel" and ".".join(module) in VALUES:
        return f"[`{name}`](values.md#{name.lower()})"
    if name in HOSTED:
        return f"[`{name}`](#{name.lower()})"
    if kind == "roles" and name in (one.class_name for one in ROLES.values()):
        return f"[`{name}`](roles.md#{name.lower()})"
    return f"`{name}`"


def _roles() -> Iterator[str]:
    yield (
        "What a strategy of each role is called with, must return, and may raise. What those "
        "values are made of is in [values](values.md); which promises are tried, and how, is in "
        "[checks](checks.md)."
    )
    yield f"## Strategy\n\n{_plain(inspect.getdoc(Strategy) or '')}"
    learning = [role.class_name for role in ROLES.values() if issubclass(role.base, Learning)]
    yield f"### State\n\n{_plain(inspect.getdoc(Learning) or '')}"
    for attribute, shown, text in _members(Learning):
        yield f"#### State.{attribute}\n\nMay be defined, by {', '.join(learning)}."
        yield f"```text\n{shown}\n```"
        yield text
    for role in ROLES.values():
        several = "any number in a recipe" if role.several else "one in a recipe"
        yield f"## {role.class_name}\n\n`evoframe.plugin.{role.class_name}`, {several}."
        yield _plain(inspect.getdoc(role.base) or "")
        missing: frozenset[str] = getattr(role.base, "__abstractmethods__", frozenset())
        for attribute, shown, text in _members(role.base):
            kind = "must be defined" if attribute in missing else "may be defined"
            yield f"### {role.class_name}.{attribute}\n\n{kind.capitalize()}."
            yield f"```text\n{shown}\n```"
            yield text


def _values() -> Iterator[str]:
    yield (
        "What strategies are given and what they return, module by module. "
        "Masks and weights are in the ancestor's coordinates unless something else is said."
    )
    for name in VALUES:
        module = import_module(f"evoframe.kernel.{name}")
        yield f"## evoframe.kernel.{name}\n\n{_plain(inspect.getdoc(module) or '')}"
        for alias, text in _aliases(module):
            yield f"### {alias}\n\n{text}"
        for value, member in public(module):
            yield f"### {value}"
            yield f"```text\n{value}{_signature(member)}\n```"
            yield _plain(inspect.getdoc(member) or "")
            for attribute, shown, text in _members(member) if inspect.isclass(member) else ():
                yield f"#### {value}.{attribute}\n\n```text\n{shown}\n```\n\n{text}"


def public(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Yield the classes and functions that a module defines for others."""
    for name, member in vars(module).items():
        mine = getattr(member, "__module__", "") == module.__name__
        if mine and name[0] != "_" and (inspect.isclass(member) or inspect.isfunction(member)):
            yield name, member


def _aliases(module: ModuleType) -> Iterator[tuple[str, str]]:
    """Yield the names that a module gives to types and numbers, with what it says of them."""
    body = ast.parse(inspect.getsource(module)).body
    for node, after in pairwise(body):
        if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(after, ast.Expr):
            continue
        (target,) = node.targets if isinstance(node, ast.Assign) else (node.target,)
        if isinstance(after.value, ast.Constant) and ast.unparse(target)[0] != "_":
            shown = f"```text\n{ast.unparse(node)}\n```"
            text = _plain(inspect.cleandoc(str(after.value.value)))
            yield ast.unparse(target), f"{shown}\n\n{text}"


def _members(kind: type) -> Iterator[tuple[str, str, str]]:
    """Yield the methods and properties of a class: name, how each is written, and its text."""
    for name, member in vars(kind).items():
        if name.startswith("_"):
            continue
        if isinstance(member, property):
            yield name, f"{name}: property", _plain(inspect.getdoc(member.fget) or "")
        elif isinstance(member, cached_property):
            yield name, f"{name}: property", _plain(inspect.getdoc(member.func) or "")
        elif inspect.isfunction(member):
            yield name, f"{name}{_signature(member)}", _plain(inspect.getdoc(member) or "")


def _signature(member: Any) -> str:
    if inspect.isclass(member) and issubclass(member, Enum):
        return "".join(f"\n    {one.name} = {one.value!r}" for one in member)
    if getattr(member, "_is_protocol", False):
        return "(Protocol)"
    if inspect.isclass(member) and issubclass(member, Exception):
        return f"({member.mro()[1].__name__})"
    unquoted = re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(inspect.signature(member)))
    unquoted = re.sub(r"<function (\w+) at 0x\w+>", r"\1", unquoted)
    return unquoted.removesuffix(" -> None") if inspect.isclass(member) else unquoted


def _options() -> Iterator[str]:
    registry = load_registry(entry_points=False)
    yield "Everything that comes with evoframe. `evoframe strategies` lists what is installed too."
    yield "## run\n\nThe table `[run]` of a recipe."
    yield _table(describe.option_rows(RunOptions))  # type: ignore[arg-type]
    for role in ROLES:
        for offer in registry.of_role(role):
            yield f"## {role} {offer.name}\n\n{summary(offer.strategy)}"
            if rows := describe.option_rows(offer.strategy):
                yield _table(rows)
            yield f"```toml\n{describe.toml_snippet(offer.strategy)}```"


def _commands() -> Iterator[str]:
    for name, words in COMMANDS.items():
        command = main.get_command(click.Context(main), name)
        assert command is not None
        context = click.Context(command, info_name=f"evoframe {name}", max_content_width=WIDTH)
        context.terminal_width = WIDTH
        yield f"## evoframe {name}\n\n{words[0].upper()}{words[1:]}."
        yield f"```text\n{command.get_help(context)}\n```"


def _checks() -> Iterator[str]:
    yield (
        "What `evoframe check` and `evoframe.testing.conformance` try, in this order. "
        "A stage is tried when all checks of the stages before it hold: form, answer, call, law, "
        "company. So one mistake is told once."
    )
    measured = json.loads((ROOT / "tests/testing/seconds.json").read_text())
    yield (
        "For every check there is a *saboteur*, a strategy that breaks this promise and no other "
        "one ([`tests/testing/saboteurs.py`](../../tests/testing/saboteurs.py)). CPU seconds are "
        f"means over those of {measured['strategies']} strategies of evoframe's own that make the "
        "promise, as `evoframe check` tries them, measured by `python tests/testing/measure.py`."
    )
    seconds = measured["seconds"]
    rows = [
        f"| [{check.name}](#{anchor(check.name)}) | {check.stage.name.lower()} "
        f"| {_saboteurs()[check.name]} | {seconds.get(check.name, '')} |"
        for check in all_checks()
    ]
    yield "\n".join(["| check | stage | saboteur | CPU s |", "|---|---|---|---|", *rows])
    for check in all_checks():
        roles = "every role" if set(check.roles) == set(ROLES) else ", ".join(check.roles)
        yield f'<a name="{anchor(check.name)}"></a>\n\n## {check.name}'
        yield f"For {roles}; {check.stage.name.lower()}.\n\n{check.promise}"
        if check.advice:
            yield check.advice


def _saboteurs() -> dict[str, str]:
    """Return the class and summary of the saboteur of every check, by its name."""
    text = (ROOT / "tests/testing/saboteurs.py").read_text()
    said = dict(re.findall(r'^class (\w+)\(.*\n    """(.*?)"""', text, re.MULTILINE))
    table = text[text.index("SABOTEURS: ") :]
    classes = re.findall(r'"(\w+)": (\w+)\(', table)
    return {name: f"`{kind}`: {said[kind]}" for name, kind in classes}


def _testing() -> Iterator[str]:
    yield _plain(inspect.getdoc(testing) or "")
    yield "What the checks are is in [checks](checks.md). All of these are in `evoframe.testing`."
    for name in testing.__all__:
        member = getattr(testing, name)
        yield f"## {name}\n\n```text\n{name}{_signature(member)}\n```"
        yield _plain(inspect.getdoc(member) or "")
        for attribute, shown, text in _members(member) if inspect.isclass(member) else ():
            yield f"### {name}.{attribute}\n\n```text\n{shown}\n```\n\n{text}"


def _operations() -> Iterator[str]:
    yield (
        "What becomes of channels in the operations that PyTorch's code and yours come down to. A "
        " *dead* channel is zero because nothing writes it; it leaves the network with all that "
        "belongs to it. Where an operation is not listed, or a line does not hold for a call, the "
        "channels that enter stay, and `evoframe inspect` names the operation, the module and the "
        "line. How rules are found right or wrong is in [anatomy](../explanation/anatomy.md)."
    )
    by_rule: dict[Any, list[str]] = {}
    for name, rule in RULES.items():
        by_rule.setdefault(rule, []).append(name)
    for module in dict.fromkeys(rule.__module__ for rule in by_rule):
        title = (inspect.getdoc(import_module(module)) or "").partition("\n")[0].rstrip(".")
        yield f"## {title}"
        rows = [
            f"| {', '.join(f'`{name}`' for name in names)} | {_first_sentences(rule)} |"
            for rule, names in by_rule.items()
            if rule.__module__ == module
        ]
        yield "\n".join(["| operations | what becomes of channels |", "|---|---|", *rows])


def _first_sentences(rule: Any) -> str:
    """Return the first paragraph of what a rule says, on one line."""
    text = (inspect.getdoc(rule) or "").partition("\n\n")[0]
    return _plain(text).replace("\n", " ").replace("|", "\\|")


def _table(rows: list[tuple[str, str, str, str]]) -> str:
    lines = ["| option | type | default | meaning |", "|---|---|---|---|"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Return a docstring as Markdown: examples and literal blocks fenced, names in backticks."""
    parts = re.split(r"^(>>> .*(?:\n.+)*)", text, flags=re.MULTILINE)
    told = [f"```pycon\n{one}\n```" if one.startswith(">>> ") else _prose(one) for one in parts]
    return "\n\n".join(one.strip("\n") for one in told).strip("\n")


def _prose(text: str) -> str:
    """Return a docstring without examples as Markdown."""
    lines, code = [], False
    for line in text.replace("``", "`").split("\n"):
        if code and line and not line.startswith(" "):
            lines.append("```\n")
            code = False
        if line.endswith("::"):
            lines += [line[:-1], "", "```python"]
            code = True
        elif not (code and not line and lines[-1] == "```python"):
            lines.append(line.removeprefix("    ") if code else _listed(_unmarked(line)))
    while lines and not lines[-1].strip():
        lines.pop()
    return "\n".join([*lines, "```"] if code else lines)


def _listed(line: str) -> str:
    """Return a line of a docstring's section as part of a Markdown list."""
    if match := re.match(r"    ((?:[*`\w.]+(?:, )?)+): (.*)", line):
        return f"* `{match[1].strip('`')}`: {match[2]}"
    return line.replace("        ", "  ", 1) if line.startswith("        ") else line


def _linked(text: str) -> str:
    """Return a text in which names for plugins lead to where they are described."""
    return re.sub(r"`evoframe\.plugin\.(\w+)`", lambda one: _link(one[1]), text)


def _unmarked(line: str) -> str:
    for mark in (":class:", ":func:", ":meth:", ":mod:", ":attr:"):
        line = line.replace(mark, "")
    return line


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "reference")
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in pages().items():
        (folder / file).write_text(text, "utf-8")
        print(folder / file)
