"""How many architectures that people have can be made smaller, without code for any.

    python benchmarks/coverage.py
    python benchmarks/coverage.py --models resnet18 timm/levit_128s
    python benchmarks/coverage.py --libraries transformers smp

Networks of torchvision and timm in full (see ``zoo.py`` for the packages), and small ones of
transformers, segmentation-models-pytorch (smp), ultralytics, diffusers, monai and torch_geometric
(``library_networks.py``); what is not installed is left out, with a word. Each network has random
weights, with scales, shifts and running statistics drawn anew so that none of them is neutral, and
a process of its own with a limit of time. It is surveyed, the weaker half of each layer's removable
channels is taken away, and the smaller network is developed and run on the CPU, in evaluation and,
where the network runs so, in training with random operations stilled.

*survey* is that by rules and shapes, and *numbers* what is tried on real inputs besides.

*can leave* is the share of the output channels of all layers with synapses but the last which the
smallest network does without, and *least* the share of all parameters that this one has;
*parameters* is what is left of them at half the channels; a network *shrinks* if at least a tenth
of its channels can leave and the output of its half equals, within 1e-3 of its largest entry, that
of the ancestor with what is absent at zero. A second table counts the barriers: operations at
which channels are kept, in how many networks.
"""

from __future__ import annotations

import argparse
import collections
import copy
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import library_networks
import torch
import zoo
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from evoframe import anatomy
from evoframe.anatomy.channels.calls import tensors_in
from evoframe.anatomy.proof.scattering import two_examples
from evoframe.anatomy.proof.stillness import fresh, still
from evoframe.anatomy.trace.forward import opened
from evoframe.kernel.modules.arguments import Arguments, Inputs
from evoframe.roles.matrices import found_by_products

TORCHVISION = (
    "alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_v2_s", "googlenet",
    "inception_v3", "maxvit_t", "mnasnet1_0", "mobilenet_v2", "mobilenet_v3_large",
    "regnet_x_400mf", "regnet_y_400mf", "resnet18", "resnet50", "resnext50_32x4d",
    "shufflenet_v2_x1_0", "squeezenet1_1", "swin_t", "swin_v2_t", "vgg11", "vgg16_bn", "vit_b_16",
    "wide_resnet50_2",
)  # fmt: skip
TIMM = (
    "beit_base_patch16_224", "caformer_s18", "cait_xxs24_224", "coat_tiny", "coatnet_nano_rw_224",
    "convit_tiny", "convmixer_768_32", "convnext_atto", "convnextv2_atto", "crossvit_9_240",
    "cspdarknet53", "davit_tiny", "deit3_small_patch16_224", "deit_tiny_patch16_224",
    "densenet121", "dla34", "dm_nfnet_f0", "dpn68", "eca_nfnet_l0", "edgenext_xx_small",
    "efficientformer_l1", "efficientformerv2_s0", "efficientnet_b0", "efficientvit_b0",
    "efficientvit_m0", "ese_vovnet19b_dw", "eva02_tiny_patch14_224", "fasternet_t0", "fastvit_t8",
    "focalnet_tiny_srf", "gcvit_xxtiny", "ghostnet_100", "gmlp_s16_224", "hardcorenas_a",
    "hgnetv2_b0", "hiera_tiny_224", "hrnet_w18_small", "inception_next_tiny",
    "inception_resnet_v2", "inception_v4", "lcnet_050", "levit_128s", "mambaout_femto",
    "maxvit_rmlp_pico_rw_256", "mixer_s32_224", "mnasnet_100", "mobilenetv2_100",
    "mobilenetv3_small_050", "mobilenetv4_conv_small", "mobileone_s0", "mobilevit_xxs",
    "mobilevitv2_050", "mvitv2_tiny", "nest_tiny", "nextvit_small", "pit_ti_224", "poolformer_s12",
    "pvt_v2_b0", "rdnet_tiny", "regnetx_002", "regnety_002", "repghostnet_050", "repvgg_a0",
    "repvit_m0_9", "res2net50_14w_8s", "resmlp_12_224", "resnest14d", "resnet26t", "resnetv2_50",
    "rexnet_100", "selecsls42b", "sequencer2d_s", "seresnet50", "shvit_s1", "skresnet18",
    "starnet_s1", "swiftformer_xs", "swin_tiny_patch4_window7_224",
    "swinv2_cr_tiny_ns_224", "swinv2_tiny_window8_256", "tf_efficientnetv2_b0", "tiny_vit_5m_224",
    "tinynet_e", "tnt_s_patch16_224", "tresnet_m", "twins_svt_small", "vgg11_bn", "visformer_tiny",
    "vit_relpos_small_patch16_224", "vit_tiny_patch16_224", "vitamin_small_224", "volo_d1_224",
    "xception41", "xcit_nano_12_p16_224",
)  # fmt: skip
MODELS = (*TORCHVISION, *(f"timm/{name}" for name in TIMM), *library_networks.BUILDERS)
HEADER = (
    "| network | survey, CPU s | numbers, CPU s | channels | can leave | least | parameters "
    "| shrinks | why not |"
)
LEAST = 0.1
"""The share of channels that must be able to leave for a network to count as one that shrinks."""


