"""What each stage of the harness computes on small inputs, to be held to its revision.

Everything is in double precision: between processors, and between versions of their libraries,
such numbers differ by 1e-9 or so, where a real change makes a difference of 1e-4 or more.
"""

from __future__ import annotations

import copy
import dataclasses
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from audited import World, flipped, retrained
from draws import extremes
from sounds import RATE, noise, tone, write_corpus
from torch import Tensor

from ser_unlearn.checks.subjects import Subject
from ser_unlearn.checks.toy import FORGET, ToySetup
from ser_unlearn.data import espeak
from ser_unlearn.data.cards import load_card
from ser_unlearn.data.corpus import Corpus
from ser_unlearn.data.splits import Split
from ser_unlearn.evaluation import durability, membership, spread
from ser_unlearn.evaluation.audit import Audited
from ser_unlearn.evaluation.behaviour import FAMILIES, Reference
from ser_unlearn.evaluation.compression import pruned, quantised
from ser_unlearn.recogniser import features, training
from ser_unlearn.recogniser.batches import Batch
from ser_unlearn.recogniser.costs import Costs, FlopMeter
from ser_unlearn.recogniser.features import Ragged
from ser_unlearn.recogniser.model import build, frozen_copy
from ser_unlearn.recogniser.outputs import predict
from ser_unlearn.recogniser.recipe import load_recipe
from ser_unlearn.results.revisions import REVISIONS
from ser_unlearn.results.store import Store
from ser_unlearn.runner.unlearnings import prices
from ser_unlearn.unlearning.attack import other_labels, targeted_pgd
from ser_unlearn.unlearning.statistics import fisher, sensitivity

Numbers = Mapping[str, Any]
"""By a name: a number, a text, or a list of these."""

LOOKED_AT = (0, 7, 37, 45, 55)
"""Positions in the toy: a forgotten, a retained, a validation, a held-out and a test utterance."""


@contextmanager
def double_precision() -> Iterator[None]:
    """New tensors and modules are in double precision."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _as_double(waveform: Tensor) -> Tensor:
    return waveform.to(torch.float64) / 32768


class DoubleToy(ToySetup):
    """The toy in double precision: features, and with them every model."""

    def __init__(self) -> None:
        with patch("ser_unlearn.checks.toy.as_float", _as_double):
            super().__init__()


@cache
def toy() -> DoubleToy:
    """The toy, whose original model is trained once."""
    return DoubleToy()


@cache
def nudged_toy() -> DoubleToy:
    """The same models, but features that differ as little as rounding may make them."""
    nudged = copy.copy(toy())
    nudged.__dict__["features"] = Ragged(
        toy().features.values * (1 + 1e-13), toy().features.lengths
    )
    return nudged


def _sizes(tensors: Mapping[str, Tensor]) -> dict[str, float]:
    """The L2 norm of each tensor."""
    return {
        name: float(torch.linalg.vector_norm(tensor.double())) for name, tensor in tensors.items()
    }


def synthesis() -> Numbers:
    """Loudness and length of two utterances of the embedded corpus."""
    (source,) = load_card("espeak").sources
    assert isinstance(source, espeak.Synthesis)
    speaker, statement = next(iter(source.speakers)), next(iter(source.sentences))
    chosen = source.model_copy(
        update={
            "speakers": {speaker: source.speakers[speaker]},
            "sentences": {statement: source.sentences[statement]},
            "repetitions": 1,
        }
    )
    found = {}
    for each in espeak.synthesise(chosen):
        samples = each.samples.astype(np.float64)
        found[f"{each.name}: length"] = len(samples)
        found[f"{each.name}: RMS"] = float(np.sqrt(np.square(samples).mean()))
    return found


def corpus() -> Numbers:
    """What a corpus of a few files says of them; two are copies of one recording."""
    names = ["03a01Wa", "03a01Na", "08a01Wb", "08a01Nb", "08b02Wa"]
    with tempfile.TemporaryDirectory() as folder:
        recordings = write_corpus(Path(folder) / "recordings", names)
        (recordings / "08b02Wa.wav").write_bytes((recordings / "08a01Wb.wav").read_bytes())
        card = load_card("emodb").model_copy(update={"utterances": 5, "speakers": 2})
        read = Corpus(card, Store(Path(folder) / "store"), recordings)
        return {
            each.name: [each.emotion, each.speaker, each.statement, each.content, each.duration_s]
            for each in read.utterances
        }


def computed_features() -> Numbers:
    """Features of a tone in noise with silence around it, by both recipes."""
    sound = np.concatenate([np.zeros(3000), tone(300, 0.5) + noise(1, 0.5), np.zeros(5000)])
    found = {}
    for name in ("ecapa", "tiny"):
        hparams = load_recipe(name).load(4)
        for rate in (RATE, 22050):
            waveform = features.prepare_waveform(hparams, sound.astype(np.float64), rate)
            made = features.front_end(hparams, waveform[None])[0]
            found[f"{name}, {rate} Hz: shape"] = list(made.shape)
            found[f"{name}, {rate} Hz: frame 20"] = made[20, ::8].tolist()
            found[f"{name}, {rate} Hz: mean"] = float(made.mean())
    return found


def trained() -> Numbers:
    """Losses, weights and outputs of a model after three epochs."""
    setup = toy()
    model = build(setup.recipe, setup.n_emotions, seed=1)
    data = setup.utterances(setup.split.train, torch.Generator().manual_seed(1))
    hparams = dataclasses.replace(setup.hparams, number_of_epochs=3, batch_size=8)
    losses = training.train(model, data, hparams, seed=1)
    logits = predict(model, setup.features, LOOKED_AT, setup.device)
    return {"losses": losses, "logits": logits.flatten().tolist(), **_sizes(model.state_dict())}


def _original() -> Any:
    setup = toy()
    return setup.load(setup.trained(setup.split.train, 0).state)


def statistics() -> Numbers:
    """Importances of the weights of the toy's original model."""
    setup = toy()
    data = setup.utterances(range(6), torch.Generator())
    return {
        f"{kind.__name__} of {name}": size
        for kind in (fisher, sensitivity)
        for name, size in _sizes(kind(_original(), data)).items()
    }


