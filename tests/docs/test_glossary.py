"""One meaning a word: the glossary has every word of the house, and no word that nobody uses."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import evoframe
from evoframe import plugin, testing
from evoframe.roles import ROLES

ROOT = Path(__file__).parents[2]
PACKAGE = Path(evoframe.__file__).parent
PAGE = (ROOT / "docs" / "explanation" / "glossary.md").read_text("utf-8")
ROWS = re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|$", PAGE, re.MULTILINE)
GLOSSARY = {word.lower(): meaning for word, meaning in ROWS if word not in ("word", "---")}

ORDINARY = {
    # Python and the field, in their usual sense
    "changed", "checks", "console", "developed", "descent", "distillation", "doc", "drawn", "epoch",
    "error", "evaluated", "evoframe", "fan", "fit", "finished", "gradient", "in", "levels",
    "magnitude", "mnist", "no", "noise", "pairs", "processes", "random", "removal", "result", "run",
    "caffe", "lenet", "saliency", "send", "serial", "started", "tournament", "trained",
    "truncation", "uniform",
    # names of single strategies, which have pages of their own
    "asexual", "budget", "mating", "narrow", "pareto", "regrowth", "retention", "sensitivity",
    "decay", "repair", "rounding", "precision", "stress", "synaptic", "untrained", "config",
    "check", "conformance", "dict", "frozen", "climb", "fittest", "halving", "judged", "single",
}  # fmt: skip
"""Words of public names that mean what they mean everywhere, or only name one strategy."""

GONE = ("circumstances", "follower", "followers", "body plan", "slots")
"""Words that had several meanings, and must not come back."""


def public_words() -> set[str]:
    """Return the words that names of roles and public values are made of, in lower case."""
    names = [*plugin.__all__, *testing.__all__, *(role.class_name for role in ROLES.values())]
    kinds = [name for name in names if name[0].isupper() and not name.isupper()] + ["DNA"]
    words = [re.findall(r"DNA|[A-Z][a-z]+", name) for name in kinds]
    return {word.lower() for several in words for word in several}


def docstrings() -> dict[str, str]:
    """Return the docstrings of every module of the package, by file."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    return {
        str(file.relative_to(PACKAGE)): "\n".join(
            ast.get_docstring(node) or ""
            for node in ast.walk(ast.parse(file.read_text("utf-8")))
            if isinstance(node, kinds)
        )
        for file in PACKAGE.rglob("*.py")
    }


TEXTS = docstrings()


def stem(word: str) -> str:
    return word.lower().removesuffix("s") if word.lower() not in ("synthesis", "fitness") else word


@pytest.mark.parametrize("word", sorted(public_words() - ORDINARY))
def test_every_word_of_a_public_name_is_in_the_glossary(word: str) -> None:
    """A newcomer meets it in the first plugin; it is explained once, and here."""
    assert {word, stem(word)} & {stem(one) for one in GLOSSARY} | {word} & GLOSSARY.keys()


@pytest.mark.parametrize("word", GLOSSARY)
def test_every_word_of_the_glossary_is_used(word: str) -> None:
    """A word that nobody uses any more is not explained any more."""
    code = "\n".join(file.read_text("utf-8") for file in PACKAGE.rglob("*.py"))
    everywhere = f"{code}\n{(ROOT / 'README.md').read_text('utf-8')}".lower().replace("_", " ")

    assert re.search(rf"\b{re.escape(stem(word))}", everywhere)


@pytest.mark.parametrize("word", GONE)
def test_words_with_several_meanings_stay_away(word: str) -> None:
    told = {file: text for file, text in TEXTS.items() if file != "registry/signatures.py"}

    # What is left out there tells authors of old plugins which word has gone.
    assert [file for file, text in told.items() if re.search(rf"\b{word}\b", text.lower())] == []


def test_docstrings_name_what_is_returned() -> None:
    """A "Return what ..." has no noun: a reader learns neither a type nor a word."""
    vague = re.compile(r"^Return (what|how|whether|for each|why|where|who|which)\b", re.MULTILINE)

    assert [file for file, text in TEXTS.items() if vague.search(text)] == []
