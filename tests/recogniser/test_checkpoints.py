"""Checkpoints in both layouts, read as a recipe's weights and written back."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from ser_unlearn.errors import LackingError, UserError
from ser_unlearn.recogniser.adoption import adopt, adopted, check_order
from ser_unlearn.recogniser.checkpoints import read_checkpoint
from ser_unlearn.recogniser.model import Recogniser, build
from ser_unlearn.recogniser.recipe import load_recipe

EMOTIONS = 4


@pytest.fixture
def model() -> Recogniser:
    return build(load_recipe("tiny"), EMOTIONS, seed=5)


@pytest.fixture
def blank() -> Recogniser:
    return build(load_recipe("tiny"), EMOTIONS, seed=0)


def saved(folder: Path, **recoverables: object) -> Path:
    """The folder of a checkpoint that SpeechBrain writes."""
    from speechbrain.utils.checkpoints import Checkpointer

    return Path(Checkpointer(folder, recoverables).save_checkpoint(name="a").path)


def parts(model: Recogniser) -> dict[str, nn.Module]:
    return {"embedding_model": model.embedding_model, "classifier": model.classifier}


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )


LAYOUTS = {
    "each part": lambda model: parts(model),
    "a list": lambda model: {"model": nn.ModuleList(parts(model).values())},
    "a list in another order": lambda model: {
        "model": nn.ModuleList([model.classifier, model.embedding_model])
    },
    "other names": lambda model: {"encoder": model.embedding_model, "head": model.classifier},
    "the whole": lambda model: {"model": model},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_weights_are_found_whatever_recoverables_are_called(
    layout: str, tmp_path: Path, model: Recogniser, blank: Recogniser
):
    path = saved(tmp_path, **LAYOUTS[layout](model))
    found = read_checkpoint(path, blank)
    assert same(dict(found.state), model.state_dict())


def test_other_weights_come_back_in_the_layout_of_speechbrain(
    tmp_path: Path, model: Recogniser, blank: Recogniser
):
    from speechbrain.processing.features import InputNormalization
    from speechbrain.utils.checkpoints import Checkpointer

    optimiser = torch.optim.AdamW(model.parameters())
    model.classifier.w.weight.grad = torch.ones_like(model.classifier.w.weight)
    optimiser.step()
    normaliser = InputNormalization(norm_type="sentence")
    path = saved(tmp_path / "in", **parts(model), normaliser=normaliser, optimizer=optimiser)
    found = read_checkpoint(path, blank)
    assert found.left_out == ("optimizer.ckpt",)
    (tmp_path / "out").mkdir()
    made = found.write(build(load_recipe("tiny"), EMOTIONS, seed=9).state_dict(), tmp_path / "out")
    assert made.name == path.name
    loaded = build(load_recipe("tiny"), EMOTIONS, seed=1)
    recovered = Checkpointer(tmp_path / "out", {**parts(loaded), "normaliser": normaliser})
    assert recovered.recover_if_possible() is not None
    assert same(loaded.state_dict(), build(load_recipe("tiny"), EMOTIONS, seed=9).state_dict())


def test_safetensors_go_there_and_back_and_keep_their_types(
    tmp_path: Path, model: Recogniser, blank: Recogniser
):
    half = {name: each.half() if each.is_floating_point() else each
            for name, each in model.state_dict().items()}  # fmt: skip
    save_file(half, tmp_path / "model.safetensors")
    found = read_checkpoint(tmp_path / "model.safetensors", blank)
    blank.load_state_dict(found.state)
    (tmp_path / "out").mkdir()
    made = found.write(found.state, tmp_path / "out")
    assert same(load_file(made), half)


def test_the_same_weights_are_known_by_the_same_hash_in_any_layout(tmp_path, model, store):
    recipe = load_recipe("tiny")
    save_file(model.state_dict(), tmp_path / "m.safetensors")
    first, _ = adopt(tmp_path / "m.safetensors", recipe, EMOTIONS, store)
    second, _ = adopt(saved(tmp_path / "b", **parts(model)), recipe, EMOTIONS, store)
    assert first == second
    assert same(adopted(first, store), model.state_dict())
    with pytest.raises(LackingError, match="--checkpoint PATH"):
        adopted("0" * 64, store)


class Evil:
    def __reduce__(self):
        return (print, ("run",))


def _damaged(tmp_path, model):
    (tmp_path / "m.safetensors").write_bytes(b"nothing")
    return tmp_path / "m.safetensors"


def _pickled(tmp_path, model):
    path = saved(tmp_path, **parts(model))
    torch.save(Evil(), path / "classifier.ckpt")
    return path


def _of_other_emotions(tmp_path, model):
    return saved(tmp_path, **parts(build(load_recipe("tiny"), EMOTIONS + 1, seed=0)))


def _half(tmp_path, model):
    return saved(tmp_path, embedding_model=model.embedding_model)


def _two(tmp_path, model):
    from speechbrain.utils.checkpoints import Checkpointer

    saved(tmp_path, **parts(model))
    Checkpointer(tmp_path, parts(model)).save_checkpoint(name="b")
    return tmp_path


def _not_finite(tmp_path, model):
    model.classifier.w.weight.data[0, 0] = float("nan")
    return saved(tmp_path, **parts(model))


def _with_statistics(tmp_path, model):
    from speechbrain.processing.features import InputNormalization

    normaliser = InputNormalization()
    normaliser(torch.rand(2, 9, 40), torch.ones(2))
    return saved(tmp_path, **parts(model), normalizer=normaliser)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda tmp_path, model: tmp_path / "nowhere", "There is no checkpoint"),
        (_damaged, "cannot be read"),
        (_pickled, "cannot be read as weights alone, and nothing else is run"),
        (_of_other_emotions, r"classifier\.w\.weight and 1 more, of shape \[4, 16\]"),
        (_half, r"lacks weights of the model \(classifier"),
        (_two, "There are 2 checkpoints"),
        (_not_finite, "is not finite"),
        (_with_statistics, "running statistics"),
    ],
)
def test_a_checkpoint_that_is_no_use_is_refused_in_a_line(
    make, words, tmp_path, model, blank, capsys
):
    path = make(tmp_path, model)
    with pytest.raises(UserError, match=words) as refusal:
        read_checkpoint(path, blank)
    assert "\n" not in str(refusal.value)
    assert "run" not in capsys.readouterr().out


def test_outputs_in_another_order_than_the_cards_are_refused():
    labels = torch.arange(40).numpy() % 4
    shifted = torch.nn.functional.one_hot(torch.from_numpy((labels + 1) % 4), 4).float().numpy()
    right = torch.nn.functional.one_hot(torch.from_numpy(labels), 4).float().numpy()
    names = ["angry", "happy", "neutral", "sad"]
    check_order(right, labels, names)
    # Output 1 is said where the card says 0: the model's order begins with what the card has last.
    with pytest.raises(UserError, match="in the order sad, angry, happy, neutral"):
        check_order(shifted, labels, names)
    # A model that knows nothing is not suspicious.
    check_order(right * 0, labels, names)
