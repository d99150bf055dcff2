"""Small networks, with random weights, of libraries that people take theirs from.

    pip install -e ".[coverage]"    # or the packages of that extra with --no-deps, beside torch

A builder returns a network and example inputs as its library's documents call it: a tuple, or a
mapping of keyword arguments. Widths and depths are small, so that a survey takes seconds; what the
networks are made of is what the full ones are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import zoo
from torch import Tensor, nn

Inputs = tuple[Any, ...] | dict[str, Any]
Builder = Callable[[], tuple[nn.Module, Inputs]]
BUILDERS: dict[str, Builder] = {}
"""Builders by "library/network"."""


def build(name: str) -> tuple[nn.Module, Inputs]:
    """Return a network in evaluation mode and its example inputs, always with the same weights.

    Raises:
        ImportError: the library is not installed.
    """
    zoo.torchvision()
    torch.manual_seed(0)
    network, inputs = BUILDERS[name]()
    return network.eval(), inputs


def _offer(library: str, name: str, builder: Builder) -> None:
    BUILDERS[f"{library}/{name}"] = builder


# --- transformers ---------------------------------------------------------------------------------

TEXT: dict[str, Any] = {"vocab_size": 99}
ENCODER = {
    **TEXT, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
    "intermediate_size": 64, "max_position_embeddings": 64,
}  # fmt: skip
DECODER = {**ENCODER, "num_key_value_heads": 2, "pad_token_id": 0}
VISION = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64,
    "image_size": 32, "patch_size": 8,
}  # fmt: skip


def _words() -> dict[str, Tensor]:
    """Return two sentences of ten tokens, the second of which ends after seven."""
    mask = torch.ones(2, 10, dtype=torch.long)
    mask[1, 7:] = 0
    return {"input_ids": torch.randint(3, 99, (2, 10)), "attention_mask": mask}


def _pictures() -> dict[str, Tensor]:
    return {"pixel_values": torch.randn(2, 3, 32, 32)}


def _transformers(name: str, make: Callable[[], Inputs], **config: Any) -> None:
    """Offer a network of transformers by the name of its class."""

    def builder() -> tuple[nn.Module, Inputs]:
        import transformers

        kind = getattr(transformers, name)
        configured = kind.config_class(**config)
        # What it calculates, and neither what it remembers nor how it wraps that.
        configured.use_cache = False
        return kind(configured), make()

    _offer("transformers", name, builder)


_transformers("BertForSequenceClassification", _words, **ENCODER)
_transformers("RobertaForSequenceClassification", _words, **ENCODER)
_transformers("ElectraForSequenceClassification", _words, **ENCODER, embedding_size=16)
_transformers("AlbertForSequenceClassification", _words, **ENCODER, embedding_size=16)
_transformers("MPNetForSequenceClassification", _words, **ENCODER)
_transformers("DebertaV2ForSequenceClassification", _words, **ENCODER)
_transformers(
    "DistilBertForSequenceClassification", _words,
    **TEXT, dim=32, n_layers=2, n_heads=4, hidden_dim=64, max_position_embeddings=64,
)  # fmt: skip
_transformers("GPT2LMHeadModel", _words, **TEXT, n_embd=32, n_layer=2, n_head=4, n_positions=64)
_transformers("GPTNeoXForCausalLM", _words, **ENCODER)
_transformers(
    "OPTForCausalLM", _words,
    **TEXT, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, ffn_dim=64,
    max_position_embeddings=64, word_embed_proj_dim=32,
)  # fmt: skip
for _name in ("Llama", "Mistral", "Qwen2", "Phi", "StableLm"):
    _transformers(f"{_name}ForCausalLM", _words, **DECODER)
_transformers("Qwen3ForCausalLM", _words, **DECODER, head_dim=8)
_transformers("GemmaForCausalLM", _words, **DECODER, head_dim=8)
_transformers("MixtralForCausalLM", _words, **DECODER, num_local_experts=4, num_experts_per_tok=2)
_transformers(
    "MambaForCausalLM", lambda: {"input_ids": torch.randint(3, 99, (2, 10))},
    **TEXT, hidden_size=32, num_hidden_layers=2, state_size=8,
)  # fmt: skip
_transformers(
    "T5ForConditionalGeneration",
    lambda: {**_words(), "decoder_input_ids": torch.randint(3, 99, (2, 6))},
    **TEXT, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4,
)  # fmt: skip
_transformers(
    "BartForConditionalGeneration",
    lambda: {**_words(), "decoder_input_ids": torch.randint(3, 99, (2, 6))},
    **TEXT, d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4,
    decoder_attention_heads=4, encoder_ffn_dim=64, decoder_ffn_dim=64, max_position_embeddings=64,
)  # fmt: skip
_transformers("ViTForImageClassification", _pictures, **VISION)
_transformers("DeiTForImageClassification", _pictures, **VISION)
_transformers(
    "SwinForImageClassification", _pictures,
    image_size=32, patch_size=2, embed_dim=16, depths=[2, 2], num_heads=[2, 4], window_size=4,
)  # fmt: skip
_transformers(
    "ConvNextV2ForImageClassification", _pictures,
    hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 2, 1], image_size=32,
)  # fmt: skip
_transformers(
    "ResNetForImageClassification", _pictures,
    embedding_size=8, hidden_sizes=[16, 24, 32], depths=[1, 1, 1], layer_type="basic",
)  # fmt: skip
_transformers(
    "SegformerForSemanticSegmentation", _pictures,
    num_encoder_blocks=4, depths=[1, 1, 1, 1], hidden_sizes=[8, 16, 24, 32],
    num_attention_heads=[1, 2, 2, 4], decoder_hidden_size=32, num_labels=4,
)  # fmt: skip
_transformers(
    "WhisperForConditionalGeneration",
    lambda: {
        "input_features": torch.randn(2, 16, 40),
        "decoder_input_ids": torch.randint(3, 99, (2, 6)),
    },
    **TEXT, num_mel_bins=16, d_model=32, encoder_layers=2, decoder_layers=2,
    encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=64, decoder_ffn_dim=64,
    max_source_positions=20, max_target_positions=20, pad_token_id=0, bos_token_id=1,
    eos_token_id=2, decoder_start_token_id=1,
)  # fmt: skip
_transformers(
    "Wav2Vec2ForCTC", lambda: {"input_values": torch.randn(2, 800)},
    **{**ENCODER, "vocab_size": 20}, conv_dim=[16, 16, 16], conv_kernel=[10, 3, 3],
    conv_stride=[5, 2, 2], num_feat_extract_layers=3, num_conv_pos_embeddings=16,
    num_conv_pos_embedding_groups=4,
)  # fmt: skip


def _clip() -> tuple[nn.Module, Inputs]:
    import transformers

    text = {**ENCODER, "projection_dim": 16, "eos_token_id": 2}
    config = transformers.CLIPConfig(text_config=text, vision_config=VISION, projection_dim=16)
    return transformers.CLIPModel(config), {**_words(), **_pictures()}


def _detr() -> tuple[nn.Module, Inputs]:
    import transformers

    backbone = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1], layer_type="basic",
        out_features=["stage4"],
    )  # fmt: skip
    config = transformers.DetrConfig(
        use_timm_backbone=False, backbone_config=backbone, backbone=None,
        use_pretrained_backbone=False, num_queries=5, d_model=32, encoder_layers=2,
        decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4,
        encoder_ffn_dim=64, decoder_ffn_dim=64, num_labels=4,
    )  # fmt: skip
    return transformers.DetrForObjectDetection(config), {"pixel_values": torch.randn(2, 3, 64, 64)}


_offer("transformers", "CLIPModel", _clip)
_offer("transformers", "DetrForObjectDetection", _detr)

# --- segmentation-models-pytorch ------------------------------------------------------------------


def _smp(name: str, encoder: str, size: int = 64) -> None:
    def builder() -> tuple[nn.Module, Inputs]:
        import segmentation_models_pytorch as smp

        network = getattr(smp, name)(encoder, encoder_weights=None, classes=3)
        return network, (torch.randn(2, 3, size, size),)

    _offer("smp", f"{name}-{encoder}", builder)


for _name in (
    "Unet", "UnetPlusPlus", "MAnet", "Linknet", "FPN", "PSPNet", "PAN", "DeepLabV3",
    "DeepLabV3Plus", "UPerNet",
):  # fmt: skip
    _smp(_name, "resnet18", size=128 if _name == "PAN" else 64)
_smp("Segformer", "mit_b0")
_smp("Unet", "mobilenet_v2")

# --- ultralytics ----------------------------------------------------------------------------------


def _ultralytics(name: str, size: int) -> None:
    def builder() -> tuple[nn.Module, Inputs]:
        from ultralytics import YOLO

        return YOLO(f"{name}.yaml", verbose=False).model.float(), (torch.randn(2, 3, size, size),)

    _offer("ultralytics", name, builder)


for _name in ("yolov5n", "yolov8n", "yolov8n-seg", "yolo11n", "yolo11n-pose"):
    _ultralytics(_name, 64)
_ultralytics("yolov8n-cls", 64)

# --- diffusers ------------------------------------------------------------------------------------


def _diffusers(name: str, make: Callable[[], Inputs], **config: Any) -> None:
    def builder() -> tuple[nn.Module, Inputs]:
        import diffusers

        return getattr(diffusers, name)(**config), make()

    _offer("diffusers", name, builder)


_diffusers(
    "UNet2DModel",
    lambda: {"sample": torch.randn(2, 3, 16, 16), "timestep": torch.tensor([1, 7])},
    sample_size=16, block_out_channels=(16, 32), layers_per_block=1, norm_num_groups=4,
    down_block_types=("DownBlock2D", "AttnDownBlock2D"), attention_head_dim=8,
    up_block_types=("AttnUpBlock2D", "UpBlock2D"),
)  # fmt: skip
_diffusers(
    "UNet2DConditionModel",
    lambda: {
        "sample": torch.randn(2, 4, 16, 16),
        "timestep": torch.tensor([1, 7]),
        "encoder_hidden_states": torch.randn(2, 5, 24),
    },
    sample_size=16, block_out_channels=(16, 32), layers_per_block=1, norm_num_groups=4,
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), cross_attention_dim=24,
    up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), attention_head_dim=8,
)  # fmt: skip
_diffusers(
    "AutoencoderKL", lambda: {"sample": torch.randn(2, 3, 32, 32)},
    block_out_channels=(16, 32), norm_num_groups=4, layers_per_block=1,
    down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
)  # fmt: skip
_diffusers(
    "DiTTransformer2DModel",
    lambda: {
        "hidden_states": torch.randn(2, 4, 16, 16),
        "timestep": torch.tensor([1, 7]),
        "class_labels": torch.tensor([0, 3]),
    },
    num_attention_heads=4, attention_head_dim=8, in_channels=4, out_channels=8, num_layers=2,
    sample_size=16, num_embeds_ada_norm=10,
)  # fmt: skip

# --- monai ----------------------------------------------------------------------------------------


def _monai(name: str, size: tuple[int, ...], **config: Any) -> None:
    def builder() -> tuple[nn.Module, Inputs]:
        from monai.networks import nets

        return getattr(nets, name)(**config), (torch.randn(2, 1, *size),)

    _offer("monai", name, builder)


PLANE: dict[str, Any] = {"spatial_dims": 2, "in_channels": 1, "out_channels": 3}
_monai("UNet", (32, 32), **PLANE, channels=(8, 16, 32), strides=(2, 2), num_res_units=1)
_monai("AttentionUnet", (32, 32), **PLANE, channels=(8, 16, 32), strides=(2, 2))
_monai("BasicUNet", (32, 32), **PLANE, features=(8, 8, 16, 32, 32, 8))
_monai("SegResNet", (32, 32), **PLANE, init_filters=8)
_monai("DynUNet", (32, 32), **PLANE, kernel_size=[3, 3, 3], strides=[1, 2, 2],
       upsample_kernel_size=[2, 2])  # fmt: skip
_monai("VNet", (32, 32), **PLANE)
_monai("DenseNet121", (64, 64), **PLANE)
_monai("UNETR", (32, 32), **PLANE, img_size=32, feature_size=8, hidden_size=32, mlp_dim=64,
       num_heads=4)  # fmt: skip
_monai("SwinUNETR", (64, 64), **PLANE, feature_size=12, depths=(1, 1, 1, 1),
       num_heads=(2, 2, 4, 4), window_size=4)  # fmt: skip

# --- torch_geometric ------------------------------------------------------------------------------


def _geometric(name: str, **config: Any) -> None:
    def builder() -> tuple[nn.Module, Inputs]:
        from torch_geometric import nn as geometric

        network = getattr(geometric, name)(8, 32, num_layers=3, out_channels=4, **config)
        edges = torch.stack([torch.arange(12), torch.arange(12).roll(5)])
        return network, {"x": torch.randn(12, 8), "edge_index": edges}

    _offer("torch_geometric", name, builder)


_geometric("GCN")
_geometric("GraphSAGE")
_geometric("GIN")
_geometric("GAT", heads=4)
_geometric("EdgeCNN")
