"""The audit: every membership attack on an unlearned model, and on retrained ones beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from ser_unlearn.evaluation import membership, shadows
from ser_unlearn.evaluation.membership import (
    ATTACKS,
    Evidence,
    Interval,
    Outputs,
    References,
    Result,
    Shadows,
    audit,
    match,
    scores,
    shift,
)
from ser_unlearn.evaluation.membership.signals import Scores
from ser_unlearn.evaluation.prices import Price, up_to
from ser_unlearn.recogniser.outputs import Logits
from ser_unlearn.results.findings import Attack
from ser_unlearn.unlearning.request import Request

AUDIT = "attacks.audit"
"""The stage of what all attacks share, and of what is said of them together."""

MATCHES = 4
"""Non-members for each forgotten utterance, where the held-out set has as many."""


@dataclass(frozen=True)
class Audited:
    """What all attacks found of an unlearned model, by the attack's name."""

    results: Mapping[str, Result]
    references: Sequence[Mapping[str, float]]
    """What the attacks find of each retrained model: areas under the ROC curve."""
    told: Mapping[str, bool]
    """Whether the attack tells the model from the retrained ones."""
    match: Mapping[str, float]
    """Which share of the non-members has the emotion, and the speaker, of whom they match."""

    def metrics(self) -> dict[str, float | None]:
        """How far any attack's finding is from the references', and whether one tells."""
        return {
            "attack_shift": shift(_areas(self.results), self.references),
            "told_from_retrained": float(any(self.told.values())),
            **{f"match_{name}_share": share for name, share in self.match.items()},
        }

    def records(self) -> dict[str, Attack]:
        """The results as a record keeps them."""

        def span(found: Interval) -> tuple[float, float, float]:
            return found.value, found.low, found.high

        return {
            name: Attack(
                auc=span(result.auc),
                tpr_at_1fpr=span(result.tpr),
                references=[each[name] for each in self.references],
                told=self.told[name],
            )
            for name, result in self.results.items()
        }


def _areas(results: Mapping[str, Result]) -> dict[str, float]:
    return {name: result.auc.value for name, result in results.items()}


def attacks_up_to(price: Price) -> list[membership.Attack]:
    """The attacks that cost no more."""
    return [attack for attack in ATTACKS if attack.price in up_to(price)]


@cache
def asks_to_unlearn(price: Price) -> bool:
    """Whether some of these attacks want the audited method to run on shadow models."""
    return any("unlearned_shadows" in attack.sees for attack in attacks_up_to(price))


