"""Faults of what a method touches and what that costs, each planted in a sound method."""

from __future__ import annotations

from planted import FORGET_ONLY, RELABEL, SOUND, at_first, planted

FAULTS: dict[str, tuple[str, str, str]] = {
    # Data.
    "undeclared data is touched": (FORGET_ONLY, "declared_data", "the retain set"),
    "retain batches stand in the place of forget batches": (
        planted(SOUND, ("task.forget.batches", "task.retain.batches")),
        "declared_is_used",
        "declares forget",
    ),
    "retain batches stand in the place of forget batches, with a look at the forget set": (
        planted(
            SOUND,
            ("task.forget.batches", "task.retain.batches"),
            ("return model", "task.accuracy(model, task.forget)\n        return model"),
        ),
        "direction",
        "another set taken for it",
    ),
    "the true label is among random ones": (
        planted(
            RELABEL,
            (
                "other_labels(task.forget.labels, task.n_emotions, task.generator)",
                "torch.randint(task.n_emotions, (len(task.forget),), generator=task.generator)",
            ),
        ),
        "wrong_labels",
        "other_labels",
    ),
    "the true label is among random ones, drawn at each step": (
        planted(
            SOUND,
            (
                "keep - cross_entropy(model(inputs, lengths), labels)",
                "keep + cross_entropy(model(inputs, lengths), torch.randint("
                "task.n_emotions, labels.shape, generator=task.generator))",
            ),
        ),
        "wrong_labels",
        "other_labels",
    ),
    # Behind the task's back.
    "the retrained model is taken from the store": (
        at_first(
            "return task._setup.load(task._setup.trained(task._sets['retain'], 0).state)"
        ),
        "private_parts",
        "task._setup",
    ),
    "the retrained model is taken at no cost": (
        at_first("state, _ = task._supplies.retrained(); return model"),
        "private_parts",
        "task._supplies",
    ),
    "the retrained model is taken at no cost, and no private part touched": (
        at_first(
            "supplies = [each for each in object.__getattribute__(task, '__dict__').values() "
            "if hasattr(each, 'retrained')]; supplies[0].retrained()"
        ),
        "operations",
        "task.retrained()",
    ),
    "its costs are changed": (
        at_first("task._meter._flops = -10**9"), "private_parts", "task._meter"
    ),
    "an epoch is chosen by accuracy on the test set": (
        at_first("score = task.accuracy(model, task._setup.utterances(task._setup.split.test))"),
        "private_parts",
        "task._setup",
    ),
    "an epoch is chosen by accuracy on the held-out set": (
        at_first("score = task.accuracy(model, task._declared('heldout'))"),
        "private_parts",
        "task._declared",
    ),
    "labels are read behind the task's back": (
        at_first("labels = getattr(task, '_setup').labels"), "private_parts", "task._setup"
    ),
    "labels are read out of the brief": (
        at_first("labels = vars(task)['_brief'].labels"), "private_parts", "task.__dict__"
    ),
    "the sets of the task are changed": (
        at_first("task._sets['forget'] = task._sets['retain']"), "private_parts", "task._sets"
    ),
    "the generator of the task is changed": (
        at_first("task.generator = torch.Generator()"), "private_parts", "task.generator = ..."
    ),
    "undeclared data is touched behind the task's back": (
        planted(
            FORGET_ONLY,
            (
                "task.retain.batches",
                "task._setup.utterances(task._sets['retain'], task.generator).batches",
            ),
        ),
        "private_parts",
        "task._setup",
    ),
    "the harness's own modules are imported": (
        planted(SOUND, ("import copy", "import copy\nfrom ser_unlearn.recogniser import setup")),
        "imports",
        "ser_unlearn.recogniser",
    ),
    "a shell command is run": (at_first("os.system('true')"), "outside_world", "os.system"),
    "a program is started": (
        at_first("subprocess.run(['true'])"), "outside_world", "starts a program"
    ),
    "a file is written": (
        at_first("Path(__file__).with_suffix('.log').write_text('x')"),
        "outside_world",
        "for writing",
    ),
    "weights are written to a file": (
        at_first("torch.save(model.state_dict(), Path(__file__).with_suffix('.pt'))"),
        "outside_world",
        "torch.save",
    ),
    "a file is read": (
        planted(
            at_first("Path(__file__).with_suffix('.csv').read_text()"),
            ("@dataclass", "Path(__file__).with_suffix('.csv').write_text('x')\n\n\n@dataclass"),
        ),
        "outside_world",
        "it reads",
    ),
    # Costs.
    "the model's operations escape the count": (
        planted(
            SOUND,
            ("teacher(inputs, lengths)", "teacher.forward(inputs, lengths)"),
            (
                "logits = model(inputs, lengths)",
                "logits = model.classifier.forward(model.embed(inputs, lengths)[:, None])[:, 0]",
            ),
        ),
        "operations",
        "operations are counted",
    ),
}  # fmt: skip
"""By what is wrong: the source, the check that finds it, and a part of its reason."""
