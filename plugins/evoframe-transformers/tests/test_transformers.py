"""Tasks, Trainer and saved folders, with the real library; without it, how it is asked for."""

import copy
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import nn

import evoframe
import evoframe_transformers as plugin
from evoframe.plugin import ConfigError, Key, TaskError
from evoframe.testing import Case, Specimen, checks_for, conformance

needs_library = pytest.mark.skipif(
    find_spec("transformers") is None or find_spec("accelerate") is None,
    reason="transformers is not installed",
)
BUSY = {
    "learning_rate": 0.02,
    "per_device_train_batch_size": 4,
    "gradient_accumulation_steps": 2,
    "weight_decay": 0.1,
    "lr_scheduler_type": "cosine",
    "warmup_steps": 2,
}

# Libraries of this size warn of themselves, by version.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

test_conformance = needs_library(
    conformance(
        plugin.Trainer(arguments=plugin.Arguments(learning_rate=0.01)),
        plugin.Trainer(epochs=3, arguments=BUSY),
    )
)


def test_a_library_that_is_not_installed_is_told_by_name(monkeypatch):
    asked = {
        "accelerate": lambda: plugin.Trainer().check(Specimen()),
        "transformers": lambda: plugin.task(nn.Linear(2, 2), train=[], validation=[]),
    }
    for package, ask in asked.items():
        monkeypatch.setitem(sys.modules, package, None)  # as Python marks what must not be found
        with pytest.raises(ConfigError, match=rf"{package} is not there.*pip install evoframe-tra"):
            ask()


def test_arguments_that_a_run_decides_are_refused():
    """So is whatever else has no effect: options are a closed list."""
    recipe = {
        "task": {"use": "evoframe.testing.specimens:Specimen"},
        "training": {
            "use": "evoframe_transformers:Trainer",
            "arguments": {"save_strategy": "epoch"},
        },
    }
    with pytest.raises(evoframe.EvoframeError, match=r"no option training.arguments.save_strategy"):
        evoframe.evolve(recipe=recipe, out="never")
    assert not Path("never").exists()


# --- models and data ------------------------------------------------------------------------------


def build(kind):
    """A tiny model of each kind, with random weights, and inputs for it."""
    import transformers as library

    torch.manual_seed(0)
    small = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4}
    words = torch.randint(3, 40, (3, 12))
    mask = torch.ones_like(words)
    mask[1, 7:] = 0
    if kind == "bert":
        config = library.BertConfig(
            vocab_size=40, intermediate_size=64, max_position_embeddings=12, **small
        )
        model = library.BertForSequenceClassification(config)
        return model, {"input_ids": words * mask, "attention_mask": mask}
    if kind == "gpt2":
        config = library.GPT2Config(
            vocab_size=40, n_positions=12, n_embd=16, n_layer=2, n_head=4,
            bos_token_id=0, eos_token_id=0, use_cache=False,
        )  # fmt: skip
        return library.GPT2LMHeadModel(config), {"input_ids": words}
    config = library.ViTConfig(image_size=16, patch_size=4, intermediate_size=64, **small)
    return library.ViTForImageClassification(config), {"pixel_values": torch.rand(3, 3, 16, 16)}


AUTO = {
    "bert": "AutoModelForSequenceClassification",
    "gpt2": "AutoModelForCausalLM",
    "vit": "AutoModelForImageClassification",
}

REMOTE = """
import sys, torch, transformers
folder, name, due = sys.argv[1:]
model = getattr(transformers, name).from_pretrained(folder, trust_remote_code=True)
kept = torch.load(due)
assert torch.equal(model(**kept["inputs"]).logits, kept["logits"])
assert "evoframe" not in sys.modules
tied = [model.get_input_embeddings().weight] if name == "AutoModelForCausalLM" else []
assert all(one is model.lm_head.weight for one in tied)
try:
    getattr(transformers, name).from_pretrained(folder)
except RuntimeError as error:
    assert "size" in str(error)
else:
    sys.exit("it was loaded as the whole model")
"""


