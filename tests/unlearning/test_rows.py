"""Rows of methods: their parameters, overrides, labels, and the classes behind them."""

import dataclasses

import pytest
from method_files import GOOD

from ser_unlearn.errors import UserError
from ser_unlearn.unlearning import registry


def test_a_methods_own_row_has_its_defaults(installed):
    installed()
    row = registry.resolve("registered_fake", {})
    assert (row.label, row.method) == ("registered_fake", "registered_fake")
    assert row.parameters == {"rate": 0.5, "epochs": 3, "careful": False, "mode": "plain"}
    assert (row.reference, row.needs) == ("Nobody 2020", {"forget", "retain"})
    assert row.code == registry.list_methods()["registered_fake"].code


def test_a_variants_row_has_the_variants_values(installed):
    installed()
    row = registry.resolve("registered_fake-slow", {})
    assert (row.label, row.method) == ("registered_fake-slow", "registered_fake")
    assert row.parameters == {"rate": 0.5, "epochs": 9, "careful": True, "mode": "plain"}


def test_overrides_are_in_the_parameters_and_sorted_in_the_label(installed):
    installed()
    overrides = {"registered_fake": {"rate": "0.25", "careful": "TRUE"}, "other": {"x": "1"}}
    row = registry.resolve("registered_fake", overrides)
    assert row.label == "registered_fake[careful=true,rate=0.25]"
    assert row.parameters == {"rate": 0.25, "epochs": 3, "careful": True, "mode": "plain"}


def test_an_override_beats_the_variant(installed):
    installed()
    row = registry.resolve("registered_fake-slow", {"registered_fake": {"epochs": "4"}})
    assert row.label == "registered_fake-slow[epochs=4]"
    assert row.parameters["epochs"] == 4
    assert row.parameters["careful"] is True


PRESETS = GOOD.replace(
    "    smoke =", '    presets = {"transformer": {"rate": 0.001, "epochs": 7}}\n    smoke ='
)


def test_a_preset_holds_for_its_family_unless_the_user_says_otherwise(installed):
    installed(PRESETS)
    row = registry.resolve("registered_fake", {})
    assert row.under("embedding").parameters == row.parameters
    assert row.parameters["rate"] == 0.5
    found = row.under("transformer")
    assert (found.label, found.parameters["rate"], found.parameters["epochs"]) == (
        "registered_fake", 0.001, 7
    )  # fmt: skip
    slow = registry.resolve("registered_fake-slow", {}).under("transformer")
    assert (slow.parameters["rate"], slow.parameters["epochs"]) == (0.001, 7)
    user = registry.resolve("registered_fake", {"registered_fake": {"rate": "0.25"}})
    assert user.under("transformer").parameters | {"rate": 0.25} == user.parameters | {"epochs": 7}


def test_presets_change_no_hash_of_a_methods_code(installed):
    path = installed()
    before = registry.read_method(path)
    path.write_text(PRESETS)
    after = registry.read_method(path)
    assert after.code == before.code
    assert after.presets == {"transformer": {"rate": 0.001, "epochs": 7}}


def test_two_spellings_of_a_value_give_one_label(installed):
    installed()
    labels = {
        registry.resolve("registered_fake", {"registered_fake": {"rate": text}}).label
        for text in ("0.001", "1e-3", "1E-3")
    }
    assert labels == {"registered_fake[rate=0.001]"}


@pytest.mark.parametrize(
    ("row", "overrides", "words"),
    [
        ("registered_fak", {}, r"no method 'registered_fak'. Did you mean registered_fake"),
        ("registered_fake-slwo", {}, r"Did you mean registered_fake-slow"),
        ("registered_fake-", {}, r"no method 'registered_fake-'"),
        (
            "registered_fake",
            {"registered_fake": {"epoch": "1"}},
            r"no parameter of registered_fake 'epoch'. Did you mean epochs\?",
        ),
        ("registered_fake", {"registered_fake": {"needs": "x"}}, r"no parameter of .* 'needs'"),
    ],
)
def test_unknown_names_get_suggestions(installed, row, overrides, words):
    installed()
    with pytest.raises(UserError, match=words):
        registry.resolve(row, overrides)


