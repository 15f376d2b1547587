"""The suite that methods are under catches the faults that it is there for.

Each case is a sound method with one fault planted in it.
"""

from __future__ import annotations

from pathlib import Path

import planted_maths
import planted_reach
import pytest
from click.testing import CliRunner
from planted import RELABEL, SOUND, planted, shipped
from planted_maths import WRONG_SIGNS

from ser_unlearn.checks.conformance import CHECKS, verdict
from ser_unlearn.checks.subjects import Subject
from ser_unlearn.cli import main


def write(folder: Path, name: str, source: str) -> Path:
    path = folder / f"{name}.py"
    path.write_text(source)
    return path


FAULTS = {**planted_maths.FAULTS, **planted_reach.FAULTS}

LONG = {"fresh_process"}
"""Checks that start another process."""


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Subject]:
    folder = tmp_path_factory.mktemp("sound")
    sources = {"distil": SOUND, "relabel": RELABEL}
    return {name: Subject(write(folder, name, source)) for name, source in sources.items()}


@pytest.mark.parametrize("name", ["distil", "relabel"])
@pytest.mark.parametrize(
    "check",
    [pytest.param(check, marks=[pytest.mark.slow] * (check in LONG)) for check in CHECKS],
)
def test_a_sound_method_passes(sound: dict[str, Subject], check: str, name: str):
    assert verdict(sound[name], check) == ""


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, marks=[pytest.mark.slow] * (check in LONG))
        for fault, (_, check, _) in FAULTS.items()
    ],
)
def test_a_planted_fault_is_caught(tmp_path: Path, fault: str):
    source, check, reason = FAULTS[fault]
    found = verdict(Subject(write(tmp_path, f"faulty_{list(FAULTS).index(fault)}", source)), check)
    assert reason in found
    assert found.isprintable()


@pytest.mark.slow
@pytest.mark.parametrize("method", WRONG_SIGNS)
def test_a_wrong_sign_is_caught_in_a_method_that_is_there(tmp_path: Path, method: str):
    source = planted(shipped(method), *WRONG_SIGNS[method])
    found = verdict(Subject(write(tmp_path, f"wrong_{method}", source)), "direction")
    assert "a sign may be wrong" in found


def test_sound_dampening_that_harms_everything_passes(tmp_path: Path):
    """At an alpha of 2 it harms the retain set more than some of what it forgets."""
    source = planted(shipped("ssd"), ("selection: float = 3.0", "selection: float = 2.0"))
    assert verdict(Subject(write(tmp_path, "ssd_at_2", source)), "direction") == ""


HEAD = planted(SOUND, ("SGD(model.parameters()", "SGD(model.classifier.parameters()"))


def saying(source: str, deliberate: str) -> str:
    field = "    learning_rate: float"
    return planted(source, (field, f"    deliberate = {{{deliberate}}}\n{field}"))


@pytest.mark.parametrize(
    ("source", "check", "reason"),
    [
        (saying(HEAD, '"whole_model": "why"'), "whole_model", ""),
        (saying(HEAD, '"whole_model": "why"'), "documentation", ""),
        (saying(SOUND, '"whole_model": "why"'), "whole_model", "what it does not do"),
        (saying(HEAD, '"whole_mode": "why"'), "documentation", "known: whole_model"),
        (saying(HEAD, '"whole_model": ""'), "documentation", "no reason"),
        (saying(SOUND, '"direction": "why"'), "documentation", "known: whole_model"),
    ],
)
def test_what_a_method_means_to_do_is_no_fault(
    tmp_path: Path, source: str, check: str, reason: str
):
    found = verdict(Subject(write(tmp_path, f"meant_{abs(hash(source))}", source)), check)
    assert reason in found
    assert bool(found) == bool(reason)


SPOIL = '''
def spoil():
    """Write to whatever the harness holds in the frames below."""
    import sys
    frame = sys._getframe()
    while frame is not None:
        toy = frame.f_locals.get("toy")
        if hasattr(toy, "labels"):
            toy.labels[:] = 0
            toy.features.values.fill_(float("nan"))
            for each in toy._models.values():
                for tensor in each.state.values():
                    tensor.zero_()
        frame = frame.f_back


@dataclass'''


def test_no_check_sees_what_another_did_to_its_toy(tmp_path: Path):
    source = planted(
        SOUND,
        ("\n@dataclass", SPOIL),
        ("teacher = frozen_copy(model)\n", "spoil(); teacher = frozen_copy(model)\n"),
    )
    spoiler = Subject(write(tmp_path, "spoiler", source))
    assert "the stored original" in verdict(spoiler, "original_is_kept")
    for check in ("determinism", "whole_emotion", "declared_data"):
        verdict(spoiler, check)
    sound = Subject(write(tmp_path, "after_a_spoiler", SOUND))
    for check in ("original_is_kept", "determinism", "direction", "declared_data"):
        assert verdict(sound, check) == ""


@pytest.mark.slow
def test_check_method_prints_what_fails_and_why(tmp_path: Path):
    source, check, reason = FAULTS["batch normalisation takes new statistics"]
    result = CliRunner().invoke(main, ["check-method", str(write(tmp_path, "careless", source))])
    assert result.exit_code == 1
    failed = [line for line in result.output.splitlines() if line.startswith("FAILED")]
    meaning = (CHECKS[check].__doc__ or "").splitlines()[0]
    assert f"FAILED  careless: {meaning}" in failed
    assert reason in result.output


@pytest.mark.slow
def test_check_method_knows_names(tmp_path: Path):
    result = CliRunner().invoke(main, ["check-method", "original"])
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "All checks passed.")
    assert result.output.count("passed  original") == len(CHECKS)
    unknown = CliRunner().invoke(main, ["check-method", "orignal"])
    assert unknown.exit_code == 2
    assert "Did you mean original?" in unknown.output


@pytest.mark.slow
def test_check_method_goes_on_with_others_after_one_that_ends_its_process(tmp_path: Path):
    ending = planted(SOUND, ("teacher = frozen_copy(model)", "os._exit(3)"))
    paths = [str(write(tmp_path, f"ending{each}", ending)) for each in range(3)]
    result = CliRunner().invoke(main, ["check-method", *paths, "original"])
    assert result.exit_code == 1
    assert result.output.count("ended with exit status 3") == 3
    assert result.output.count("passed  original") == len(CHECKS)
