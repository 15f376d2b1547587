"""Batches: every utterance once, whole or cropped, and told from its padding."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_unlearn.recogniser.batches import Batch, Utterances, pad, padding_mask
from ser_unlearn.recogniser.features import Ragged

CPU = torch.device("cpu")
few = settings(deadline=None, max_examples=50)


def frames(place, length):
    """Features [length, 3] that say where they are from: place + 1, number of the frame + 1, 7."""
    numbers = torch.arange(1.0, length + 1)
    return torch.stack([torch.full_like(numbers, place + 1), numbers, numbers * 0 + 7], dim=1)


def utterances(lengths, places=None, seed=0, crop_frames=10, **options):
    features = Ragged.of([frames(place, length) for place, length in enumerate(lengths)])
    labels = torch.arange(len(lengths)) * 2
    places = range(len(lengths)) if places is None else places
    generator = torch.Generator().manual_seed(seed)
    return Utterances(
        features,
        labels,
        places,
        generator=generator,
        crop_frames=crop_frames,
        device=CPU,
        **options,
    )


def places_of(batch):
    return (batch.inputs[:, 0, 0] - 1).long().tolist()


lengths_of_corpora = st.lists(st.integers(1, 40), min_size=1, max_size=30)


# Padding


def test_pad_stacks_and_fills_with_zeros():
    padded, lengths = pad([torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0, 5.0, 6.0])])
    assert padded.tolist() == [[1, 2, 0, 0], [3, 4, 5, 6]]
    assert lengths.tolist() == [0.5, 1.0]


def test_pad_keeps_further_dimensions():
    padded, lengths = pad([torch.ones(2, 5), torch.ones(3, 5)])
    assert padded.shape == (2, 3, 5)
    assert padded[0, 2].tolist() == [0] * 5
    assert lengths[1] == 1


@given(st.lists(st.integers(1, 2000), min_size=1, max_size=20))
@few
def test_the_mask_counts_every_frame_exactly(lengths):
    # Relative lengths are rounded, and come back to whole frames all the same.
    inputs, relative = pad([torch.ones(length) for length in lengths])
    mask = padding_mask(Batch(inputs, relative, torch.zeros(len(lengths))))
    assert mask.sum(dim=1).tolist() == lengths
    assert torch.equal(mask, inputs == 1)


# Going through a set


@given(lengths_of_corpora, st.integers(1, 12), st.booleans(), st.booleans())
@few
def test_every_utterance_comes_once_with_its_label(lengths, batch_size, shuffle, crop):
    seen = []
    for batch in utterances(lengths).batches(batch_size, shuffle=shuffle, crop=crop):
        places = places_of(batch)
        assert batch.labels.tolist() == [2 * place for place in places]
        seen += places
    assert sorted(seen) == list(range(len(lengths)))
    if not shuffle:
        assert seen == sorted(seen)


@given(lengths_of_corpora, st.integers(1, 12))
@few
def test_batches_are_of_nearly_equal_size_and_no_larger_than_asked(lengths, batch_size):
    sizes = [len(batch.labels) for batch in utterances(lengths).batches(batch_size)]
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1
    assert len(sizes) == -(-len(lengths) // batch_size)


@given(lengths_of_corpora, st.integers(1, 20), st.integers(0, 1000))
@few
def test_crops_are_stretches_of_the_right_length(lengths, crop_frames, seed):
    data = utterances(lengths, crop_frames=crop_frames, seed=seed)
    for batch in data.batches(4):
        mask = padding_mask(batch)
        for place, row, speech in zip(places_of(batch), batch.inputs, mask, strict=True):
            item = row[speech]
            assert len(item) == min(lengths[place], crop_frames)
            start = int(item[0, 1]) - 1
            assert torch.equal(item, frames(place, lengths[place])[start : start + len(item)])
            assert not row[~speech].any()


def test_crops_begin_everywhere_from_the_first_to_the_last_possible_frame():
    data = utterances([13], crop_frames=10)
    starts = {int(next(data.batches(1)).inputs[0, 0, 1]) - 1 for _ in range(200)}
    # A given one of four is missed by 200 draws with a probability of 0.75 ** 200, about 1e-25.
    assert starts == {0, 1, 2, 3}


def test_without_crops_utterances_are_whole():
    (batch,) = utterances([12, 30], crop_frames=10).batches(2, crop=False)
    lengths = dict(zip(places_of(batch), padding_mask(batch).sum(dim=1).tolist(), strict=True))
    assert lengths == {0: 12, 1: 30}


def test_an_empty_set_has_no_batches():
    # A card may do without a validation set.
    assert list(utterances([5, 6], places=[]).batches(4)) == []


def test_only_the_sets_own_places_come():
    data = utterances([5, 6, 7, 8], places=[3, 1])
    assert len(data) == 2
    assert data.labels.tolist() == [6, 2]
    assert sorted(place for batch in data.batches(1) for place in places_of(batch)) == [1, 3]
    whole = data.whole()
    assert places_of(whole) == [3, 1]
    assert whole.labels.tolist() == [6, 2]
    assert whole.lengths.tolist() == [1.0, 0.75]  # 8 and 6 frames of 8


# Randomness


def passes(data, count=2):
    return [batch for _ in range(count) for batch in data.batches(3)]


def test_the_same_seed_gives_the_same_batches_whatever_torch_has_drawn():
    first = passes(utterances(range(10, 20), seed=1, crop_frames=5))
    torch.rand(7)
    second = passes(utterances(range(10, 20), seed=1, crop_frames=5))
    for one, other in zip(first, second, strict=True):
        assert all(torch.equal(*pair) for pair in zip(one, other, strict=True))


def test_another_seed_gives_other_orders_and_crops():
    orders, starts = set(), set()
    for seed in range(4):
        data = utterances([50] * 10, seed=seed, crop_frames=5)
        batches = passes(data, count=1)
        orders.add(tuple(place for batch in batches for place in places_of(batch)))
        starts.add(tuple(float(start) for batch in batches for start in batch.inputs[:, 0, 1]))
    assert len(orders) == len(starts) == 4


def test_two_passes_differ():
    data = utterances([50] * 10, crop_frames=5)
    first, second = (
        [place for batch in data.batches(3) for place in places_of(batch)] for _ in range(2)
    )
    assert first != second


def test_torchs_own_randomness_is_left_alone():
    before = torch.get_rng_state()
    passes(utterances([20] * 5))
    assert torch.equal(torch.get_rng_state(), before)


# Labels and waveforms


def test_relabelled_changes_the_labels_of_a_copy():
    data = utterances([5, 6, 7], places=[2, 0])
    changed = data.relabelled(torch.tensor([9, 8]))
    assert changed.labels.tolist() == [9, 8]
    assert data.labels.tolist() == [4, 0]
    found = {
        place: label
        for batch in changed.batches(1)
        for place, label in zip(places_of(batch), batch.labels.tolist(), strict=True)
    }
    assert found == {2: 9, 0: 8}


def test_waveforms_come_in_order_scaled_and_padded():
    waveforms = Ragged.of(
        [torch.tensor(samples, dtype=torch.int16) for samples in ([1], [-32768, 16384], [0, 0, 0])]
    )
    data = utterances([5, 6, 7], places=[1, 0], waveforms=lambda: waveforms)
    inputs, lengths, labels = data.waveforms()
    assert inputs.tolist() == [[-1, 0.5], [1 / 32768, 0]]
    assert lengths.tolist() == [1, 0.5]
    assert labels.tolist() == [2, 0]


def test_without_waveforms_asking_for_them_is_an_error():
    with pytest.raises(RuntimeError, match="without waveforms"):
        utterances([5]).waveforms()


def test_ragged_gives_views_of_one_tensor():
    items = [torch.arange(2.0), torch.arange(5.0), torch.arange(1.0)]
    ragged = Ragged.of(items)
    assert len(ragged) == 3
    assert all(torch.equal(*pair) for pair in zip(ragged, items, strict=True))
    assert ragged[1].untyped_storage().data_ptr() == ragged.values.untyped_storage().data_ptr()
