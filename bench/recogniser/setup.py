"""A corpus seen through a recipe: all that jobs on the two share, loaded once a process.

What there is to run is known without a model, and so without torch, which takes seconds to import:
here it is imported where a model, or what a model hears, is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ser_unlearn.data import lists
from ser_unlearn.data.cards import Card, load_card
from ser_unlearn.data.corpus import Corpus
from ser_unlearn.data.scenarios import draw_forget_set, kind_of
from ser_unlearn.data.splits import Split, split
from ser_unlearn.recogniser.adoption import adopted, check_order
from ser_unlearn.recogniser.hparams import WHOLE
from ser_unlearn.recogniser.outputs import Logits, cross_entropy, predict
from ser_unlearn.recogniser.recipe import load_recipe
from ser_unlearn.results.identity import digest, numerics
from ser_unlearn.results.revisions import revisions
from ser_unlearn.results.store import Artefact, Store

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ser_unlearn.recogniser.batches import Utterances
    from ser_unlearn.recogniser.costs import Costs
    from ser_unlearn.recogniser.features import Ragged
    from ser_unlearn.recogniser.hparams import Hparams
    from ser_unlearn.recogniser.model import Recogniser

MODELS = "models"
"""The store's kind of trained models."""

DRAWS = "draws"
"""The store's kind of forget sets that hang on an original."""

ADOPTED = "adopted"
"""The store's kind of what adopted models say."""


@dataclass(frozen=True)
class Trained:
    """A model from the store, with what it says and what its training cost."""

    state: dict[str, Tensor]
    logits: Logits
    """[N, C], for every utterance of the corpus."""
    costs: Costs