def main() -> None:
    """Print a Markdown table of networks, one of barriers, and the totals."""
    asked = _arguments()
    if asked.one:
        print(json.dumps(measured(asked.one)))
        return
    print(HEADER + "\n|" + "---|" * HEADER.count(" | ") + "---|", flush=True)
    found = {}
    for name in asked.models:
        if asked.libraries and library_of(name) not in asked.libraries:
            continue
        found[name] = in_a_process(name, asked.seconds)
        print(_row(name, found[name]), flush=True)
    _print_totals(found)
    if asked.out:
        asked.out.write_text(json.dumps(found, indent=1))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=MODELS, metavar="NAME")
    parser.add_argument("--libraries", nargs="+", default=(), metavar="NAME")
    parser.add_argument("--seconds", type=float, default=150, help="limit for each network")
    parser.add_argument("--out", type=Path, help="a JSON file for all that was found")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser.parse_args()


def in_a_process(name: str, seconds: float) -> dict[str, Any]:
    """Return what one network gave, or how its process ended."""
    command = [sys.executable, __file__, "--one", name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return {"failed": f"took more than {seconds:.0f} s"}
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["died"])[-1][:200]}
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def measured(name: str) -> dict[str, Any]:
    """Survey, halve, develop and run one network."""
    torch.set_num_threads(1)
    network, inputs = _network(name)
    weights = _evolvable(network, inputs)
    start = time.process_time()
    anatomy.survey(network, inputs, weights, numbers=False)
    taken = time.process_time() - start
    plan = anatomy.survey(network, inputs, weights)
    in_all = time.process_time() - start - taken
    smallest = plan.bundles.staying(torch.zeros_like(plan.bundles.kept))
    staying = [smallest[targets].reshape(-1) for targets in plan.wiring.targets.values()]
    outputs = torch.cat(staying)
    return {
        "survey": taken,
        "numbers": max(in_all - taken, 0.0),
        "channels": len(outputs),
        "leaving": float((~outputs).float().mean()),
        "least": zoo.parameters(plan.proved.plan.build(smallest)) / zoo.parameters(network),
        "barriers": [[barrier.operation, barrier.reason] for barrier in plan.barriers],
        "untried": plan.untried,
        **_half(plan, Arguments.of(inputs)),
    }


def _half(plan: anatomy.Anatomy, inputs: Arguments) -> dict[str, Any]:
    """Return what is left of the parameters, and how far the output is from what it should be."""
    genotype = zoo.halved(plan)
    smaller = plan.develop(genotype).network
    masked = copy.deepcopy(plan.network)
    with torch.no_grad():
        for name, value in masked.state_dict().items():
            value.copy_(genotype.state.get(name, value))
    share = zoo.parameters(smaller) / zoo.parameters(masked)
    errors = {"error": _apart(smaller.eval(), masked.eval(), inputs)}
    if not plan.untried:  # it runs in training too, and to the same numbers each time
        errors["error in training"] = _apart(
            smaller.train(), masked.train(), _taught(inputs, masked)
        )
    return {"parameters": share, **errors}


def _taught(inputs: Arguments, network: nn.Module) -> Arguments:
    """Return inputs that a network can be trained on: batch norm needs two examples."""
    if not any(isinstance(one, _BatchNorm) for one in network.modules()):
        return inputs
    return two_examples(inputs, torch.Generator().manual_seed(0))


