"""The toy as methods meet it: a model that has something to forget."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy
from toys import ToySetup, make_task

from ser_unlearn.recogniser.model import Recogniser


@pytest.fixture(scope="session")
def learned(setup: ToySetup) -> Recogniser:
    """A model that knows the toy corpus well: there is something to forget."""
    model, _, _ = make_task(setup, "finetune")
    data = setup.utterances(setup.split.train, torch.Generator().manual_seed(0))
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    model.train()
    for _ in range(25):
        for inputs, lengths, labels in data.batches(18):
            optimiser.zero_grad()
            cross_entropy(model(inputs, lengths), labels).backward()
            optimiser.step()
    return model.eval()
