"""`ser-unlearn store`, through the command line."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from artefacts import flip_a_byte
from click.testing import CliRunner, Result
from workplaces import take_corpus

from ser_unlearn.cli import main
from ser_unlearn.results.identity import numerics
from ser_unlearn.results.revisions import revisions
from ser_unlearn.results.store import Artefact, Store
from ser_unlearn.runner import models, places
from ser_unlearn.runner.grid import Options, grid, rows
from ser_unlearn.runner.grid import models as all_models
from ser_unlearn.runner.suite import Suite


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["store", *arguments])


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("SER_UNLEARN_CACHE", str(tmp_path / "store"))
    return Store()


def put(store: Store, identity: dict[str, object], kind: str = "models") -> Path:
    store.put(kind, identity, Artefact({"x": torch.zeros(250_000)}, {"a": 1}))
    return store.path(kind, identity)


def test_an_empty_store(here: Store):
    for arguments in ((), ("list",)):
        result = invoke(*arguments)
        assert result.exit_code == 0
        assert result.output == f"The store in {here.root} is empty.\n"
    assert invoke("verify").output == "All 0 artefacts are whole.\n"
    assert invoke("prune").output == "Removed 0 artefacts and files, 0.0 MB.\n"


@pytest.mark.parametrize("arguments", [(), ("list",)])
def test_what_is_there(here: Store, arguments: tuple[str, ...]):
    for seed in (1, 2):
        path = put(here, {"seed": seed})
        os.utime(path, (time.time(), time.mktime((2026, 3, 4, 5, 6, 7, 0, 0, -1))))
    old = put(here, {"seed": 1}, "features")
    os.utime(old, (0, time.mktime((2025, 3, 4, 5, 6, 7, 0, 0, -1))))
    result = invoke(*arguments)
    assert result.exit_code == 0
    lines = [line.split() for line in result.output.splitlines()]
    assert ["features", "1", "1.0", "2025-03-04", "05:06"] in lines
    assert ["models", "2", "2.0", "2026-03-04", "05:06"] in lines
    assert ["all", "3", "3.0", "2026-03-04", "05:06"] in lines


def test_verify_tells_by_its_exit_status(here: Store):
    path = put(here, {"seed": 1})
    put(here, {"seed": 2})
    result = invoke("verify")
    assert (result.exit_code, result.output) == (0, "All 2 artefacts are whole.\n")
    flip_a_byte(path.with_suffix(".safetensors"))
    result = invoke("verify")
    assert result.exit_code == 1
    assert f"damaged  {path}: its checksum does not match" in result.output
    assert "1 of 2 artefacts are damaged." in result.output


def test_prune_keeps_what_this_code_made(here: Store):
    kept = put(here, {"revisions": revisions(["training"]), "packages": numerics()})
    gone = put(here, {"revisions": {"training": -1}, "packages": numerics()})
    for path in here.root.rglob("*.*"):
        os.utime(path, (0, 0))
    would = invoke("prune", "--dry-run")
    assert would.exit_code == 0
    assert f"{gone.relative_to(here.root)}: made by training -1" in would.output
    assert "Would remove 1 artefacts and files, 1.0 MB." in would.output
    assert gone.exists()
    assert "Removed 1 artefacts and files, 1.0 MB." in invoke("prune").output
    assert (kept.exists(), gone.exists()) == (True, False)


@pytest.mark.parametrize("command", ["list", "verify", "prune"])
def test_looking_after_the_store_imports_nothing_heavy(command: str):
    code = (
        "import sys; from click.testing import CliRunner; from ser_unlearn.cli import main; "
        f"assert CliRunner().invoke(main, ['store', '{command}']).exit_code == 0; "
        "print(sorted({'torch', 'speechbrain', 'datasets', 'pandas', 'scipy', 'sklearn'} "
        "& set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_disk_that_fails_is_exit_status_3(here: Store, tmp_path: Path):
    (tmp_path / "store").write_text("")
    (tmp_path / "parcel.tar").write_bytes(bytes(10240))
    result = invoke("unpack", str(tmp_path / "parcel.tar"))
    assert result.exit_code == 3
    assert f"Error: The store in {here.root} cannot be written" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pack", "x.tar"], "Missing option '--suite'"),
        (["pack", "x.tar", "--suite", "papr"], "There is no suite 'papr'. Did you mean paper?"),
        (["unpack", "x.tar"], "x.tar cannot be read: No such file"),
    ],
)
def test_bad_input_is_named(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert list(tmp_path.glob("x*")) == []


SUITES = {
    "small": Suite(
        description="a suite",
        corpora=["espeak"],
        recipes=["tiny"],
        scenarios=["random:16", "hard:4"],
        methods=["original", "finetune"],
        runs=1,
        references=2,
        timeout_s=60,
    ),
    "attacked": Suite(
        description="the same with shadow models",
        corpora=["espeak"],
        recipes=["tiny"],
        scenarios=["random:16"],
        runs=1,
        references=2,
        attacks="standard",
        timeout_s=60,
    ),
}


@pytest.mark.slow
def test_the_models_of_a_suite_go_to_another_machine(
    here: Store, espeak_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    take_corpus(espeak_store, here.root)
    monkeypatch.setattr(models, "load_suite", SUITES.__getitem__)
    parcel = tmp_path / "parcel.tar.gz"
    lacking = invoke("pack", str(parcel), "--suite", "small")
    assert lacking.exit_code == 2
    assert (
        "lacks 1 models of the suite 'small', the first: train espeak (model 0)" in lacking.output
    )

    options = Options(tmp_path / "results")
    unlearnings = list(grid(SUITES["small"], rows(SUITES["small"], {})[:1], options, {}))
    original, *retrained = all_models(unlearnings)
    original.execute()
    assert "lacks 6 models" in invoke("pack", str(parcel), "--suite", "small").output
    for job in retrained:
        job.execute()
    assert "lacks 16 models" in invoke("pack", str(parcel), "--suite", "attacked").output
    assert not parcel.exists()
    packed = invoke("pack", str(parcel), "--suite", "small", "--suite", "small")
    assert packed.exit_code == 0, packed.output
    assert f"Wrote 7 models to {parcel}" in packed.output

    # Another machine, which has heard of the corpus alone.
    for loaded in (places._setup, places._request):
        loaded.cache_clear()
    take_corpus(espeak_store, tmp_path / "elsewhere")
    monkeypatch.setenv("SER_UNLEARN_CACHE", str(tmp_path / "elsewhere"))
    unpacked = invoke("unpack", str(parcel))
    assert unpacked.output == (
        f"Put 7 models into the store in {tmp_path / 'elsewhere'}; 0 were there.\n"
    )
    unlearnings = list(grid(SUITES["small"], rows(SUITES["small"], {})[:1], options, {}))
    assert all(job.is_done() for job in all_models(unlearnings))
    assert invoke("verify").exit_code == 0