@pytest.mark.parametrize(
    ("field", "text", "expected"),
    [
        ("rate", "1e-3", 0.001),
        ("rate", "2", 2.0),
        ("epochs", "7", 7),
        ("careful", "true", True),
        ("careful", "False", False),
        ("mode", "7", "7"),
    ],
)
def test_text_becomes_the_type_of_the_field(installed, field, text, expected):
    installed()
    cls = registry.load_class("registered_fake")
    found = registry.convert(cls, "registered_fake", field, text)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        (
            "rate",
            "fast",
            r"registered_fake\.rate=fast: 'fast' is not of type float.*default is 0\.5",
        ),
        ("epochs", "1.5", r"'1\.5' is not of type int.*default is 3"),
        ("epochs", "", r"'' is not of type int"),
        ("careful", "yes", r"'yes' is not true or false.*default is false"),
        ("careful", "1", r"'1' is not true or false"),
    ],
)
def test_text_of_another_type_is_refused_with_the_default(installed, field, text, words):
    installed()
    cls = registry.load_class("registered_fake")
    with pytest.raises(UserError, match=words):
        registry.convert(cls, "registered_fake", field, text)


def test_a_file_that_cannot_be_imported_is_refused_with_the_reason(installed):
    installed(
        "raise RuntimeError('out of luck')\n"
        + GOOD.replace("from __future__ import annotations", "")
    )
    with pytest.raises(
        UserError, match=r"'registered_fake' cannot be imported.*RuntimeError: out of luck"
    ):
        registry.load_class("registered_fake")


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("epochs: int = 1 + 2", 3),
        ("epochs: int = 3\n    epochs = 4", 4),
        ("epochs: int = len('four')", 4),
        ("epochs: Wrong = 3", 3),
        ("if True:\n        epochs: int = 3", 3),
    ],
    ids=["computed", "twice", "called", "another type", "in a branch"],
)
def test_parameters_that_a_file_does_not_spell_out_come_from_its_class(installed, field, expected):
    installed(GOOD.replace("epochs: int = 3", field))
    row = registry.resolve("registered_fake", {})
    assert row.parameters["epochs"] == expected
    assert registry.resolve("registered_fake-slow", {}).parameters["epochs"] == 9
    registry.check_classes([row])


def test_a_class_is_not_run_to_know_its_parameters(installed):
    installed(GOOD + "\nraise RuntimeError('was run')\n")
    row = registry.resolve("registered_fake", {})
    assert row.parameters["epochs"] == 3
    with pytest.raises(UserError, match="cannot be imported"):
        registry.check_classes([row])


def test_a_class_that_changes_its_parameters_is_refused(installed):
    installed(
        GOOD + "\n    def __post_init__(self):\n        object.__setattr__(self, 'epochs', 4)\n"
    )
    with pytest.raises(UserError, match="other parameters than its class declares"):
        registry.check_classes([registry.resolve("registered_fake", {})])


def test_a_class_is_the_files_own_and_not_one_that_it_imports(installed):
    # Another method may serve as a part, and its name come first.
    installed(
        GOOD.replace(
            "from ser_unlearn import Method",
            "from ser_unlearn.methods.finetune import Finetune\nfrom ser_unlearn import Method",
        )
    )
    assert registry.load_class("registered_fake").__name__ == "Fake"


def test_every_row_of_the_projects_own_methods_can_be_resolved():
    for info in registry.list_methods().values():
        assert info.parameters is not None  # or else planning has to import torch
        for row in info.rows:
            found = registry.resolve(row, {})
            assert found.label == row
            registry.check_classes([found])
            assert list(found.parameters) == [
                field.name for field in dataclasses.fields(registry.load_class(info.name))
            ]
            types = {type(value) for value in found.parameters.values()}
            assert types <= {bool, int, float, str}, row


@pytest.mark.parametrize(
    "text", ["nan", "inf", "-inf", "1e400", "9" * 400, "9" * 5_000, "-9223372036854775808"]
)
@pytest.mark.parametrize("field", ["rate", "epochs"])
def test_a_number_that_is_none_or_absurd_is_refused_in_one_line(installed, field, text):
    installed()
    cls = registry.load_class("registered_fake")
    with pytest.raises(UserError, match="is not of type") as refusal:
        registry.convert(cls, "registered_fake", field, text)
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize("mode", ["/../../x", "a\\b", "a\nb", "\x1b[31m", "x" * 200, "ü" * 100])
def test_a_row_that_cannot_be_a_folder_is_refused(installed, mode):
    installed()
    with pytest.raises(UserError, match=r"The row 'registered_fake.*Give it a plain") as found:
        registry.resolve("registered_fake", {"registered_fake": {"mode": mode}})
    assert str(found.value).isprintable()
    assert len(str(found.value)) < 200


def test_what_a_methods_class_refuses_is_told_in_one_line(installed):
    installed(
        GOOD + "\n    def __post_init__(self):\n        if self.epochs > 5:\n"
        "            raise ValueError('no more\\nthan 5')\n"
    )
    assert registry.resolve("registered_fake", {}).parameters["epochs"] == 3
    with pytest.raises(
        UserError, match=r"refuses its parameters \(epochs=7\): no more than 5\. Give"
    ):
        registry.resolve("registered_fake", {"registered_fake": {"epochs": "7"}})
