"""Self-supervised transformers as parts of a recogniser: waveforms in, embeddings out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

PERCENT = 100.0
"""What a model hears as inputs [B, T, 1] is the waveform in percent of full scale, as features with
one band: methods that add noise in units of a feature, a dB, then add about as much to either."""


class ToPercent(nn.Module):
    """Waveforms [B, T] in -1..1 to inputs [B, T, 1] in percent of full scale."""

    def forward(self, waveforms: Tensor) -> Tensor:
        """Inputs [B, T, 1] of waveforms [B, T]."""
        return PERCENT * waveforms.unsqueeze(2)


class FromPercent(nn.Module):
    """Inputs [B, T, 1] in percent of full scale to waveforms [B, T] in -1..1."""

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """Waveforms [B, T] of inputs [B, T, 1], zero where they are padding."""
        frames = inputs.shape[1]
        spoken = torch.arange(frames, device=inputs.device) < (lengths * frames).round()[:, None]
        return inputs.squeeze(2) * spoken / PERCENT


class Encoder(nn.Module):
    """SpeechBrain's `Wav2Vec2` (or what derives from it), and statistics of its frames.

    Args:
        wav2vec2: waveforms and relative lengths to frames [B, T', D].
        pooling: SpeechBrain's `StatisticsPooling`, which says what is pooled. Its noise is left
            out (at most 9e-5): what a model says of an utterance must not depend on chance.
    """

    def __init__(self, wav2vec2: Any, pooling: Any) -> None:
        super().__init__()
        self.wav2vec2 = wav2vec2
        # Frozen weights take no gradients here by being none (see `model`); inputs do.
        wav2vec2.freeze = False
        # What would stand for masked frames is idle, and not to be differentiated by.
        model = wav2vec2.model
        if hasattr(model, "masked_spec_embed") and not model.config.apply_spec_augment:
            model.masked_spec_embed.requires_grad_(False)
        self._pools = bool(pooling.return_mean), bool(pooling.return_std)
        self._least = float(pooling.eps)

    def forward(self, waveforms: Tensor, lengths: Tensor) -> Tensor:
        """Embeddings [B, 1, D], or [B, 1, 2 D], of waveforms [B, T] with relative lengths [B]."""
        # To count operations there are only shapes, of which SpeechBrain can make no mask.
        masked = None if waveforms.is_meta else lengths
        frames: Tensor = self.wav2vec2(waveforms, masked)
        count = (lengths * frames.shape[1]).round().clamp_min(1)[:, None]
        places = torch.arange(frames.shape[1], device=frames.device)
        spoken = (places < count)[..., None].to(frames.dtype)
        mean = (frames * spoken).sum(dim=1) / count
        pooled = [mean] if self._pools[0] else []
        if self._pools[1]:
            squares = ((frames - mean[:, None]).square() * spoken).sum(dim=1)
            pooled.append((squares / (count - 1).clamp_min(1)).sqrt() + self._least)
        return torch.cat(pooled, dim=1)[:, None]
