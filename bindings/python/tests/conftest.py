"""The model of the tests, opened once, embeddings made with it, and random numbers."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest

import pixart

os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(pathlib.Path(pixart.__file__).parents[1]), os.environ.get("PYTHONPATH")])
)
"""Processes that tests start import the same package."""

# A shell ignores SIGINT for what it starts in the background, and the processes of tests would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

SMALL = {"seed": 3, "num_inference_steps": 4, "use_resolution_binning": False}
"""Options of a short run."""

CONTROL_BLOCKS = 2
"""Blocks of the ControlNet."""


@pytest.fixture(scope="session")
def model() -> pathlib.Path:
    """$PIXART_TEST_MODEL, or `models/emoji` in a folder above this file. The tests need it."""
    given = os.environ.get("PIXART_TEST_MODEL")
    if given:
        return pathlib.Path(given)
    for folder in pathlib.Path(__file__).resolve().parents:
        if (folder / "models" / "emoji" / "model_index.json").is_file():
            return folder / "models" / "emoji"
    pytest.fail("models/emoji is in no folder above the tests; PIXART_TEST_MODEL can name another model")


@pytest.fixture(scope="session")
def encoder(model):
    with pixart.Encoder(model) as encoder:
        yield encoder


@pytest.fixture(scope="session")
def denoiser(model):
    with pixart.Denoiser(model) as denoiser:
        yield denoiser


@pytest.fixture(scope="session")
def decoder(model):
    with pixart.Decoder(model) as decoder:
        yield decoder


@pytest.fixture(scope="session")
def image_encoder(model):
    with pixart.ImageEncoder(model) as image_encoder:
        yield image_encoder


@pytest.fixture(scope="session")
def prompt(encoder) -> np.ndarray:
    return encoder.encode("a cute cat face on a blue background")


@pytest.fixture(scope="session")
def negative(encoder) -> np.ndarray:
    return encoder.encode("")


@pytest.fixture(scope="session")
def latents(denoiser, prompt, negative) -> np.ndarray:
    return denoiser.denoise(prompt, negative, **SMALL)


@pytest.fixture(scope="session")
def transformer_weights(model) -> dict[str, np.ndarray]:
    return pixart.load_tensors(model / "transformer" / "diffusion_pytorch_model.safetensors")


@pytest.fixture(scope="session")
def lora(transformer_weights, tmp_path_factory) -> pathlib.Path:
    """An adapter of the model's transformer, "style", as diffusers saves it."""
    tensors, random = {}, np.random.default_rng(5)
    for name, weight in transformer_weights.items():
        if name.endswith("attn1.to_v.weight"):
            module, (rows, columns) = f"transformer.{name.removesuffix('.weight')}", weight.shape
            tensors[f"{module}.lora_A.weight"] = random.standard_normal((2, columns)).astype(np.float32) / columns**0.5
            tensors[f"{module}.lora_B.weight"] = random.standard_normal((rows, 2)).astype(np.float32)
    path = tmp_path_factory.mktemp("adapters") / "style.safetensors"
    pixart.save_tensors(path, tensors)
    return path


@pytest.fixture(scope="session")
def controlnet(model, transformer_weights, tmp_path_factory):
    """The folder of a ControlNet in the form of diffusers, made of the model's own blocks."""
    weights = transformer_weights
    width = len(weights["pos_embed.proj.bias"])
    tensors = {}
    for copy in range(CONTROL_BLOCKS):
        for name, values in weights.items():
            block = f"transformer_blocks.{copy}."
            if name.startswith(block):
                tensors[f"controlnet_blocks.{copy}.transformer_block.{name[len(block) :]}"] = values
        for layer in ("before_proj", "after_proj")[copy > 0 :]:
            tensors[f"controlnet_blocks.{copy}.{layer}.weight"] = np.eye(width, dtype=np.float32) / 4
            tensors[f"controlnet_blocks.{copy}.{layer}.bias"] = np.zeros(width, np.float32)
    folder = tmp_path_factory.mktemp("controlnet")
    pixart.save_tensors(folder / "diffusion_pytorch_model.safetensors", tensors)
    config = {"_class_name": "PixArtControlNetAdapterModel", "num_layers": CONTROL_BLOCKS}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="session")
def run_python():
    """Runs code in a new process that can import this package. Arguments become sys.argv[1:], keywords the
    environment."""
    package = str(pathlib.Path(pixart.__file__).parents[1])

    def run(code, *arguments, **environment):
        environment = {**os.environ, "PYTHONPATH": package, **environment}
        command = [sys.executable, "-c", code, *map(str, arguments)]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    return run


@pytest.fixture
def random():
    """Random numbers, the same in every run."""
    return np.random.default_rng(12)


@pytest.fixture(scope="session")
def start_server(model):
    """Starts a server with arguments, as a context manager. It is ready, and is killed if it still runs at the end."""

    from running_server import RunningServer, until

    @contextlib.contextmanager
    def start(*arguments, is_ready=True, **environment):
        server = RunningServer(*arguments, model=str(model), **environment)
        try:
            if is_ready:
                until(lambda: server.get("/health").status == 200 and server.get("/ready").status == 200)
            yield server
        finally:
            server.close()

    return start


@pytest.fixture(scope="module")
def server(start_server):
    """A server with its default settings. It must end by SIGTERM and have written nothing to stderr."""
    with start_server() as server:
        yield server
        assert server.stop() == (0, "")