def _apart(one: nn.Module, other: nn.Module, inputs: Arguments) -> float:
    """Return the largest difference of two networks' outputs, as a share of the largest entry."""
    ours, due = (_outputs(network, inputs) for network in (one, other))
    if ours.shape != due.shape:
        return float("inf")
    return float((ours - due).abs().max() / due.abs().max().clamp_min(1e-30))


def _outputs(network: nn.Module, inputs: Arguments) -> Tensor:
    with torch.no_grad(), still():  # one block each: generators begin anew in it
        return _flat(opened(fresh(inputs).call(network)))


def _evolvable(network: nn.Module, inputs: Inputs) -> list[str]:
    """Return what a task lets evolve by default."""
    own, last = found_by_products(network, lambda: inputs)
    several = zoo.evolvable(network, but_the_last=not own)
    known = dict(network.named_parameters())
    return [name for name in known if name in {*own, *several} - {last}]


def _flat(outputs: Any) -> Tensor:
    """Return all numbers of an output in one row."""
    return torch.cat([one.reshape(-1).double() for one in tensors_in(outputs)])


def _network(name: str) -> tuple[nn.Module, Inputs]:
    network, inputs = _built(name)
    for parameter in network.parameters():
        if parameter.ndim == 1:
            parameter.data += 0.3 * torch.randn_like(parameter)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) and module.running_mean is not None:
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
    return network.eval(), inputs


def _built(name: str) -> tuple[nn.Module, Inputs]:
    if name in library_networks.BUILDERS:
        return library_networks.build(name)
    torchvision = zoo.torchvision()
    torch.manual_seed(0)
    if name.startswith("timm/"):
        import timm

        network = timm.create_model(name.removeprefix("timm/"), pretrained=False)
        return network, (torch.randn(1, *network.default_cfg["input_size"]),)
    return getattr(torchvision.models, name)(weights=None), (torch.randn(1, 3, 224, 224),)


def _row(name: str, found: dict[str, Any]) -> str:
    if "failed" in found:
        return f"| {name} |" + " - |" * 6 + f" no | {found['failed']} |"
    reasons = collections.Counter(f"{where}: {why}" for where, why in found["barriers"])
    most = "; ".join(reason for reason, _ in reasons.most_common(2)).replace("|", "/")[:200]
    verdict = "yes" if shrinks(found) else ("wrong" if is_wrong(found) else "no")
    return (
        f"| {name} | {found['survey']:.2f} | {found['numbers']:.1f} | {found['channels']} "
        f"| {found['leaving']:.0%} | {found['least']:.0%} | {found['parameters']:.0%} "
        f"| {verdict} | {'' if found['leaving'] > 0.95 else most} |"
    )


def is_wrong(found: dict[str, Any]) -> bool:
    """Tell whether a smaller network computes something else, in one mode or the other."""
    return max(found["error"], found.get("error in training", 0.0)) > 1e-3


def shrinks(found: dict[str, Any]) -> bool:
    """Tell whether a network really became smaller and stayed right."""
    return "failed" not in found and found["leaving"] >= LEAST and not is_wrong(found)


def library_of(name: str) -> str:
    """Return the library that a network is of."""
    return name.partition("/")[0] if "/" in name else "torchvision"


def _print_totals(found: dict[str, dict[str, Any]]) -> None:
    counts: collections.Counter[str] = collections.Counter()
    for result in found.values():
        counts.update({_kind(*barrier) for barrier in result.get("barriers", [])})
    print("\n| networks | barrier |\n|---|---|")
    for kind, count in counts.most_common():
        print(f"| {count} | {kind.replace('|', '/')} |")
    for library in dict.fromkeys(map(library_of, found)):
        mine = [result for name, result in found.items() if library_of(name) == library]
        some = [result for result in mine if "failed" not in result]
        print(
            f"\n{library}: {sum(map(shrinks, mine))} of {len(mine)} shrink; surveyed {len(some)}; "
            f"wrong {sum(map(is_wrong, some))}; channels that can leave, mean over networks "
            f"{sum(r['leaving'] for r in some) / max(len(some), 1):.0%}; surveys over 5 CPU s: "
            f"{sum(r['survey'] > 5 for r in some)}"
        )


def _kind(operation: str, reason: str) -> str:
    """Return a barrier without the name of a layer and without sizes."""
    where = operation if operation.startswith("aten") else "proof"
    words = ("#" if any(c.isdigit() for c in word) else word for word in reason.split())
    return f"{where}: {' '.join(words)}"[:160]


if __name__ == "__main__":
    main()
