"""How many architectures of torchvision and timm can be made smaller, without code for any.

    python benchmarks/coverage.py
    python benchmarks/coverage.py --models resnet18 timm/levit_128s

Needs both packages (see ``zoo.py``). Each network has random weights, with scales, shifts and
running statistics drawn anew so that none of them is neutral, and a process of its own with a
limit of time. It is surveyed, the weaker half of each layer's removable channels is taken away,
and the smaller network is developed and run on the CPU.

*can leave* is the share of the output channels of all layers with synapses but the last which the
smallest network does without; *parameters* is what is left of all parameters at half the channels;
a network *shrinks* if at least a tenth of its channels can leave and the output of its half equals,
within 1e-3 of its largest entry, that of the ancestor with what is absent at zero. A second table
counts the barriers: operations at which channels are kept, in how many networks.
"""

from __future__ import annotations

import argparse
import collections
import copy
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import zoo
from torch import Tensor, nn

from evoframe import anatomy

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
MODELS = (*TORCHVISION, *(f"timm/{name}" for name in TIMM))
LEAST = 0.1
"""The share of channels that must be able to leave for a network to count as one that shrinks."""


def main() -> None:
    """Print a Markdown table of networks, one of barriers, and the totals."""
    asked = _arguments()
    if asked.one:
        print(json.dumps(measured(asked.one)))
        return
    print("| network | survey, CPU s | channels | can leave | parameters | shrinks | why not |")
    print("|---|---|---|---|---|---|---|", flush=True)
    found = {}
    for name in asked.models:
        found[name] = in_a_process(name, asked.seconds)
        print(_row(name, found[name]), flush=True)
    _print_totals(found)
    if asked.out:
        asked.out.write_text(json.dumps(found, indent=1))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=MODELS, metavar="NAME")
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
    start = time.process_time()
    plan = anatomy.survey(network, inputs, zoo.evolvable(network))
    taken = time.process_time() - start
    bundles = plan.bundles
    smallest = bundles.staying(torch.zeros_like(bundles.kept))
    staying = [smallest[targets].reshape(-1) for targets in plan.wiring.targets.values()]
    outputs = torch.cat(staying)
    return {
        "survey": taken,
        "channels": len(outputs),
        "leaving": float((~outputs).float().mean()),
        "barriers": [[barrier.operation, barrier.reason] for barrier in plan.barriers],
        **_half(plan, inputs),
    }


def _half(plan: anatomy.Anatomy, inputs: tuple[Tensor, ...]) -> dict[str, Any]:
    """Return what is left of the parameters, and how far the output is from what it should be."""
    genotype = zoo.halved(plan)
    smaller = plan.develop(genotype).network.eval()
    masked = copy.deepcopy(plan.network)
    with torch.no_grad():
        for name, value in masked.state_dict().items():
            value.copy_(genotype.state.get(name, value))
        ours, due = _flat(smaller(*inputs)), _flat(masked(*inputs))
    share = zoo.parameters(smaller) / zoo.parameters(masked)
    if ours.shape != due.shape:
        return {"parameters": share, "error": float("inf")}
    largest = due.abs().max().clamp_min(1e-30)
    return {"parameters": share, "error": float((ours - due).abs().max() / largest)}


def _flat(output: Any) -> Tensor:
    """Return all tensors of an output in one row."""
    values = list(output.values()) if isinstance(output, Mapping) else output
    values = values if isinstance(values, list | tuple) else [values]
    return torch.cat([value.reshape(-1) for value in values if isinstance(value, Tensor)])


def _network(name: str) -> tuple[nn.Module, tuple[Tensor, ...]]:
    torchvision = zoo.torchvision()
    torch.manual_seed(0)
    if name.startswith("timm/"):
        import timm

        network = timm.create_model(name.removeprefix("timm/"), pretrained=False)
        size = network.default_cfg["input_size"]
    else:
        network = getattr(torchvision.models, name)(weights=None)
        size = (3, 224, 224)
    for parameter in network.parameters():
        if parameter.ndim == 1:
            parameter.data += 0.3 * torch.randn_like(parameter)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) and module.running_mean is not None:
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
    return network.eval(), (torch.randn(1, *size),)


def _row(name: str, found: dict[str, Any]) -> str:
    if "failed" in found:
        return f"| {name} | - | - | - | - | no | {found['failed']} |"
    reasons = collections.Counter(f"{where}: {why}" for where, why in found["barriers"])
    most = "; ".join(reason for reason, _ in reasons.most_common(2)).replace("|", "/")[:200]
    verdict = "yes" if shrinks(found) else ("wrong" if found["error"] > 1e-3 else "no")
    return (
        f"| {name} | {found['survey']:.2f} | {found['channels']} | {found['leaving']:.0%} "
        f"| {found['parameters']:.0%} | {verdict} | {'' if found['leaving'] > 0.95 else most} |"
    )


def shrinks(found: dict[str, Any]) -> bool:
    """Tell whether a network really became smaller and stayed right."""
    return "failed" not in found and found["leaving"] >= LEAST and found["error"] <= 1e-3


def _print_totals(found: dict[str, dict[str, Any]]) -> None:
    counts: collections.Counter[str] = collections.Counter()
    for result in found.values():
        counts.update({_kind(*barrier) for barrier in result.get("barriers", [])})
    print("\n| networks | barrier |\n|---|---|")
    for kind, count in counts.most_common():
        print(f"| {count} | {kind.replace('|', '/')} |")
    for package in ("torchvision", "timm"):
        mine = [r for n, r in found.items() if n.startswith("timm/") == (package == "timm")]
        some = [result for result in mine if "failed" not in result]
        print(
            f"\n{package}: {sum(map(shrinks, mine))} of {len(mine)} shrink; surveyed {len(some)}; "
            f"wrong {sum(result['error'] > 1e-3 for result in some)}; channels that can leave, "
            f"mean over networks {sum(r['leaving'] for r in some) / max(len(some), 1):.0%}"
        )


def _kind(operation: str, reason: str) -> str:
    """Return a barrier without the name of a layer and without sizes."""
    where = operation if operation.startswith("aten") else "proof"
    words = ("#" if any(c.isdigit() for c in word) else word for word in reason.split())
    return f"{where}: {' '.join(words)}"[:160]


if __name__ == "__main__":
    main()
