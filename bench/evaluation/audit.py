"""The audit: every membership attack on an unlearned model, between its ceiling and its floor."""

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
    Result,
    Shadows,
    Verdict,
    audit,
    match,
    strongest,
    verdict,
)
from ser_unlearn.evaluation.prices import Price, up_to
from ser_unlearn.recogniser.outputs import Logits
from ser_unlearn.results.records import Attack
from ser_unlearn.unlearning.request import Request

AUDIT = "attacks.audit"
"""The stage of what all attacks share, and of what is said of them together."""

MATCHES = 4
"""Non-members for each forgotten utterance, where the held-out set has as many."""


@dataclass(frozen=True)
class Audited:
    """What all attacks found of an unlearned model, by the attack's name."""

    results: Mapping[str, Result]
    verdicts: Mapping[str, Verdict]
    """By the area under the ROC curve."""

    def metrics(self) -> dict[str, float | None]:
        """The strongest findings, and whether any attack tells the model from the retrained one.

        None where no attack tells even the original from the retrained model.
        """
        most = strongest(self.results.values())
        verdicts = set(self.verdicts.values())
        told = None if verdicts == {"cannot tell"} else float("unlike retrained" in verdicts)
        return {
            "strongest_auc": most.auc.interval.value,
            "strongest_tpr_at_1fpr": most.tpr.interval.value,
            "told_from_retrained": told,
        }

    def records(self) -> dict[str, Attack]:
        """The results as a record keeps them."""

        def span(found: Interval) -> tuple[float, float, float]:
            return found.value, found.low, found.high

        return {
            name: Attack(
                auc=span(result.auc), tpr_at_1fpr=span(result.tpr), verdict=self.verdicts[name]
            )
            for name, result in self.results.items()
        }


def attacks_up_to(price: Price) -> list[membership.Attack]:
    """The attacks that cost no more."""
    return [attack for attack in ATTACKS if attack.price in up_to(price)]


@cache
def asks_to_unlearn(price: Price) -> bool:
    """Whether some of these attacks want the audited method to run on shadow models."""
    return any("unlearned_shadows" in attack.sees for attack in attacks_up_to(price))


class Auditor:
    """Attacks the answers to one forget request.

    Each forgotten utterance is audited against held-out ones that match it in emotion and duration,
    of any training speaker. All intervals of one model hold at once in 95 % of cases.

    Args:
        request: the forget request.
        price: the dearest attacks to run.
    """

    def __init__(self, request: Request, price: Price) -> None:
        self.request = request
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
            np.array([each.duration_s for each in corpus]),
            self.request.forget_seed,
        )
        return [*forget.tolist(), *matched.tolist()]

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
        found = self._results(logits, unlearned)
        ceiling, floor = self._references
        if unlearned is not None:
            # What shadow models look like that unlearned is not the same for all methods. That the
            # original did not unlearn is the ceiling: beside models that did not either.
            ceiling = self._results(
                self.request.original.logits, self._seen_by_shadows(self.places)
            )
            floor = self._results(self.request.retrained.logits, unlearned)
        verdicts = {
            name: verdict(result.auc, ceiling[name].auc, floor[name].auc)
            for name, result in found.items()
        }
        return Audited(found, verdicts)

    @cached_property
    def _references(self) -> tuple[dict[str, Result], dict[str, Result]]:
        """What attacks find of the original model, and of the retrained one."""
        original, retrained = self.request.original.logits, self.request.retrained.logits
        return self._results(original, None), self._results(retrained, None)

    def _results(self, logits: Logits, unlearned: Shadows | None) -> dict[str, Result]:
        labels, sets = self.request.setup.labels, self.request.sets

        def outputs(places: list[int]) -> Outputs:
            return Outputs(logits[places], labels[places])

        evidence = Evidence(
            target=outputs(self.places),
            population=outputs(sets["validation"]),
            retain=outputs(sets["retain"]),
            shadows=self._seen_by_shadows(self.places),
            population_shadows=self._seen_by_shadows(sets["validation"]),
            unlearned_shadows=unlearned,
            original=self.request.original.logits[self.places],
        )
        results = audit(
            evidence,
            len(sets["forget"]),
            self.request.forget_seed,
            self._attacks,
            self._confidence,
        )
        return {result.attack: result for result in results}

    def _seen_by_shadows(self, places: list[int]) -> Shadows | None:
        return shadows.view(self._shadows, places) if self._shadows else None
