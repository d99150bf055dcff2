"""What the documents say is what happens: their code runs, their commands exist."""

from __future__ import annotations

import re
import shlex
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from torch.utils.data import DataLoader, TensorDataset

import evoframe
from evoframe.cli import main
from evoframe.cli.main import COMMANDS
from evoframe.config.request import Request
from evoframe.config.values import structure
from evoframe.costs import latency, measure_latency
from evoframe.errors import ConfigError
from evoframe.testing import checks_for

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("plugins/*/README.md"),
        ROOT / "benchmarks" / "README.md",
    ],
)


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), flags=re.DOTALL)


def commands() -> list[str]:
    lines = [
        line for page in PAGES for block in blocks(page, "console") for line in block.split("\n")
    ]
    return sorted({line[2:] for line in lines if line.startswith("$ evoframe ")})


def test_the_tutorial_on_your_own_network_runs(tmp_path, monkeypatch, capsys) -> None:
    """A reader who copies the blocks one after another gets a smaller network."""
    monkeypatch.chdir(tmp_path)
    page = ROOT / "docs" / "tutorial" / "own-network.md"
    *first, parity = blocks(page, "python")
    namespace: dict[str, object] = {}

    for code in first:
        exec(code, namespace)

    run = namespace["run"]
    printed = capsys.readouterr().out
    (shown,) = blocks(page, "text")
    assert without_accuracies(shown) == without_accuracies(printed)
    assert run.ancestor.fitness.value("parameters") >= 4 * run.best.fitness.value("parameters")
    Path("parity.py").write_text(parity)
    (command,) = [line for line in blocks(page, "console") if "parity" in line]
    arguments = shlex.split(command.removeprefix("$ evoframe "))
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert "x fewer " in result.output


def without_accuracies(text: str) -> str:
    """Return a text without shares, whose last digits another kind of CPU may change."""
    return re.sub(r"0\.\d+", "share", text)


def test_the_page_on_batches_and_metrics_runs(tmp_path, monkeypatch) -> None:
    """Its blocks run one after another, and the metrics have the errors that it speaks of."""
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {}

    for code in blocks(ROOT / "docs" / "how-to" / "batches-and-metrics.md", "python"):
        exec(code, namespace)

    run, found = namespace["run"], namespace["found"]
    assert run.best.fitness.costs["parameters"] < run.ancestor.fitness.costs["parameters"]
    assert all(one.error for one in found.values())


def test_the_page_on_one_cut_runs(tmp_path, monkeypatch, capsys) -> None:
    """What is smaller by a factor of its own is trained on by an ordinary loop."""
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {}
    page = ROOT / "docs" / "how-to" / "shrink.md"

    for code in blocks(page, "python"):
        exec(code, namespace)

    whole, after = re.findall(r"tensor\((.*?)\)", capsys.readouterr().out)
    assert float(after) > float(whole) - 0.05 > 0.8
    sizes = [
        sum(value.numel() for value in namespace[name].parameters())
        for name in ("network", "smaller")
    ]
    assert sizes[0] >= 2 * sizes[1]
    assert list(tmp_path.iterdir()) == [tmp_path / "smaller.pt"]


class Steady:
    """Takes as long as there are numbers in what is called and what it is called with."""

    def __init__(self, _what: str, *, globals: dict[str, Any], **_how: Any) -> None:  # noqa: A002
        given = [*globals["args"], *globals["kwargs"].values()]
        given += globals["network"].parameters() if "network" in globals else []
        self.size = sum(one.numel() for one in given if isinstance(one, torch.Tensor))

    def blocked_autorange(self, min_run_time: float) -> Any:
        """Return times of which nobody waits for any."""
        took = 1e-9 * self.size
        return types.SimpleNamespace(times=[took], median=took, iqr=0.0)


