"""The autoencoder, the text encoder, the transformer and the scheduler."""

import torch
from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, PixArtTransformer2DModel
from emoji_images import SIZE
from torch import nn
from transformers import T5Config, T5EncoderModel

LATENT_CHANNELS = 8
GRID = 16  # edge of the latents
TEXT_WIDTH = 192
WIDTH, HEAD, LAYERS = 192, 64, 5

SCHEDULER = {
    "_class_name": "DPMSolverMultistepScheduler",
    "_diffusers_version": "0.22.0.dev0",
    "algorithm_type": "dpmsolver++",
    "beta_end": 0.02,
    "beta_schedule": "linear",
    "beta_start": 0.0001,
    "dynamic_thresholding_ratio": 0.995,
    "euler_at_final": False,
    "lambda_min_clipped": float("-inf"),
    "lower_order_final": True,
    "num_train_timesteps": 1000,
    "prediction_type": "v_prediction",
    "sample_max_value": 1.0,
    "solver_order": 2,
    "solver_type": "midpoint",
    "steps_offset": 0,
    "thresholding": False,
    "timestep_spacing": "linspace",
    "trained_betas": None,
    "use_karras_sigmas": False,
    "use_lu_lambdas": False,
    "variance_type": None,
}


def new_vae() -> AutoencoderKL:
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(32, 32, 64, 128),
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=16,
        sample_size=SIZE,
        mid_block_add_attention=False,
    )


def new_text_encoder(vocabulary: int) -> T5EncoderModel:
    return T5EncoderModel(
        T5Config(
            vocab_size=vocabulary,
            d_model=TEXT_WIDTH,
            d_kv=32,
            d_ff=384,
            num_layers=2,
            num_heads=6,
            feed_forward_proj="gated-gelu",
            relative_attention_num_buckets=32,
            relative_attention_max_distance=128,
            dropout_rate=0.0,
            layer_norm_epsilon=1e-6,
            is_encoder_decoder=True,
            tie_word_embeddings=False,
            use_cache=False,
            pad_token_id=0,
            eos_token_id=1,
            decoder_start_token_id=0,
        )
    )


def new_transformer() -> PixArtTransformer2DModel:
    transformer = PixArtTransformer2DModel(
        num_attention_heads=WIDTH // HEAD,
        attention_head_dim=HEAD,
        in_channels=LATENT_CHANNELS,
        out_channels=2 * LATENT_CHANNELS,
        num_layers=LAYERS,
        dropout=0.0,
        norm_num_groups=32,
        cross_attention_dim=WIDTH,
        attention_bias=True,
        sample_size=GRID,
        patch_size=2,
        activation_fn="gelu-approximate",
        num_embeds_ada_norm=1000,
        norm_type="ada_norm_single",
        norm_elementwise_affine=False,
        norm_eps=1e-6,
        caption_channels=TEXT_WIDTH,
        use_additional_conditions=False,
    )
    for module in transformer.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
    nn.init.zeros_(transformer.proj_out.weight)
    for block in transformer.transformer_blocks:
        nn.init.normal_(block.attn2.to_out[0].weight, std=0.02)
    return transformer


class Denoiser(nn.Module):
    """Text encoder and transformer together: noisy latents and token ids in, velocity out."""

    def __init__(self, vocabulary: int):
        super().__init__()
        self.text_encoder = new_text_encoder(vocabulary)
        self.transformer = new_transformer()

    def encode(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.text_encoder(ids, attention_mask=mask)[0]

    def velocity(self, noisy: torch.Tensor, step: torch.Tensor, text: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The first half of the channels; the second would be the variance, which nothing uses."""
        return self.transformer(
            noisy, encoder_hidden_states=text, encoder_attention_mask=mask, timestep=step, return_dict=False
        )[0][:, :LATENT_CHANNELS]


@torch.no_grad()
def sample(
    model: Denoiser,
    ids: torch.Tensor,
    mask: torch.Tensor,
    empty: tuple[torch.Tensor, torch.Tensor],
    noise: torch.Tensor,
    steps: int = 20,
    guidance: float = 4.5,
) -> torch.Tensor:
    """Scaled latents for a batch of prompts, with classifier-free guidance (none if the scale is 1)."""
    scheduler = DPMSolverMultistepScheduler.from_config(SCHEDULER)
    scheduler.set_timesteps(steps)
    count, latents = len(noise), noise * scheduler.init_noise_sigma
    text, empty_text = model.encode(ids, mask), model.encode(*empty)
    for step in scheduler.timesteps:
        now = step.expand(count)
        velocity = model.velocity(latents, now, text, mask)
        if guidance != 1:
            base = model.velocity(latents, now, empty_text.expand(count, -1, -1), empty[1].expand(count, -1))
            velocity = base + guidance * (velocity - base)
        latents = scheduler.step(velocity.float(), step, latents, return_dict=False)[0]
    return latents