class Auditor:
    """Attacks the answers to one forget request.

    Each forgotten utterance is audited against held-out ones that match it in emotion, then in
    speaker, then in duration, as far as there are such. The intervals of all AUCs of one model hold
    at once in 95 % of cases, and so do those of all true positive rates.

    Args:
        request: the forget request.
        price: the dearest attacks to run.
        references: how many retrained models the audited one is compared with.
    """

    def __init__(self, request: Request, price: Price, references: int) -> None:
        self.request = request
        self._references = references
        self._price = price
        self._attacks = attacks_up_to(price)
        self._confidence = 1 - 0.05 / len(self._attacks)
        self._shadows = shadows.everyone(request.setup) if price != "simple" else []

    @cached_property
    def places(self) -> list[int]:
        """Positions of the audited utterances: the forget set, then its matches."""
        corpus = self.request.setup.corpus.utterances
        forget, heldout = (np.array(self.request.sets[name]) for name in ("forget", "heldout"))
        times = max(1, min(MATCHES, len(heldout) // len(forget)))
        matched = match(
            np.tile(forget, times),
            heldout,
            np.array([each.emotion for each in corpus]),
            np.array([each.speaker for each in corpus]),
            np.array([each.duration_s for each in corpus]),
            self.request.forget_seed,
        )
        return [*forget.tolist(), *matched.tolist()]

    @cached_property
    def matches(self) -> dict[str, float]:
        """Which share of the non-members has the emotion, and the speaker, of whom they match."""
        corpus, members = self.request.setup.corpus.utterances, len(self.request.sets["forget"])
        forget, others = self.places[:members], self.places[members:]
        pairs = [
            (corpus[one], corpus[other])
            for one, other in zip(forget * (len(others) // members), others, strict=True)
        ]
        return {
            "emotion": float(np.mean([one.emotion == other.emotion for one, other in pairs])),
            "speaker": float(np.mean([one.speaker == other.speaker for one, other in pairs])),
        }

    def shadow_requests(self) -> list[shadows.ShadowRequest]:
        """What the audited method is to answer too, for attacks on its way of unlearning."""
        if not asks_to_unlearn(self._price):
            return []
        found = [shadows.ShadowRequest(each, self.places) for each in self._shadows]
        return [request for request in found if request.sets["forget"]]

    def audit(
        self, logits: Logits, answers: Sequence[tuple[shadows.ShadowRequest, Logits]]
    ) -> Audited:
        """Attack an unlearned model.

        Args:
            logits: [N, C], for every utterance of the corpus.
            answers: the method's answers to the shadow requests.
        """
        unlearned = None
        if answers:
            unlearned = Shadows(
                np.stack([each[self.places] for _, each in answers]),
                np.stack([np.isin(self.places, each.sets["forget"]) for each, _ in answers]),
            )
        found = audit(
            self._evidence(logits, unlearned),
            len(self.request.sets["forget"]),
            self.request.forget_seed,
            self._attacks,
            self._confidence,
        )
        results = {result.attack: result for result in found}
        references = self._compared(unlearned)
        told = references.told(_areas(results))
        return Audited(results, references.areas, told, self.matches)

    def _compared(self, unlearned: Shadows | None) -> References:
        """What to compare a method with whose shadow models unlearned."""
        if unlearned is None:
            return self._retrained
        # These are the method's own; all other attacks' scores are shared by all methods.
        own = self._scores_of_retrained(unlearned, self._of_method)
        found = [
            {attack.name: {**each, **further}[attack.name] for attack in self._attacks}
            for each, further in zip(self._shared_scores, own, strict=True)
        ]
        return References(found, len(self.request.sets["forget"]))

    @cached_property
    def _retrained(self) -> References:
        return References(self._shared_scores, len(self.request.sets["forget"]))

    @cached_property
    def _shared_scores(self) -> list[dict[str, Scores]]:
        shared = [attack for attack in self._attacks if attack not in self._of_method]
        return self._scores_of_retrained(None, shared)

    @property
    def _of_method(self) -> list[membership.Attack]:
        """The attacks on a method's way of unlearning."""
        return [attack for attack in self._attacks if "unlearned_shadows" in attack.sees]

    def _scores_of_retrained(
        self, unlearned: Shadows | None, attacks: Sequence[membership.Attack]
    ) -> list[dict[str, Scores]]:
        """What attacks score the audited utterances, by each retrained model."""
        return [
            scores(self._evidence(each.logits, unlearned), attacks)
            for each in self.request.references(self._references)
        ]

    def _evidence(self, logits: Logits, unlearned: Shadows | None) -> Evidence:
        labels, sets = self.request.setup.labels, self.request.sets

        def outputs(places: list[int]) -> Outputs:
            return Outputs(logits[places], labels[places])

        return Evidence(
            target=outputs(self.places),
            population=outputs(sets["validation"]),
            retain=outputs(sets["retain"]),
            shadows=self._seen_by_shadows(self.places),
            population_shadows=self._seen_by_shadows(sets["validation"]),
            unlearned_shadows=unlearned,
            original=self.request.original.logits[self.places],
        )

    def _seen_by_shadows(self, places: list[int]) -> Shadows | None:
        return shadows.view(self._shadows, places) if self._shadows else None