def test_the_page_on_latency_runs(tmp_path, monkeypatch) -> None:
    """A table is made, a cut keeps to it, and the recipe is one; no clock has a say."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(measure_latency, "Timer", Steady)
    monkeypatch.setattr(latency, "Timer", Steady)
    page = ROOT / "docs" / "how-to" / "latency.md"
    namespace: dict[str, Any] = {}

    for code in blocks(page, "python"):
        exec(code, namespace)

    what = evoframe.shrunk(namespace["smaller"])
    assert what.after["latency"] <= what.before["latency"] / 1.5
    (recipe,) = blocks(page, "toml")
    Path("recipe.toml").write_text(recipe)
    found = Request("recipe.toml", choices={"task": "mnist"}).resolve().recipe
    assert found.run.latency_table == tmp_path / "table.json"
    assert found.environment[0].also.parameters.least == 0.5


@pytest.mark.slow
@pytest.mark.parametrize("page", ["ask-tell", "options", "notebooks", "segmentation"])
def test_a_page_in_blocks_of_python_runs(page, tmp_path, monkeypatch) -> None:
    """Its blocks run one after another and leave a run behind, of which somebody lives."""
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {}

    for code in blocks(ROOT / "docs" / "how-to" / f"{page}.md", "python"):
        exec(code, namespace)

    run = namespace["run"]
    assert run.ending
    assert run.best.synapses < run.ancestor.synapses


@pytest.mark.slow
def test_the_front_page_runs(tmp_path, monkeypatch) -> None:
    """A reader who has two loaders gets a smaller ResNet-18 by one cut, and by a run."""
    pytest.importorskip("torchvision", reason="install evoframe[coverage] for torchvision")
    monkeypatch.chdir(tmp_path)
    pictures = TensorDataset(torch.randn(32, 3, 32, 32), torch.arange(32) % 1000)
    loader = DataLoader(pictures, batch_size=16)
    namespace: dict[str, Any] = {"train_loader": loader, "validation_loader": loader}

    for code in blocks(ROOT / "README.md", "python"):
        exec(code.replace('weights="DEFAULT"', "weights=None").replace("1.0)", "100.0)"), namespace)

    assert sum(one.numel() for one in namespace["smaller"].parameters()) < 11_689_512 / 2


@pytest.mark.slow
def test_the_page_on_pretrained_networks_runs(tmp_path, monkeypatch) -> None:
    """What comes out is rebuilt from the library's own function, with fewer parameters."""
    pytest.importorskip("timm", reason="install evoframe[coverage] for timm")
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {}

    for code in blocks(ROOT / "docs" / "how-to" / "pretrained.md", "python"):
        exec(code.replace("pretrained=True", "pretrained=False"), namespace)

    run, again = namespace["run"], namespace["again"]
    kept = sum(one.numel() for one in again.parameters())
    assert kept == run.best.fitness.costs["parameters"]
    assert kept <= run.ancestor.fitness.costs["parameters"] / 2


def test_the_page_for_users_of_other_libraries_runs(tmp_path, monkeypatch) -> None:
    """Every translation that is shown does what the other library's call would."""
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {}

    for code in blocks(ROOT / "docs" / "how-to" / "coming-from.md", "python"):
        exec(code, namespace)

    kept = sum(int(mask.sum()) for mask in namespace["masks"].values())
    whole = sum(mask.numel() for mask in namespace["masks"].values())
    assert 0.4 < kept / whole < 0.6


def test_the_page_on_choosing_runs(tmp_path, monkeypatch) -> None:
    """One generation meets the budget that the page asks for, and says what it is asked."""
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {}

    for code in blocks(ROOT / "docs" / "how-to" / "choose.md", "python"):
        exec(code, namespace)

    run = namespace["run"]
    best, ancestor = run.best.fitness, run.ancestor.fitness
    assert run.best.generation == 2
    assert ancestor.value("flops") >= 3 * best.value("flops")
    assert best.value("loss") <= ancestor.value("loss") + 0.1


@pytest.mark.slow
def test_the_page_on_recurrent_networks_runs(tmp_path, monkeypatch) -> None:
    """Units leave both layers, what was learned is kept, and the export is the same network."""
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {}

    for code in blocks(ROOT / "docs" / "how-to" / "recurrent.md", "python"):
        exec(code, namespace)

    run, smaller = namespace["run"], namespace["smaller"]
    best, ancestor = run.best.fitness, run.ancestor.fitness
    assert best.value("parameters") <= ancestor.value("parameters") / 4
    assert smaller.memory.hidden_size <= 12
    assert best.value("accuracy") >= 0.9


TRANSFORMERS = ROOT / "docs" / "how-to" / "transformers.md"


def run_of(code: str, namespace: dict[str, Any]) -> Any:
    """Execute a block, and return the run that it leaves behind."""
    exec(code, namespace)
    return namespace.get("run")


@pytest.mark.slow
def test_the_page_on_transformers_runs(tmp_path, monkeypatch) -> None:
    """Heads and feed-forward units leave a network of one's own, and the export is the same."""
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {}

    for code in blocks(TRANSFORMERS, "python")[:2]:
        run = run_of(code, namespace)

    best, ancestor = run.best.fitness, run.ancestor.fitness
    assert best.value("parameters") <= ancestor.value("parameters") / 3
    assert best.value("accuracy") >= 0.9
    for layer in namespace["smaller"].encoder.layers:
        assert layer.self_attn.out_proj.in_features < 16
        assert layer.linear1.out_features < 64