@needs_library
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bert", "gpt2", "vit"])
def test_a_smaller_model_is_a_folder_that_loads_again(kind, tmp_path):
    """Smaller tensors, a smaller file, equal outputs: by the plugin, and by transformers alone."""
    model, inputs = build(kind)
    smaller = evoframe.shrink(model, inputs, parameters="2x")
    model.save_pretrained(tmp_path / "whole")

    folder = plugin.save(smaller, tmp_path / "small", inputs=inputs)
    again = plugin.load(folder)

    logits = smaller(**inputs).logits
    assert torch.equal(again(**inputs).logits, logits)
    count = sum(one.numel() for one in model.parameters())
    assert sum(one.numel() for one in again.parameters()) <= count / 2
    sizes = [(place / "model.safetensors").stat().st_size for place in (tmp_path / "whole", folder)]
    assert sizes[1] < sizes[0] - 4 * 0.4 * count
    torch.save({"inputs": inputs, "logits": logits.detach()}, tmp_path / "due.pt")
    own = {"HF_MODULES_CACHE": str(tmp_path / "modules"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", REMOTE, str(folder), AUTO[kind], str(tmp_path / "due.pt")],
        env={**os.environ, **own}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


@needs_library
def test_what_was_loaded_may_become_smaller_still(tmp_path):
    model, inputs = build("vit")
    once = evoframe.shrink(model, inputs, parameters="1.5x")
    loaded = plugin.load(plugin.save(once, tmp_path / "once", inputs=inputs))
    twice = evoframe.shrink(loaded, inputs, parameters="1.2x")

    again = plugin.load(plugin.save(twice, tmp_path / "twice", inputs=inputs))

    assert again.num_parameters() < loaded.num_parameters() < model.num_parameters()
    assert torch.equal(again(**inputs).logits, twice(**inputs).logits)


@needs_library
def test_what_no_folder_of_transformers_can_hold_is_refused(tmp_path):
    """By name, with the remedy, and with nothing written."""
    model, inputs = build("vit")
    blocks = evoframe.shrink(model, inputs, parameters="1.6x", depth=True)
    with pytest.raises(ConfigError, match=r"'vit\..*' of this ViT.* is a .*run.export"):
        plugin.save(blocks, tmp_path / "small")
    with pytest.raises(ConfigError, match=r"Linear is no class of transformers.*run.export"):
        plugin.save(nn.Linear(2, 2), tmp_path / "small")
    with pytest.raises(ConfigError, match=r"no folder that evoframe_transformers.save\(\) wrote"):
        plugin.load(tmp_path)
    (tmp_path / "there").mkdir()
    with pytest.raises(ConfigError, match="is there already"):
        plugin.save(model, tmp_path / "there")
    assert [one.name for one in tmp_path.iterdir()] == ["there"]


@needs_library
def test_a_folder_that_answers_otherwise_is_not_written(tmp_path):
    """Such as of a model that holds a number which no configuration knows."""
    model, inputs = build("gpt2")
    smaller = evoframe.shrink(model, inputs, parameters="1.5x")
    smaller.transformer.ln_f.eps = 0.5

    with pytest.raises(ConfigError, match="answers otherwise"):
        plugin.save(smaller, tmp_path / "small", inputs=inputs)
    assert not list(tmp_path.iterdir())


@needs_library
def test_files_of_a_processor_are_copied(tmp_path):
    model, _ = build("vit")
    source = tmp_path / "source"
    source.mkdir()
    (source / "preprocessor_config.json").write_text('{"size": 16}')
    (source / "model.safetensors").write_text("weights that are not for copying")

    folder = plugin.save(model, tmp_path / "small", processor=source)

    assert json.loads((folder / "preprocessor_config.json").read_text()) == {"size": 16}
    assert plugin.load(folder).num_parameters() == model.num_parameters()


# --- tasks ----------------------------------------------------------------------------------------


def sentences(count, seed=0):
    """Sentences of several lengths, with a label for each word and -100 for some."""
    generator, found = torch.Generator().manual_seed(seed), []
    for _ in range(count):
        length = int(torch.randint(4, 13, (), generator=generator))
        words = torch.randint(3, 40, (length,), generator=generator)
        labels = torch.where(words % 5 == 0, -100, words % 3)
        found.append({
            "input_ids": words.tolist(), "attention_mask": [1] * length,
            "labels": labels.tolist(), "text": "left out",
        })  # fmt: skip
    return found


def padded(several):
    """A collator of somebody's own."""
    longest = max(len(one["input_ids"]) for one in several)
    fills = {"input_ids": 0, "attention_mask": 0, "labels": -100}
    return {
        name: torch.tensor([one[name] + [fill] * (longest - len(one[name])) for one in several])
        for name, fill in fills.items()
    }


def of_words(prediction):
    said, due = prediction.predictions.argmax(-1), prediction.label_ids
    return {"accuracy": float((said == due)[due != -100].mean())}


def tagger():
    import transformers as library

    torch.manual_seed(0)
    config = library.BertConfig(
        vocab_size=40, hidden_size=16, num_hidden_layers=1, num_attention_heads=4, num_labels=3,
        intermediate_size=32, max_position_embeddings=12, hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    return library.BertForTokenClassification(config)


def tagging(model=None, **options):
    given = {
        "train": sentences(60), "validation": sentences(40, 1), "collator": padded,
        "compute_metrics": of_words, "metrics": ["accuracy"], "trained": False,
    }  # fmt: skip
    return plugin.task(model or tagger(), **(given | options))


@needs_library
def test_a_task_keeps_the_promises_of_its_role():
    promised = (
        "can_be_evolved", "passes_over_a_split_repeat", "evaluation_changes_nothing",
        "measures_each_example_by_itself", "keeps_nothing_between_calls",
    )  # fmt: skip
    task = tagging()
    for check in checks_for(task):
        if check.name in promised:
            assert check.attempt(task) is None


@needs_library
def test_metrics_are_those_of_trainer(tmp_path):
    """The same compute_metrics on the same model: the numbers of Trainer.evaluate."""
    import transformers as library

    model, task = tagger().eval(), tagging(batch_size=8)
    arguments = library.TrainingArguments(
        output_dir=str(tmp_path), use_cpu=True, report_to="none", per_device_eval_batch_size=8,
        disable_tqdm=True,
    )  # fmt: skip
    trainer = library.Trainer(
        model, arguments, data_collator=padded, eval_dataset=sentences(40, 1),
        compute_metrics=of_words,
    )  # fmt: skip
    due = trainer.evaluate()

    with torch.no_grad():
        found = task.evaluate(model, "validation", torch.device("cpu"))

    assert found["accuracy"].value == pytest.approx(due["eval_accuracy"], abs=1e-7)
    assert found["accuracy"].error > 0
    assert found["loss"].value == pytest.approx(due["eval_loss"], rel=1e-5)


@needs_library
def test_a_folder_and_a_configuration_are_models_too(tmp_path):
    model = tagger()
    model.save_pretrained(tmp_path / "whole")

    of_folder = tagging(tmp_path / "whole", trained=None)
    of_config = tagging(model.config, trained=None, head="BertForTokenClassification")

    assert of_folder.is_trained
    assert not of_config.is_trained
    for name, value in of_folder.ancestor(Key(0)).named_parameters():
        assert torch.equal(value, dict(model.named_parameters())[name])
    twins = [
        tagging(model.config, head="BertForTokenClassification").ancestor(Key(0)) for _ in "ab"
    ]
    for one, other in zip(*(twin.parameters() for twin in twins), strict=True):
        assert torch.equal(one, other)


@needs_library
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"metrics": None}, "go together"),
        ({"validation": []}, "have no example"),
        ({"train": iter(())}, "with a length"),
        ({"model": "bert-base-uncased"}, "is no folder of a model"),
        ({"model": 3}, "is a int; wanted a model"),
        ({"metrics": ["f1"]}, "returns 'accuracy', and no 'f1'"),
    ],
)
def test_what_is_no_model_and_no_data_is_refused(change, told):
    def measured():
        found = tagging(**change)
        return found.evaluate(tagger().eval(), "validation", torch.device("cpu"))

    with pytest.raises(TaskError, match=told), torch.no_grad():
        measured()


