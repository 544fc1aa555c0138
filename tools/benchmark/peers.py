"""The engines to compare with: diffusers' and transformers' modules in PyTorch, and the same converted for OpenVINO."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from .workloads import PADDED, TOKENS

Inputs = dict[str, Any]
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def instructions(engine: str, run: Any) -> str:
    """What the engine uses: the set that PyTorch says, or OpenVINO's names of kernels beyond AVX2."""
    if engine == "torch":
        return str(torch.backends.cpu.get_cpu_capability())
    operations = [operation.get_rt_info() for operation in run.model.get_runtime_model().get_ops()]
    names = {str(info["primitiveType"].astype(str)) for info in operations if "primitiveType" in info}
    return ", ".join(sorted(name for name in names if "avx512" in name or "amx" in name or "mlas" in name)) or "AVX2"


def stage(engine: str, name: str, folder: str, px: int, precision: str) -> Callable[[], object]:
    """Loads a stage. Returns its work."""
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    for logging in diffusers_logging, transformers_logging:
        logging.set_verbosity_error()
        logging.disable_progress_bar()
    torch.set_grad_enabled(False)
    in_torch = engine == "torch" and precision in DTYPES
    module, inputs = MODULES[name](folder, px, DTYPES[precision] if in_torch else torch.float32)
    if engine == "openvino":
        return openvino(module, inputs, precision)
    if precision == "int8":
        torch.backends.quantized.engine = "onednn"
        module = torch.ao.quantization.quantize_dynamic(module, {torch.nn.Linear}, dtype=torch.qint8, inplace=True)
    return lambda: module(**inputs)


def text_encoder(folder: str, px: int, dtype: torch.dtype) -> tuple[torch.nn.Module, Inputs]:
    from transformers import T5EncoderModel

    model = T5EncoderModel.from_pretrained(folder, subfolder="text_encoder", dtype=dtype).eval()
    ids = torch.zeros(1, PADDED, dtype=torch.int64)
    ids[0, :TOKENS] = torch.randint(3, model.config.vocab_size, (TOKENS,), generator=torch.Generator().manual_seed(2))
    return model, {"input_ids": ids, "attention_mask": (ids > 0).long()}


def transformer(folder: str, px: int, dtype: torch.dtype) -> tuple[torch.nn.Module, Inputs]:
    from diffusers import PixArtTransformer2DModel

    model = PixArtTransformer2DModel.from_pretrained(folder, subfolder="transformer", torch_dtype=dtype).eval()
    generator, side, width = torch.Generator().manual_seed(1), px // 8, model.config.caption_channels
    mask = torch.zeros(2, PADDED, dtype=dtype)
    mask[0, :1], mask[1, :TOKENS] = 1, 1
    size: Inputs = {"resolution": None, "aspect_ratio": None}
    if model.use_additional_conditions:
        size = {"resolution": torch.full((2, 2), px, dtype=dtype), "aspect_ratio": torch.ones(2, 1, dtype=dtype)}
    return model, {
        "hidden_states": torch.randn(2, 4, side, side, generator=generator).to(dtype),
        "encoder_hidden_states": (0.2 * torch.randn(2, PADDED, width, generator=generator)).to(dtype),
        "timestep": torch.full((2,), 500),
        "encoder_attention_mask": mask,
        "added_cond_kwargs": size,
    }


class VAEEncoder(torch.nn.Module):
    """The encoder of an autoencoder: pixels to the moments of latents."""

    def __init__(self, vae: Any) -> None:
        super().__init__()
        self.encoder, self.quant_conv = vae.encoder, vae.quant_conv

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.quant_conv(self.encoder(image))


class VAEDecoder(torch.nn.Module):
    """The decoder of an autoencoder: latents to pixels."""

    def __init__(self, vae: Any) -> None:
        super().__init__()
        self.post_quant_conv, self.decoder = vae.post_quant_conv, vae.decoder

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.post_quant_conv(latents))


