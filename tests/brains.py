"""Models that SpeechBrain's own `Brain.fit` trains and saves, without the harness's training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import speechbrain
import torch
from speechbrain.utils.checkpoints import Checkpointer
from speechbrain.utils.epoch_loop import EpochCounter
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader

from ser_unlearn.recogniser.setup import Setup


class EmotionBrain(speechbrain.Brain):
    """Features in, emotions out, as SpeechBrain's recipes for emotions have it."""

    def compute_forward(self, batch: Any, stage: Any) -> Any:
        inputs, lengths, _ = batch
        normalised = self.modules.mean_var_norm(inputs, lengths)
        return self.modules.classifier(self.modules.embedding_model(normalised, lengths))

    def compute_objectives(self, predictions: Any, batch: Any, stage: Any) -> Any:
        return cross_entropy(predictions.squeeze(1), batch[2])

    def on_stage_end(self, stage: Any, stage_loss: float, epoch: int | None) -> None:
        if stage == speechbrain.Stage.TRAIN:
            self.checkpointer.save_and_keep_only(meta={"loss": stage_loss}, num_to_keep=1)


def modules(setup: Setup, seed: int) -> dict[str, torch.nn.Module]:
    """The recipe's modules, under its own names."""
    torch.manual_seed(seed)
    hparams = setup.recipe.load(setup.n_emotions)
    names = ("mean_var_norm", "embedding_model", "classifier")
    return {name: getattr(hparams, name) for name in names}


def checkpointer(folder: Path, parts: dict[str, torch.nn.Module], **more: Any) -> Checkpointer:
    """What saves and finds them: the normaliser is saved in SpeechBrain's own form."""
    return Checkpointer(folder, {**parts, **more})


def train_outside(
    setup: Setup, folder: Path, *, epochs: int = 6, seed: int = 7, listed: bool = False
) -> Path:
    """Train on a corpus's training set, and save with optimiser and counter.

    Args:
        setup: corpus and recipe.
        folder: where the checkpoint goes.
        epochs: over the training set.
        seed: of weights and order.
        listed: whether to save both networks as one `ModuleList`, as some recipes do.

    Returns:
        The folder.
    """
    parts = modules(setup, seed)
    counter = EpochCounter(epochs)
    saved: dict[str, Any] = parts
    if listed:
        saved = {
            "model": torch.nn.ModuleList([parts["embedding_model"], parts["classifier"]]),
        }
    brain = EmotionBrain(
        modules=parts,
        opt_class=lambda weights: torch.optim.AdamW(weights, lr=0.005),
        run_opts={"device": "cpu", "noprogressbar": True},
        checkpointer=checkpointer(folder, saved, counter=counter),
    )
    data = setup.utterances(setup.split.train, torch.Generator().manual_seed(seed))
    brain.fit(counter, DataLoader(list(data.batches(32)), batch_size=None))
    return folder


def predict(parts: dict[str, torch.nn.Module], setup: Setup, places: Sequence[int]) -> list[int]:
    """The emotions that modules name, utterance by utterance, as SpeechBrain's users call them."""
    for part in parts.values():
        part.eval()
    one = torch.ones(1)
    said = []
    with torch.no_grad():
        for place in places:
            normalised = parts["mean_var_norm"](setup.features[place][None], one)
            found = parts["classifier"](parts["embedding_model"](normalised, one))
            said.append(int(found.argmax()))
    return said
