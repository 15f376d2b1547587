"""Compression: weights that can be rounded and counted by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ser_unlearn.evaluation.compression import LEVELS, pruned, quantised

WEIGHTS = arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 3)),
    elements=st.floats(-100, 100, width=32),
)


def state(**tensors):
    return {name: torch.tensor(values) for name, values in tensors.items()}


# int8


def test_each_output_channel_is_rounded_on_its_own_grid():
    # Grids of 1 and of 0.5. A half is rounded to the even neighbour: 2.5 to 2, 0.75 / 0.5 to 2.
    weights = [[127.0, 2.5, -3.6, 0.4], [-63.5, 0.75, 0.2, 10.1]]
    found = quantised(state(weight=weights))["weight"]
    torch.testing.assert_close(
        found,
        torch.tensor([[127.0, 2.0, -4.0, 0.0], [-63.5, 1.0, 0.0, 10.0]]),
        rtol=1e-6,  # float32 has 7 digits
        atol=0,
    )


def test_a_convolutions_channel_is_all_that_makes_one_output():
    # One scale for the whole kernel [1, 2, 2]: 127 is in the second column, so 0.4 is nothing.
    found = quantised(state(weight=[[[0.4, 1.2], [127.0, -1.2]]]))["weight"]
    assert found.tolist() == [[[0.0, 1.0], [127.0, -1.0]]]


def test_a_channel_of_zeros_stays_zero():
    found = quantised(state(weight=[[0.0, 0.0], [1.0, 0.0]]))["weight"]
    torch.testing.assert_close(found, torch.tensor([[0.0, 0.0], [1.0, 0.0]]))


@pytest.mark.parametrize("compress", [quantised, lambda each: pruned(each, 1.0)])
def test_only_weights_of_two_dimensions_or_more_change(compress):
    before = state(bias=[0.3, 100.1], count=7, table=[[1, 300], [2, 3]], weight=[[0.30001, 100.1]])
    copy = {name: each.clone() for name, each in before.items()}
    after = compress(before)
    assert list(after) == list(before)
    assert not torch.equal(after["weight"], before["weight"])
    for name in ("bias", "count", "table"):
        assert torch.equal(after[name], before[name])
    for name, each in copy.items():  # what came in was not written to
        assert torch.equal(before[name], each)


@settings(deadline=None)
@given(WEIGHTS)
def test_rounding_errs_by_half_a_step_at_most_and_leaves_256_values(values):
    weight = torch.from_numpy(values)
    found = quantised({"weight": weight})["weight"]
    largest = weight.abs().amax(dim=(1, 2), keepdim=True)
    # Half a step, but for the rounding of a division and a product in float32.
    assert ((found - weight).abs() <= largest * (0.5 / LEVELS + 1e-6) + 1e-37).all()
    for channel in found:
        assert len(channel.unique()) <= 2 * LEVELS + 1


# Pruning


def test_the_smallest_weights_of_all_layers_together_become_zero():
    before = state(first=[[0.1, -5.0], [3.0, -0.2]], bias=[0.01], second=[[[-0.3, 4.0, 0.05, 9.0]]])
    # By size: 0.05, 0.1, 0.2, 0.3, 3, 4, 5, 9. Half of eight are four.
    found = pruned(before, 0.5)
    assert torch.equal(found["first"], torch.tensor([[0.0, -5.0], [3.0, 0.0]]))
    assert torch.equal(found["second"], torch.tensor([[[0.0, 4.0, 0.0, 9.0]]]))
    assert torch.equal(found["bias"], torch.tensor([0.01]))


def test_of_equal_weights_the_first_go_first():
    found = pruned(state(weight=[[1.0, -1.0], [1.0, 1.0]]), 0.5)["weight"]
    assert found.tolist() == [[0.0, 0.0], [1.0, 1.0]]


@settings(deadline=None)
@given(WEIGHTS, st.floats(0, 1))
def test_as_many_weights_go_as_the_share_says_and_the_others_stay(values, share):
    weight = torch.from_numpy(np.where(values == 0, np.float32(1), values))
    found = pruned({"weight": weight}, share)["weight"]
    gone = found == 0
    assert int(gone.sum()) == round(share * weight.numel())
    assert torch.equal(found[~gone], weight[~gone])
    if gone.any() and not gone.all():
        assert weight[gone].abs().max() <= weight[~gone].abs().min()
