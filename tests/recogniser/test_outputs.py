"""What a model says: in order, whatever the companions, and kept bit for bit."""

import math

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
import torch
from scipy.special import softmax
from torch import nn

from ser_unlearn.data.corpus import Utterance
from ser_unlearn.recogniser.features import Ragged
from ser_unlearn.recogniser.outputs import (
    LARGEST_BATCH,
    cross_entropy,
    logits_of,
    predict,
    to_table,
)

CPU = torch.device("cpu")


class Net(nn.Module):
    """Features [B, T, 3] to logits [B, 4]; batch normalisation and dropout give modes away."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5))
        self.norm = nn.BatchNorm1d(8)
        self.last = nn.Linear(8, 4)
        self.sizes = []

    def forward(self, inputs, lengths):
        assert not torch.is_grad_enabled()
        assert lengths.tolist() == [1] * len(inputs)  # nothing is padded
        self.sizes.append(len(inputs))
        return self.last(self.norm(self.first(inputs).mean(dim=1)).relu())


@pytest.fixture
def features():
    generator = torch.Generator().manual_seed(1)
    lengths = [7, 3, 7, 5, 3, 7, 9]
    return Ragged.of([torch.randn(length, 3, generator=generator) for length in lengths])


# Batches of other sizes may sum in another order: single precision, and logits of size one.
SAME = {"rtol": 0, "atol": 1e-5}


@pytest.mark.parametrize("places", [range(7), [6, 0, 3], [2], [1, 1, 0]])
def test_outputs_are_in_the_order_that_was_asked_for(features, places):
    model = Net().eval()
    found = predict(model, features, places, CPU)
    assert found.shape == (len(places), 4)
    with torch.no_grad():
        alone = [model(features[place][None], torch.ones(1))[0] for place in places]
    torch.testing.assert_close(found, torch.stack(alone), **SAME)


def test_an_output_does_not_depend_on_its_companions(features):
    model = Net()
    everyone = predict(model, features, range(7), CPU)
    for place in range(7):
        alone = predict(model, features, [place], CPU)
        torch.testing.assert_close(alone[0], everyone[place], **SAME)


def test_batches_are_no_larger_than_they_may_be():
    many = Ragged.of([torch.full((2, 3), float(place)) for place in range(LARGEST_BATCH + 6)])
    model = Net()
    found = predict(model, many, range(len(many)), CPU)
    assert model.sizes == [LARGEST_BATCH, 6]
    torch.testing.assert_close(found[-1], predict(model, many, [len(many) - 1], CPU)[0], **SAME)


def test_modes_and_statistics_are_left_as_they_were(features):
    model = Net().train()
    model.norm.eval()
    mean = model.norm.running_mean.clone()
    predict(model, features, range(7), CPU)
    assert model.training
    assert model.first.training
    assert model.first[1].training
    assert not model.norm.training
    assert torch.equal(model.norm.running_mean, mean)


def utterance(name: str, emotion: str) -> Utterance:
    return Utterance(name, emotion, "anna", "one", name, 1.5)


def test_a_table_by_hand():
    logits = np.array([[0.0, np.log(3)], [0.0, 0.0], [5.0, 5.0]], np.float32)
    utterances = [utterance("a", "joy"), utterance("b", "calm"), utterance("c", "joy")]
    table = to_table(logits, utterances, ["calm", "joy"], {"forget": [2], "test": [0, 1]})
    assert table["utterance"].tolist() == ["a", "b", "c"]
    assert table["set"].tolist() == ["test", "test", "forget"]
    assert table["emotion"].tolist() == ["joy", "calm", "joy"]
    assert table["speaker"].tolist() == ["anna"] * 3
    assert table["duration_s"].tolist() == [1.5] * 3
    # ln 3 as float32 is wrong by up to 1e-7.
    assert table["loss"].tolist() == pytest.approx([np.log(4 / 3), np.log(2), np.log(2)], abs=1e-7)
    assert table["logit_joy"].tolist() == logits[:, 1].tolist()


def test_logits_come_back_bit_for_bit(tmp_path):
    logits = np.random.default_rng(0).normal(size=(3, 11)).astype(np.float32) * 1e3
    emotions = [f"e{number}" for number in range(11)]
    table = to_table(
        logits, [utterance(name, "e3") for name in "abc"], emotions, {"all": [0, 1, 2]}
    )
    table.to_parquet(tmp_path / "table.parquet", index=False)
    found = logits_of(pd.read_parquet(tmp_path / "table.parquet"))
    assert found.dtype == np.float32
    assert np.array_equal(found, logits)


# Cross-entropy


def test_cross_entropy_by_hand():
    # Equal logits: ln 2. Logits (ln 3, 0): probabilities 3/4 and 1/4, so -ln(3/4) and -ln(1/4).
    logits = np.array([[0, 0], [math.log(3), 0], [math.log(3), 0]], dtype=np.float32)
    found = cross_entropy(logits, np.array([1, 0, 1]))
    # ln 3 as float32 is wrong by up to 6e-8.
    np.testing.assert_allclose(found, [math.log(2), math.log(4 / 3), math.log(4)], atol=1e-7)


@pytest.mark.parametrize("seed", range(5))
def test_cross_entropy_agrees_with_log_loss_of_scikit_learn(seed):
    random = np.random.default_rng(seed)
    logits = (3 * random.standard_normal((40, 5))).astype(np.float32)
    labels = np.concatenate([np.arange(5), random.integers(0, 5, 35)])  # every class occurs
    probabilities = softmax(logits.astype(np.float64), axis=1)
    expected = [
        sklearn.metrics.log_loss([label], [row], labels=range(5))
        for label, row in zip(labels, probabilities, strict=True)
    ]
    # Two implementations of one formula in double precision agree to far more digits.
    np.testing.assert_allclose(cross_entropy(logits, labels), expected, atol=1e-6)


def test_cross_entropy_survives_huge_logits():
    # exp(1000) overflows; the losses are 0 and the difference of the logits.
    logits = np.array([[1000, 0], [1000, 0]], dtype=np.float32)
    np.testing.assert_array_equal(cross_entropy(logits, np.array([0, 1])), [0, 1000])