def handed_out() -> Numbers:
    """Batches, drawn labels and adversarial examples, as a task gives them to methods."""
    setup = toy()
    data = setup.utterances(FORGET, torch.Generator().manual_seed(2))
    inputs, lengths, labels = next(data.batches(4))
    model = frozen_copy(_original())
    targets = other_labels(labels, setup.n_emotions, torch.Generator().manual_seed(3))
    attacked = targeted_pgd(
        model, Batch(inputs, lengths, labels), targets, radius=0.1, steps=3, step_size=0.5
    )
    return {
        "labels": labels.tolist(),
        "lengths": lengths.tolist(),
        "targets": targets.tolist(),
        "inputs": torch.linalg.vector_norm(inputs.flatten(1), dim=1).tolist(),
        "changes": torch.linalg.vector_norm((attacked - inputs).flatten(1), dim=1).tolist(),
        "logits": model(attacked, lengths).flatten().tolist(),
    }


def method(subject: Subject, setup: DoubleToy) -> Numbers:
    """What a method leaves behind on the toy: outputs, weights, and operations."""
    run = subject.run(setup=setup, measured=True)
    moved = {
        name: run.after[name] - before
        for name, before in run.before.items()
        if before.is_floating_point()
    }
    parts = {
        part: {name: each for name, each in moved.items() if name.startswith(part)}
        for part in ("embedding_model", "classifier")
    }
    logits = predict(run.returned, setup.features, LOOKED_AT, setup.device)
    return {
        "logits": logits.flatten().tolist(),
        "operations": run.operations,
        **{
            f"{part} moved by": float(np.hypot.reduce([0.0, *_sizes(each).values()]))
            for part, each in parts.items()
        },
    }


def _logits(phase: float, sharpness: float = 3.0) -> Any:
    """Outputs of a model on 80 utterances of 4 emotions, by a formula."""
    places = np.arange(80)[:, None]
    own = (places % 4 == np.arange(4)) * 2.0
    return sharpness * np.sin(places * (1 + np.arange(4)) * 0.7 + phase) + own