def autoencoder(
    part: type[torch.nn.Module], name: str, channels: int, scale: int, folder: str, px: int, dtype: torch.dtype
) -> tuple[torch.nn.Module, Inputs]:
    from diffusers import AutoencoderKL

    vae = AutoencoderKL.from_pretrained(folder, subfolder="vae", torch_dtype=dtype).eval()
    layout = {"memory_format": torch.channels_last}  # the faster one
    maps = torch.randn(1, channels, px // scale, px // scale, generator=torch.Generator().manual_seed(3))
    return part(vae.to(**layout)).eval(), {name: maps.to(dtype).contiguous(**layout)}


MODULES: dict[str, Callable[[str, int, torch.dtype], tuple[torch.nn.Module, Inputs]]] = {
    "encode": text_encoder,
    "step": transformer,
    "decode": functools.partial(autoencoder, VAEDecoder, "latents", 4, 8),
    "image": functools.partial(autoencoder, VAEEncoder, "image", 3, 1),
}


class Flat(torch.nn.Module):
    """A module whose inputs are a plain list of tensors, as the conversion needs."""

    def __init__(self, module: torch.nn.Module, inputs: Inputs) -> None:
        super().__init__()
        self.module = module
        size = inputs.get("added_cond_kwargs", {})
        self.size = list(size)
        tensors = {name: value for name, value in (inputs | size).items() if torch.is_tensor(value)}
        self.names, self.values = list(tensors), tuple(tensors.values())

    def forward(self, *values: torch.Tensor) -> torch.Tensor:
        inputs: Inputs = dict(zip(self.names, values))
        if self.size:
            inputs["added_cond_kwargs"] = {name: inputs.pop(name, None) for name in self.size}
        output = self.module(**inputs)
        return output if torch.is_tensor(output) else output[0]


def openvino(module: torch.nn.Module, inputs: Inputs, precision: str) -> Compiled:
    """Compiles the module for the sizes of its inputs. int8 applies to weights; the other arithmetic is bfloat16."""
    from openvino import Core, convert_model
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    flat = Flat(module.requires_grad_(False), inputs).eval()
    shapes = [tuple(value.shape) for value in flat.values]
    # Tracing runs the module once; checking the trace would run it three times more.
    traced = TorchScriptPythonDecoder(flat, example_input=flat.values, trace_kwargs={"check_trace": False})
    converted = convert_model(traced, input=shapes)
    if precision == "int8":
        compress_weights(converted)
    # Without AVX-512, OpenVINO's bfloat16 kernels fail.
    hint = "f32" if precision == "float32" or "ONEDNN_MAX_CPU_ISA" in os.environ else "bf16"
    compiled = Core().compile_model(converted, "CPU", {"INFERENCE_PRECISION_HINT": hint})
    return Compiled(compiled, [value.numpy() for value in flat.values])


class Compiled:
    """A converted module with its inputs."""

    def __init__(self, model: Any, arrays: list[np.ndarray]) -> None:
        self.model, self.arrays = model, arrays

    def __call__(self) -> object:
        return self.model(self.arrays)


def compress_weights(model: Any) -> None:
    """Gives every GEMM int8 weights with a scale for each output, in NNCF's form.

    OpenVINO then also quantizes activations if that is faster (its "dynamic quantization").
    """
    from openvino import opset13 as ops

    for node in model.get_ordered_ops():
        if node.get_type_name() != "MatMul" or not node.get_attributes()["transpose_b"]:
            continue
        constant = node.input_value(1).get_node()
        if constant.get_type_name() != "Constant":
            continue
        weights = constant.data  # [outputs, inputs]
        scale = np.maximum(np.abs(weights).max(axis=1, keepdims=True), 1e-12).astype(np.float32) / 127
        values = ops.constant(np.rint(weights / scale).astype(np.int8))
        product = ops.multiply(ops.convert(values, "f32"), ops.constant(scale))
        node.input(1).replace_source_output(product.output(0))