@pytest.mark.slow
def test_the_page_on_transformers_runs_with_the_library(tmp_path, monkeypatch) -> None:
    """Its own models need no wrapper, and their stream narrows where that is asked for."""
    pytest.importorskip("transformers", reason="install evoframe[coverage] for transformers")
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {}
    data, own, bert, narrow, language = blocks(TRANSFORMERS, "python")
    for code in (data, *own.partition("run = ")[:1]):
        exec(code, namespace)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a library that we do not write
        for code in (bert, narrow, language):
            run = run_of(code, namespace)
            best, ancestor = run.best.fitness, run.ancestor.fitness
            assert best.value("parameters") <= ancestor.value("parameters") / 2

    layer = namespace["smaller"].bert.encoder.layer[0]
    assert layer.attention.self.value.out_features < 16
    assert layer.intermediate.dense.out_features < 64
    assert namespace["narrow"].bert.encoder.layer[0].output.dense.out_features < 16
    assert run.ancestor.fitness.validation["perplexity"].error > 0


@pytest.mark.slow
def test_the_page_on_what_stays_says_what_is_printed(tmp_path, monkeypatch) -> None:
    """A network is mended step by step, and everything that is shown of `inspect` is printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "1000")
    page = ROOT / "docs" / "how-to" / "why-not-smaller.md"
    namespace: dict[str, Any] = {}
    printed, shown = "", 0

    for language, code in re.findall(r"```(\w+)\n(.*?)```", page.read_text(), flags=re.DOTALL):
        if code.startswith("# pictures.py"):
            Path("pictures.py").write_text(code)
        elif language == "python":
            exec(code, namespace)
        elif language == "console":
            for name in [one for one in sys.modules if "pictures_" in one]:
                monkeypatch.delitem(sys.modules, name)  # the file has changed since
            result = CliRunner().invoke(main, shlex.split(code.removeprefix("$ evoframe ")))
            assert result.exit_code == 0, result.output
            printed = without_roundings(result.output)
        else:
            assert without_roundings(code) in printed
            shown += 1

    assert shown == 9


def without_roundings(text: str) -> str:
    """Return lines without blanks at their ends, and without figures that are mere rounding."""
    lines = "\n".join(line.rstrip() for line in text.split("\n"))
    return re.sub(r"\d\.\de-\d\d", "nearly nothing", lines)


@pytest.mark.parametrize("line", commands())
def test_every_command_in_the_documents_can_be_parsed(line: str) -> None:
    """A flag that was renamed must not live on in a tutorial."""
    name, *arguments = shlex.split(line.partition(">")[0])[1:]
    assert name in COMMANDS or name.startswith("-")
    if name in COMMANDS:
        command = main.get_command(None, name)
        command.make_context(name, arguments)


def test_links_between_documents_lead_somewhere() -> None:
    """A dead link is the first thing that a newcomer finds, be it to a page or to a heading."""
    dead = [
        f"{page.relative_to(ROOT)} -> {target}"
        for page in PAGES
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text())
        if "://" not in target and not leads_somewhere(page, target)
    ]

    assert dead == []


def leads_somewhere(page: Path, target: str) -> bool:
    """Tell whether a link's file is there, and in it the heading or anchor that is named."""
    file, _, heading = target.partition("#")
    path = page.parent / file if file else page
    return path.exists() and (not heading or heading in anchors(path.read_text()))


def anchors(text: str) -> set[str]:
    """Return the names of a page's places: those it gives, and headings as GitHub writes them."""
    headings = re.findall(
        r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE
    )
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    return {*plain, *re.findall(r'<a name="([^"]+)">', text)}


def test_every_page_is_in_the_index() -> None:
    """Somebody who has a question finds its page from the front, not by chance."""
    index = (ROOT / "docs" / "index.md").read_text()
    missing = [
        page.name
        for page in (ROOT / "docs" / "how-to").glob("*.md")
        if f"(how-to/{page.name})" not in index
    ]

    assert missing == []


def test_every_benchmark_is_in_the_list_of_benchmarks() -> None:
    """Whoever looks for a figure finds the script that prints it, and the page where it stands."""
    folder = ROOT / "benchmarks"
    listed = re.findall(r"^\| `(\w+\.py)` \|", (folder / "README.md").read_text(), re.MULTILINE)

    assert sorted(listed) == sorted(path.name for path in folder.glob("*.py"))


