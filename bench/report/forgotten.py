"""The report on a forget request that was done: what was measured, and what could not be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tabulate import tabulate

from ser_unlearn.report.text import markdown
from ser_unlearn.results.meanings import METRICS
from ser_unlearn.runner.forgetting import ACCURACIES, BY_LOSS, Forgotten

UNKNOWN = (
    "distance",
    "gap_to_retrain",
    "tow",
    "divergence_forget",
    "divergence_retain",
    "divergence_test",
    "attack_shift",
    "told_from_retrained",
    "forget_agreement",
    "test_agreement",
    "speedup",
    "flops_ratio",
)
"""Metrics that compare with retrained models."""

TITLES = {
    "forget_accuracy": "right on the forget set",
    "heldout_accuracy": "right on unheard recordings of the same speakers",
    "retain_accuracy": "right on the retain set",
    "test_accuracy": "right on unknown speakers",
    "test_uar": "the same, mean over emotions",
    "mia_auc": "attack by the loss: area under the curve",
    "mia_tpr_at_1fpr": "attack by the loss: found at 1 % false alarms",
}
"""How the report calls what was measured before and after."""


@dataclass(frozen=True)
class Report:
    """All that a report says of a forget request that was done."""

    forgotten: Forgotten
    corpus: str
    recipe: str
    checkpoint: str
    """Hash of the original's weights."""
    model: str
    """Name of the file or folder with the unlearned model."""
    left_out: tuple[str, ...]
    """Names of files of the checkpoint that were not taken over."""
    chosen: str
    """Why the method was chosen, in a sentence; empty if the user named it."""
    commands: dict[str, str]
    """By what they are for."""

    def as_json(self) -> dict[str, Any]:
        """The report as a JSON-like mapping."""
        done = self.forgotten
        return {
            "schema_version": 1,
            "corpus": self.corpus,
            "recipe": self.recipe,
            "checkpoint": self.checkpoint,
            "model": self.model,
            "left_out": list(self.left_out),
            "method": done.row.label,
            "needs": sorted(done.row.needs),
            "parameters": dict(done.row.parameters),
            "reference": done.row.reference,
            "chosen": self.chosen,
            "forgotten": [each.name for each in done.forget],
            "sizes": dict(done.sizes),
            "before": dict(done.before),
            "after": dict(done.after),
            "not_measured": {name: METRICS[name].meaning for name in UNKNOWN},
            "commands": self.commands,
            "provenance": done.provenance.model_dump(mode="json"),
        }

    def as_markdown(self) -> str:
        """The report as a page."""
        done = self.forgotten
        parts = [
            f"# {done.sizes['forget']} recordings forgotten",
            self._summary(),
            "## What was measured",
            _table(["", "before", "after"], self._measured()),
            self._reading(),
            f"It took {done.after['runtime_s']:.1f} s, {done.after['flops']:.3g} operations and "
            f"{done.after['peak_memory_mb']:.0f} MB. Seconds include no evaluation.",
            "## What could not be measured",
            "Whether the model is now as if it had never heard the recordings, and whether attacks "
            "tell it from one that has not: only models that were retrained without them say "
            "that. Lacking are:",
            _table(["metric", "meaning"], [[name, METRICS[name].meaning] for name in UNKNOWN]),
            "## Commands",
            *(f"{purpose}:\n\n```sh\n{line}\n```" for purpose, line in self.commands.items()),
            "## Forgotten",
            "\n".join(f"- {markdown(each.name)}" for each in done.forget),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"

    def _summary(self) -> str:
        row = self.forgotten.row
        settings = ", ".join(f"{name} = {value}" for name, value in row.parameters.items())
        lines = [
            f"- method: {markdown(row.label)} ({markdown(row.reference)})",
            f"- parameters: {markdown(settings) or 'none'}",
            f"- data that it used: {', '.join(sorted(row.needs)) or 'none'}",
            f"- corpus: {markdown(self.corpus)}; recipe: {markdown(self.recipe)}",
            f"- hash of the weights before: {self.checkpoint}",
            f"- the unlearned model: `{self.model}`",
        ]
        if self.left_out:
            lines.append(
                f"- not taken over from the checkpoint: {markdown(', '.join(self.left_out))}. What "
                "an optimiser keeps comes from the recordings too."
            )
        return "\n".join([*lines, *([f"- why this method: {self.chosen}"] if self.chosen else [])])

    def _measured(self) -> list[list[str]]:
        done = self.forgotten
        return [
            [TITLES[name], _shown(name, done.before[name]), _shown(name, done.after[name])]
            for name in (*ACCURACIES, *BY_LOSS)
        ]

    def _reading(self) -> str:
        done = self.forgotten
        unheard = done.before["heldout_accuracy"]
        return (
            f"Of the forget set {done.after['forgetting_rate']:.0%} is now wrong. A model that "
            "never heard a recording is often right on it all the same: of unheard recordings of "
            f"the same speakers the original had {unheard:.0%} right. An area of 0.5 says that "
            "the loss does not tell the forget set from these; 0.1 tells as much as 0.9. This "
            "holds if the training set of the corpus's card is what the model was trained on."
        )


def _shown(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" if name == "mia_auc" else f"{100 * value:.1f} %"


def _table(headers: list[str], rows: list[list[str]]) -> str:
    return tabulate(rows, headers, tablefmt="github", disable_numparse=True)