# --- training -------------------------------------------------------------------------------------


@needs_library
def test_trainer_learns_as_it_does_by_itself(tmp_path):
    """Where nothing is absent and an epoch is one batch, the weights are Trainer's own."""
    import transformers as library

    arguments = {"learning_rate": 0.01, "weight_decay": 0.1, "per_device_train_batch_size": 60}
    ours = plugin.Trainer(epochs=4, arguments=arguments)
    run = evoframe.evolve(tagging(), ancestor=ours, generations=1, out=tmp_path / "run")

    own = library.Trainer(
        copy.deepcopy(tagger()),
        library.TrainingArguments(
            output_dir=str(tmp_path / "own"), use_cpu=True, report_to="none", num_train_epochs=4,
            disable_tqdm=True, save_strategy="no", optim="adamw_torch", **arguments,
        ),
        data_collator=padded, train_dataset=sentences(60),
    )  # fmt: skip
    own.train()

    before = dict(tagger().named_parameters())
    found = dict(run.network().named_parameters())
    for name, due in own.model.named_parameters():
        assert torch.allclose(found[name], due, atol=1e-4), name
    assert (
        max(float((found[name] - one).detach().abs().max()) for name, one in before.items()) > 0.02
    )


@needs_library
@pytest.mark.parametrize("more", [{}, {"bf16": True}])
def test_batches_of_a_step_count_as_one_and_nothing_is_left_in_the_network(more):
    """Whatever half precision wraps is itself again afterwards."""
    case, found = Case(Specimen(width=4)), []
    for size, several in ((24, 1), (8, 3)):
        how = {"per_device_train_batch_size": size, "gradient_accumulation_steps": several}
        arguments = {"learning_rate": 0.1, "optim": "sgd", **how, **more}
        phenotype = case.phenotype()
        before = set(vars(phenotype.network))
        result = plugin.Trainer(epochs=2, arguments=arguments).train(phenotype, case.context())
        assert set(vars(phenotype.network)) == before
        assert result.epochs == 2
        found.append(nn.utils.parameters_to_vector(phenotype.network.parameters()).detach())
    assert torch.allclose(*found, atol=1e-2 if more else 1e-6)
    due = nn.utils.parameters_to_vector(case.phenotype().network.parameters())
    assert not torch.allclose(found[0], due, atol=1e-2)


FILE = """
import test_transformers_stand_in as tests
def task():
    return tests.tagging(batch_size=16)
"""


@needs_library
@pytest.mark.slow
def test_processes_and_lives_that_were_killed_give_the_same_digest(tmp_path, monkeypatch):
    """Lives in other processes, and a run that is gone on with after two generations."""
    (tmp_path / "test_transformers_stand_in.py").write_text(Path(__file__).read_text("utf-8"))
    (tmp_path / "tagging.py").write_text(FILE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    common = {
        "task": f"{tmp_path / 'tagging.py'}:task",
        "training": plugin.Trainer(epochs=2, arguments={"learning_rate": 0.01}),
        "population": 2,
    }

    def digest(name, generations=3, **options):
        run = evoframe.evolve(**common, **options, generations=generations, out=tmp_path / name)
        return run.digest()

    serial = digest("serial")

    assert digest("processes", executor="processes", options=["executor.workers=2"]) == serial
    digest("halved", generations=2)
    again = evoframe.resume(tmp_path / "halved", changes=["run.generations=3"])
    assert again.digest() == serial