def test_what_is_said_of_the_demo_is_what_it_prints() -> None:
    """The shares in the tutorial are those of the table in README."""
    rows = re.findall(
        r"^(g\d+s\d+)\*? +(\S+) +([\d.]+)k +\S+x +\S+ +\S+x +([\d.]+)k ",
        (ROOT / "README.md").read_text(),
        re.MULTILINE,
    )
    sizes = {name: (float(parameters), float(synapses)) for name, _, parameters, synapses in rows}
    kept = [
        tuple(mine / whole for mine, whole in zip(sizes[name], sizes[parent], strict=True))
        for name, parent, *_ in rows
        if parent in sizes
    ]
    page = (ROOT / "docs" / "tutorial" / "first-run.md").read_text()
    said = [
        [int(percent) / 100 for percent in pair]
        for pair in re.findall(r"between (\d+) and (\d+) %", page)
    ]

    for (least, most), found in zip(said, zip(*kept, strict=True), strict=True):
        assert least <= min(found) < least + 0.1
        assert most - 0.1 < max(found) <= most


def test_the_reading_order_is_short_and_leads_somewhere() -> None:
    """Whoever follows the map reads eight files that exist, and gets through them."""
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text()
    files = re.findall(r"^\d\. `([^`]+)`", page, re.MULTILINE)

    lines = sum(len((ROOT / file).read_text().splitlines()) for file in files)

    assert 0 < len(files) <= 8
    assert lines <= 1000


def test_paths_in_the_map_exist() -> None:
    """A file that moved must not live on in what newcomers read first."""
    pages = [ROOT / "CONTRIBUTING.md", *(ROOT / "docs" / "explanation").glob("*.md")]
    named = re.compile(r"`((?:evoframe|tests|benchmarks|docs)/[\w/.-]+)`")
    dead = [
        f"{page.name}: {path}"
        for page in pages
        for path in named.findall(page.read_text())
        if not (ROOT / path).exists()
    ]

    assert dead == []


def test_commands_for_developers_exist() -> None:
    """What the page for contributors says to type is in the Makefile."""
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    (block,) = blocks(ROOT / "CONTRIBUTING.md", "console")
    asked = [
        word
        for line in block.split("\n")
        if line.startswith("$ make")
        for word in line[6:].partition("#")[0].split()
    ]

    assert set(asked) <= targets


def test_the_page_on_trainers_runs(monkeypatch) -> None:
    """Its training keeps the promises of one, in a few lines."""
    monkeypatch.setenv("EVOFRAME_EXAMPLES", "3")
    module = sys.modules["trainer_of_a_page"] = types.ModuleType("trainer_of_a_page")

    for code in blocks(ROOT / "docs" / "how-to" / "trainers.md", "python"):
        exec(code, module.__dict__)

    module.test_a_life_that_is_taken_up_ends_the_same()
    wanted = {"absent_synapses_stay_absent", "a_life_taken_up_again_ends_the_same",
              "lets_nurtures_act", "ends_in_numbers_or_says_why"}  # fmt: skip
    for check in checks_for(module.Theirs(epochs=3)):
        assert check.name not in wanted or check.attempt(module.Theirs(epochs=3)) is None
    del sys.modules["trainer_of_a_page"]


def test_the_page_on_strategies_runs(monkeypatch) -> None:
    """Its strategies keep what it says that they keep."""
    monkeypatch.setenv("EVOFRAME_EXAMPLES", "3")
    namespace: dict[str, Any] = {"__name__": "strategies_of_a_page"}
    module = sys.modules["strategies_of_a_page"] = types.ModuleType("strategies_of_a_page")
    module.__dict__.update(namespace)

    for code in blocks(ROOT / "docs" / "how-to" / "strategies.md", "python"):
        exec(code, module.__dict__)

    tried = [module.hush, module.Steady()]
    wanted = {"survives_toml", "zero_of_its_dial_changes_nothing", "keeps_nothing_between_calls",
              "a_life_taken_up_again_ends_the_same", "is_a_frozen_value"}  # fmt: skip
    for strategy in tried:
        for check in checks_for(strategy):
            assert check.name not in wanted or check.attempt(strategy) is None
    with pytest.raises(ConfigError, match=r"shares: 'conv1\.weight' is 2"):
        structure({"shares": {"conv1.weight": 2}}, module.Hush, "mutation[0]")
    del sys.modules["strategies_of_a_page"]
