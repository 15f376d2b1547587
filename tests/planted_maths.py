"""Faults of models, losses and randomness, each planted in a sound method."""

from __future__ import annotations

from planted import BEGIN, NEXT, RELABEL, SOUND, at_first, planted, shipped

FLAT = "loss = keep - cross_entropy(model(inputs, lengths).softmax(1)"

FAULTS: dict[str, tuple[str, str, str]] = {
    # What a model is, and what is returned.
    "the teacher is the student": (
        planted(SOUND, ("teacher = frozen_copy(model)", "teacher = model")),
        "teachers",
        "the teacher is the student",
    ),
    "the teacher shares the student's weights": (
        planted(
            SOUND,
            ("teacher = frozen_copy(model)", "teacher = copy.copy(model)"),
            (
                "for inputs, lengths, labels in task.retain.batches(self.batch_size):",
                "for inputs, lengths, labels in [next(task.retain.batches(self.batch_size))]:",
            ),
        ),
        "teachers",
        "shares its weights",
    ),
    "the teacher takes gradients": (
        planted(
            SOUND,
            ("teacher = frozen_copy(model)", "teacher = copy.deepcopy(model)"),
            ("with torch.no_grad():", "if True:"),
        ),
        "frozen_teachers",
        "take gradients",
    ),
    "the optimiser holds another model's weights": (
        planted(SOUND, ("SGD(model.parameters()", "SGD(copy.deepcopy(model).parameters()")),
        "weights_change",
        "trains another model",
    ),
    "the optimiser holds the head alone": (
        planted(SOUND, ("SGD(model.parameters()", "SGD(model.classifier.parameters()")),
        "whole_model",
        "the classifier alone",
    ),
    "the untouched model is returned": (
        planted(
            SOUND,
            (BEGIN, f"given = model; model = copy.deepcopy(model); {BEGIN}"),
            ("return model", "return given"),
        ),
        "weights_change",
        "returns the wrong one",
    ),
    "batch normalisation takes new statistics": (
        planted(SOUND, ("train_mode(model)\n", "model.train()\n")),
        "model_is_left_usable",
        "train_mode(model)",
    ),
    "weights stay frozen": (
        planted(SOUND, ("return model", "return model.requires_grad_(False)")),
        "model_is_left_usable",
        "no longer take gradients",
    ),
    "weights become infinite": (
        planted(SOUND, ("learning_rate: float = 0.002", "learning_rate: float = 1e30")),
        "result",
        "not finite",
    ),
    "another object is returned": (
        planted(SOUND, ("return model", "return None")),
        "result",
        "returns NoneType",
    ),
    "an exception is raised": (at_first("raise ValueError('no')"), "result", "ValueError: no"),
    "a field is not explained": (
        planted(SOUND, ("        batch_size: utterances a step.\n", "")),
        "documentation",
        "batch_size",
    ),
    # Losses.
    "the divergence is of raw logits": (
        planted(SOUND, ("kl_div(log_softmax(logits, dim=1), target", "kl_div(logits, target")),
        "divergences",
        "not a log-distribution",
    ),
    "the arguments of the divergence are swapped": (
        planted(
            SOUND,
            (
                "kl_div(log_softmax(logits, dim=1), target",
                "kl_div(target.log(), softmax(logits, dim=1)",
            ),
        ),
        "divergence_direction",
        "arguments are swapped",
    ),
    "a softmax comes before the cross-entropy": (
        planted(
            SOUND,
            ("loss = keep - cross_entropy(model(inputs, lengths)", FLAT),
        ),
        "losses",
        "given probabilities",
    ),
    "a softmax is taken twice": (
        planted(SOUND, ("log_softmax(logits, dim=1)", "log_softmax(logits.softmax(1), dim=1)")),
        "losses",
        "log_softmax is given probabilities",
    ),
    "the sign of the loss is wrong": (
        planted(SOUND, ("keep - cross_entropy", "keep + cross_entropy")),
        "direction",
        "a sign may be wrong",
    ),
    "the gradient is negated before backward overwrites it": (
        planted(
            SOUND,
            ("keep - cross_entropy", "keep + cross_entropy"),
            (
                "            loss.backward()",
                "            for weight in model.parameters():\n"
                "                weight.grad = None if weight.grad is None else -weight.grad\n"
                "            loss.backward()",
            ),
        ),
        "direction",
        "a sign may be wrong",
    ),
    "it ends on the ascent": (
        planted(
            SOUND,
            (
                NEXT,
                f"            optimiser.zero_grad()\n            keep.backward()\n"
                f"            optimiser.step()\n{NEXT}",
            ),
            ("loss = keep - cross", "loss = -cross"),
        ),
        "last_step",
        "ends on the forget set",
    ),
    "weight decay leaks through a mask": (
        planted(RELABEL, (", weight_decay=0.0", "")), "masks", "weight decay"
    ),
    # Randomness, and what is kept.
    "randomness comes from elsewhere": (
        planted(
            SOUND,
            ("loss = keep", "loss = next(noise) * keep"),
            ("@dataclass", "noise = iter(range(10**6))\n\n\n@dataclass"),
        ),
        "determinism",
        "two runs with the same seed differ",
    ),
    "torch is given a seed of the method's own": (
        at_first("torch.manual_seed(3)"), "own_seed", "a number of its own"
    ),
    "a generator has a seed of its own": (
        at_first("torch.rand(3, generator=torch.Generator().manual_seed(3))"),
        "own_seed",
        "a number of its own",
    ),
    "NumPy is given a seed of the method's own": (
        at_first("np.random.default_rng(3).normal()"), "own_seed", "a number of its own"
    ),
    "NumPy's old generator is given a seed of the method's own": (
        at_first("np.random.RandomState(3).normal()"), "own_seed", "a number of its own"
    ),
    "the library is given a seed of the method's own": (
        at_first("random.Random(3).random()"), "own_seed", "a number of its own"
    ),
    "a batch is kept between calls": (
        planted(
            SOUND,
            ("@dataclass", "kept = {}\n\n\n@dataclass"),
            (
                "next(task.forget.batches(self.batch_size))",
                "kept.setdefault(0, next(task.forget.batches(self.batch_size)))",
            ),
        ),
        "fresh_process",
        "kept of runs before",
    ),
    # In methods that are there.
    "SSD's importances are swapped": (
        planted(
            shipped("ssd"),
            ("fisher(model, task.forget),\n            task.statistics.fisher",
             "task.statistics.fisher,\n            fisher(model, task.forget)"),
        ),
        "direction",
        "a sign may be wrong",
    ),
    "the importances of loss-free dampening are swapped": (
        planted(
            shipped("lfssd"),
            ("sensitivity(model, task.forget),\n            task.statistics.sensitivity",
             "task.statistics.sensitivity,\n            sensitivity(model, task.forget)"),
        ),
        "direction",
        "a sign may be wrong",
    ),
}  # fmt: skip
"""By what is wrong: the source, the check that finds it, and a part of its reason."""

WRONG_SIGNS = {
    "gradient_ascent": [("loss = -cross_entropy", "loss = cross_entropy")],
    "neggrad_plus": [("descent - (1 - self.beta)", "descent + (1 - self.beta)")],
    "npo": [("loss = -2 / self.beta", "loss = 2 / self.beta")],
    "scrub": [("(-parting).backward()", "parting.backward()")],
    "l2ul": [("descent - ascent", "descent + ascent")],
    "influence": [("+ self.scale * step", "- self.scale * step")],
    "task_negation": [("start - self.alpha", "start + self.alpha")],
    # Far from where it starts, chance decides about a harm as small as its.
    "mu_mis": [
        ("self.sensitivity(model, batch) - ", "-self.sensitivity(model, batch) + "),
        ("self.batch_size), self.steps)", "self.batch_size), 3)"),
    ],
}
"""Of methods that are there: where a sign may go wrong, and how."""
