"""Python, TOML and YAML in documents.

Python is compiled, and calls of `ser_unlearn`'s functions are held against their parameters. The
method of docs/add-a-method.md passes its checks here, and is run in
tests/runner/test_added_methods.py. What reads records or attacks outputs is run; what trains or
needs a cluster is not.
"""

from __future__ import annotations

import ast
import inspect
import tomllib
from typing import Any

import numpy as np
import pytest
import yaml
from checkouts import ROOT
from documents import Block, blocks
from pydantic import TypeAdapter

import ser_unlearn
from ser_unlearn.checks.conformance import CHECKS, verdict
from ser_unlearn.checks.subjects import subjects
from ser_unlearn.data.origins import Source
from ser_unlearn.plugins import SINGULAR
from ser_unlearn.unlearning.registry import read_method

PYTHON = blocks("python")


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_python_compiles_and_calls_what_there_is(block: Block):
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("ser_unlearn."):
            function = getattr(ser_unlearn, ast.unparse(node.func).removeprefix("ser_unlearn."))
            given = {each.arg: None for each in node.keywords if each.arg}
            inspect.signature(function).bind(*node.args, **given)


def block_with(text: str) -> Block:
    (found,) = [block for block in PYTHON if text in block.text]
    return found


@pytest.mark.slow
def test_the_method_that_is_written_passes_every_check(tmp_path):
    path = tmp_path / "gradient_difference.py"
    path.write_text(block_with("class GradientDifference(Method)").text)
    assert read_method(path).needs == {"forget", "retain"}
    (subject,) = subjects([path])
    assert {check: verdict(subject, check) for check in CHECKS} == dict.fromkeys(CHECKS, "")


def test_the_records_of_the_api_are_a_table(monkeypatch):
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {"ser_unlearn": ser_unlearn}
    exec(block_with("ser_unlearn.records(").text, names)
    assert len(names["table"]) > 0


def test_the_audit_of_the_api_finds_what_there_is(capsys):
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 40)
    members = np.arange(40) < 20
    # Members fit three times as well.
    logits = np.eye(3)[labels] * np.where(members, 6.0, 2.0)[:, None] + random.normal(size=(40, 3))
    names = {
        "ser_unlearn": ser_unlearn,
        "logits": logits.astype(np.float32),
        "labels": labels,
        "members": members,
    }
    exec(block_with("ser_unlearn.audit(").text, names)
    assert names["found"].auc.max() > 0.9
    assert "auc_low" in capsys.readouterr().out


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_yaml_is_what_a_card_may_say(block: Block):
    found = yaml.safe_load(block.text)
    if isinstance(found, list):
        # A source needs patterns or columns for both labels; an extract of one shows less.
        for source in TypeAdapter(list[Source]).validate_python(found):
            assert source.kind in {"folder", "local", "hub"}
    else:
        assert set(found) == {"codes"}


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_toml_names_entry_points_that_are_looked_for(block: Block):
    groups = tomllib.loads(block.text)["project"]["entry-points"]
    assert set(groups) == {f"ser_unlearn.{group}" for group in SINGULAR}