def _reference() -> Reference:
    places = list(range(80))
    return Reference(
        original=_logits(0.0, 1.0),
        references=tuple(_logits(phase, 1.2) for phase in (0.2, 0.25, 0.4)),
        labels=np.arange(80) % 4,
        split=Split(places[:40], places[40:44], places[44:60], places[60:]),
        forget=places[:12],
        seed=5,
        forgotten=[12, 13, 14],
    )


def _family(name: str) -> Callable[[], Numbers]:
    def compute() -> Numbers:
        logits, reference = _logits(0.6, 1.5), _reference()
        return FAMILIES[name](logits, reference.behaviour(logits), reference)

    return compute


def harm() -> Numbers:
    """The spread of harm over groups."""
    groups = {"emotion": [str(place % 4) for place in range(80)], "speaker": ["a", "b"] * 40}
    return spread.spread(_logits(0.6, 1.5), _reference(), groups)


def costs() -> Numbers:
    """Operations of a step on the toy, and ratios of costs."""
    model = _original().train()
    meter = FlopMeter(model)
    inputs = torch.ones(3, 50, 40)
    model(inputs, torch.ones(3)).sum().backward()
    return {"step": meter.total(), **prices(Costs(2.0, 300, 4.0), Costs(30.0, 900, 1.0))}


@cache
def _evidence() -> membership.Evidence:
    world = World(seed=3, members=16, models=16, dimensions=20)
    return world.evidence(world.model("retain"), flipped(world.shadow_logits))


def _attack(stage: str) -> Callable[[], Numbers]:
    """The scores of the attacks of a stage in a synthetic world."""

    def scores() -> Numbers:
        return {
            attack.name: attack.scores(
                membership.View(_evidence(), attack.name, attack.sees)
            ).tolist()
            for attack in membership.ATTACKS
            if attack.stage == stage
        }

    return scores


def audit() -> Numbers:
    """Matching, and what is said of the attacks' scores: intervals, and whether any tells."""
    random = np.random.default_rng(4)
    durations = random.uniform(1, 3, 40)
    matched = membership.match(
        np.arange(8), np.arange(20, 40), np.arange(40) % 3, np.arange(40) % 4, durations, seed=6
    )
    results = {
        result.attack: result
        for result in membership.audit(_evidence(), 16, 7, membership.ATTACKS[:3], 0.98)
    }
    model = {name: result.auc.value for name, result in results.items()}
    references = retrained(World(seed=3, members=16, models=16, dimensions=20), 3)
    said = references.told(model)
    return {
        "matched": matched.tolist(),
        **{
            f"{name}, {kind}": [span.value, span.low, span.high]
            for name, result in results.items()
            for kind, span in (("AUC", result.auc), ("TPR", result.tpr))
        },
        "told": [name for name, found in said.items() if found],
        "widths": references.widths.tolist(),
        **Audited(results, references.areas, said, {"emotion": 0.9, "speaker": 0.4}).metrics(),
    }


def lasting() -> Numbers:
    """What is left of forgetting after compression and relearning, between two models."""
    setup = toy()
    original = setup.trained(setup.split.train, 0)
    request = SimpleNamespace(
        sets={"forget": list(FORGET), "test": setup.split.test}, original=original
    )
    retain = [place for place in setup.split.train if place not in FORGET]
    retrained = setup.trained(retain, 0).state
    state = {
        name: torch.lerp(each, retrained[name], 0.4) if each.is_floating_point() else each
        for name, each in original.state.items()
    }
    return {
        **durability.durability(setup, request, state, seed=1),
        "int8": list(_sizes(quantised(state)).values()),
        "pruned": list(_sizes(pruned(state, 0.3)).values()),
    }


STAGES: dict[str, Callable[[], Numbers]] = {
    "synthesis": synthesis,
    "corpus": corpus,
    "features": computed_features,
    "training": trained,
    "statistics": statistics,
    "draws": extremes,
    "unlearning": handed_out,
    **{name: _family(name) for name in FAMILIES},
    "metrics.harm": harm,
    "metrics.costs": costs,
    "attacks.audit": audit,
    **{stage: _attack(stage) for stage in dict.fromkeys(each.stage for each in membership.ATTACKS)},
    "durability": lasting,
}
"""What computes the numbers of each stage; of "unlearning", `method` computes more."""

assert set(STAGES) == set(REVISIONS)