class Setup:
    """A corpus and a recipe on a device.

    Args:
        corpus: name of the card, or a card that is none of the project's.
        recipe: name of the recipe, or path of its file.
        data_dir: a folder with the recordings, or None for the card's other sources.
        device: "cpu" or "cuda".
        store: where artefacts are kept.
        checkpoint: what the original model is known by, if it was trained elsewhere; see `adopt`.
    """

    checkpoint: str | None = None

    def __init__(
        self,
        corpus: str | Card,
        recipe: str,
        data_dir: Path | None,
        device: str,
        store: Store,
        checkpoint: str | None = None,
    ) -> None:
        self.checkpoint = checkpoint
        self.store = store
        self.device_type = device
        self.corpus = Corpus(
            load_card(corpus) if isinstance(corpus, str) else corpus, store, data_dir
        )
        self.recipe = load_recipe(recipe)

    @cached_property
    def device(self) -> torch.device:
        """Where models are."""
        import torch

        return torch.device(self.device_type)

    @property
    def n_emotions(self) -> int:
        """How many emotions the corpus has."""
        return len(self.corpus.card.emotions)

    @cached_property
    def split(self) -> Split:
        """Train, validation, held-out and test, as the card divides the corpus."""
        card = self.corpus.card
        return split(self.corpus.utterances, card.split, dict(card.genders))

    @cached_property
    def _forget_sets(self) -> dict[tuple[str, int], list[int]]:
        return {}

    def forget_set(self, scenario: str, forget_seed: int, model_seed: int) -> list[int]:
        """What is to be forgotten of the training set; see `scenarios.draw_forget_set`.

        It is drawn once for all models, unless it hangs on one: then the store keeps its names, by
        which it is known without the model, and the same on any processor.
        """
        utterances, train = self.corpus.utterances, self.split.train

        def draw() -> list[int]:
            return draw_forget_set(
                scenario,
                utterances,
                train,
                forget_seed,
                lambda: cross_entropy(self.original(model_seed).logits, self.labels),
                self.listed,
            )

        if not kind_of(scenario).ranks_by_loss:
            key = scenario, forget_seed
            if key not in self._forget_sets:
                self._forget_sets[key] = draw()
            return self._forget_sets[key]
        drawn = self.store.fetch(
            DRAWS,
            self.draw_identity(scenario, forget_seed, model_seed),
            lambda: Artefact(meta={"names": [utterances[place].name for place in draw()]}),
        )
        places = {utterances[place].name: place for place in train}
        return sorted(places[name] for name in drawn.meta["names"])

    def draw_identity(self, scenario: str, forget_seed: int, model_seed: int) -> dict[str, Any]:
        """What the store knows a forget set by that hangs on an original."""
        return {
            "original": self._original_identity(model_seed),
            "scenario": scenario,
            "seed": forget_seed,
            "revisions": revisions(["draws"]),
        }

    def has_drawn(self, scenario: str, forget_seed: int, model_seed: int) -> bool:
        """Whether `forget_set` need ask no original."""
        if not kind_of(scenario).ranks_by_loss:
            return True
        return self.store.has(DRAWS, self.draw_identity(scenario, forget_seed, model_seed))

    def can_draw(self, scenario: str, forget_seed: int, model_seed: int) -> bool:
        """Whether `forget_set` need train no original."""
        return self.has_drawn(scenario, forget_seed, model_seed) or self.has_original(model_seed)

    def keep_draw(
        self, scenario: str, forget_seed: int, model_seed: int, names: Sequence[str]
    ) -> None:
        """Have `forget_set` give what was drawn elsewhere, if these may be training utterances."""
        known = {self.corpus.utterances[place].name for place in self.split.train}
        if known.issuperset(names):
            identity = self.draw_identity(scenario, forget_seed, model_seed)
            self.store.put(DRAWS, identity, Artefact(meta={"names": list(names)}))

    def listed(self, key: str) -> list[str]:
        """The names of a list of recordings that the store keeps."""
        return lists.kept(key, self.store)

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """[N]: the number of each utterance's emotion, in the order of the card."""
        emotions = self.corpus.card.emotions
        return np.array([emotions.index(each.emotion) for each in self.corpus.utterances])

    @cached_property
    def hparams(self) -> Hparams:
        """The loaded recipe; its modules are used for features alone."""
        return self.recipe.load(self.n_emotions)

    @cached_property
    def features(self) -> Ragged:
        """Stored features of the corpus."""
        from ser_unlearn.recogniser.features import load_features

        return load_features(self.recipe, self.corpus, self.store)

    @cached_property
    def waveforms(self) -> Ragged:
        """Stored, trimmed waveforms of the corpus."""
        from ser_unlearn.recogniser.features import load_waveforms

        return load_waveforms(self.recipe, self.corpus, self.store)

    def utterances(self, places: Sequence[int], generator: torch.Generator) -> Utterances:
        """A set of utterances, with the randomness that draws its order and crops."""
        import torch

        from ser_unlearn.recogniser.batches import Utterances

        return Utterances(
            self.features,
            torch.from_numpy(self.labels),
            places,
            generator=generator,
            crop_frames=self.hparams.crop_frames,
            device=self.device,
            waveforms=lambda: self.waveforms,
        )

    def _heard_in_training(self, places: Sequence[int], generator: torch.Generator) -> Utterances:
        """A training set: waveforms where the recipe changes those, and inputs elsewhere."""
        data = self.utterances(places, generator)
        augmentation = self.hparams.augmentation
        if augmentation is None or not augmentation.of_waveforms:
            return data
        samples_a_frame = len(self.waveforms.values) / len(self.features.values)
        crop = self.hparams.crop_frames
        return data.heard_as(
            self.waveforms, crop if crop == WHOLE else round(crop * samples_a_frame)
        )

    def predict(self, model: Recogniser) -> Logits:
        """What a model says of every utterance: logits [N, C]."""
        everything = range(len(self.labels))
        logits: Logits = predict(model, self.features, everything, self.device).numpy()
        return logits

    def original(self, seed: int) -> Trained:
        """The model that is to forget: the checkpoint, or what `trained` makes of the training set.

        Raises:
            UserError: if the checkpoint is not in the store, or of another model.
        """
        if self.checkpoint is None:
            return self.trained(self.split.train, seed)
        from ser_unlearn.recogniser.costs import Costs

        state = adopted(self.checkpoint, self.store)
        said = self.store.fetch(ADOPTED, self._adopted_identity(), lambda: self._listen_to(state))
        # Nobody saw what its training cost, and nothing is compared with that.
        return Trained(state, said.tensors["logits"].numpy(), Costs(0.0, 0, 0.0))

    def has_original(self, seed: int) -> bool:
        """Whether `original` would find in the store what it gives."""
        kind = MODELS if self.checkpoint is None else ADOPTED
        return self.store.has(kind, self._original_identity(seed))

    def _original_identity(self, seed: int) -> dict[str, Any]:
        if self.checkpoint is None:
            return self.model_identity(self.split.train, seed)
        return self._adopted_identity()

    def _adopted_identity(self) -> dict[str, Any]:
        return {
            "corpus": self.corpus.identity,
            "recipe": self.recipe.identity,
            "checkpoint": self.checkpoint,
            "device": self.device_type,
            "revisions": revisions(["corpus", "features", "training"]),
            "packages": numerics(),
        }

    def _listen_to(self, state: Mapping[str, Tensor]) -> Artefact:
        import torch

        logits = self.predict(self.load(state))
        train = self.split.train
        check_order(logits[train], self.labels[train], self.corpus.card.emotions)
        return Artefact({"logits": torch.from_numpy(logits)})

    def trained(self, places: Sequence[int], seed: int) -> Trained:
        """The model trained on these utterances with this seed, trained now if need be.

        Trained on the training set it is the original model, on a retain set a retrained one.
        """
        from ser_unlearn.recogniser.costs import Costs

        artefact = self.store.fetch(
            MODELS, self.model_identity(places, seed), lambda: self._train(places, seed)
        )
        state = {
            name.removeprefix("state."): tensor
            for name, tensor in artefact.tensors.items()
            if name.startswith("state.")
        }
        costs = Costs(**artefact.meta["costs"])
        return Trained(state, artefact.tensors["logits"].numpy(), costs)

    def model_identity(self, places: Sequence[int], seed: int) -> dict[str, Any]:
        """What the store knows the model by that `trained` gives: all that determines it."""
        return {
            "corpus": self.corpus.identity,
            "recipe": self.recipe.identity,
            "utterances": self._digest_of_names(tuple(places)),
            "seed": seed,
            "device": self.device_type,
            "revisions": revisions(["corpus", "features", "training"]),
            "packages": numerics(),
        }

    @cached_property
    def _digest_of_names(self) -> Callable[[tuple[int, ...]], str]:
        # A request and all its references ask for the same.
        @lru_cache(maxsize=8)
        def digest_of(places: tuple[int, ...]) -> str:
            return digest({"names": [self.corpus.utterances[place].name for place in places]})

        return digest_of

    def is_trained(self, places: Sequence[int], seed: int) -> bool:
        """Whether `trained` would find its model in the store."""
        return self.store.has(MODELS, self.model_identity(places, seed))

    def load(self, state: Mapping[str, Tensor]) -> Recogniser:
        """A model of its own with these weights, in eval mode on the device."""
        from ser_unlearn.recogniser.model import load

        return load(self.recipe, self.n_emotions, state, self.device)

    def _train(self, places: Sequence[int], seed: int) -> Artefact:
        import torch

        from ser_unlearn.recogniser.costs import Meter
        from ser_unlearn.recogniser.model import build
        from ser_unlearn.recogniser.training import train

        model = build(self.recipe, self.n_emotions, seed).to(self.device)
        data = self._heard_in_training(places, torch.Generator().manual_seed(seed))
        validation = self.utterances(self.split.validation, torch.Generator())
        meter = Meter(self.device)
        with meter.measure(model):
            history = train(model, data, self.hparams, seed, validation)
        state = {f"state.{name}": tensor.cpu() for name, tensor in model.state_dict().items()}
        logits = torch.from_numpy(self.predict(model))
        return Artefact(
            {**state, "logits": logits},
            {"costs": meter.costs().as_dict(), "loss": history},
        )
