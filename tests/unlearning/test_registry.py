"""Methods: discovered from their files, refused with reasons, and given parameters."""

import subprocess
import sys
from textwrap import dedent

import pytest

from ser_unlearn import methods
from ser_unlearn.errors import UserError
from ser_unlearn.unlearning import registry

GOOD = '''
from __future__ import annotations

from dataclasses import dataclass

from ser_unlearn import Method


@dataclass(frozen=True)
class Fake(Method):
    """Do nothing
    at length.

    And more.
    """

    reference = "Nobody 2020"
    needs = frozenset({"forget", "retain"})
    smoke = {"epochs": 1}
    variants = {"slow": {"epochs": 9, "careful": True}}

    rate: float = 0.5
    epochs: int = 3
    careful: bool = False
    mode: str = "plain"

    def unlearn(self, model, task):
        return model
'''


@pytest.fixture
def write(tmp_path):
    """A function that writes a method's file; by default that of GOOD."""
    folder = tmp_path / "folder"
    folder.mkdir()

    def write(text=GOOD, name="fake"):
        path = folder / f"{name}.py"
        path.write_text(dedent(text), encoding="utf-8")
        return path

    return write


@pytest.fixture
def installed(write, monkeypatch):
    """A function that writes a method's file to where the registry looks."""
    written = []
    listed = registry.list_methods

    def install(text=GOOD, name="registered_fake"):
        path = write(text, name)
        monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(path.parent)])
        monkeypatch.setattr(registry, "list_methods", lambda: listed(path.parent))
        written.append(f"ser_unlearn.methods.{name}")
        return path

    yield install
    for name in written:
        sys.modules.pop(name, None)
        if hasattr(methods, name.removeprefix("ser_unlearn.methods.")):
            delattr(methods, name.removeprefix("ser_unlearn.methods."))


# Reading files


def test_a_file_says_what_the_method_is(write):
    path = write()
    info = registry.read_method(path)
    assert info.name == "fake"
    assert info.summary == "Do nothing at length."
    assert info.reference == "Nobody 2020"
    assert info.needs == {"forget", "retain"}
    assert info.variants == ("slow",)
    assert info.rows == ["fake", "fake-slow"]
    assert info.path == path


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        ('frozenset({"forget"})', {"forget"}),
        ('frozenset(["forget"])', {"forget"}),
        ('{"forget"}', {"forget"}),
        ("frozenset()", set()),
    ],
)
def test_needs_may_be_written_in_several_ways(write, needs, expected):
    path = write(GOOD.replace('frozenset({"forget", "retain"})', needs))
    assert registry.read_method(path).needs == expected


def test_attributes_may_carry_types(write):
    path = write(GOOD.replace("reference =", "reference: ClassVar[str] ="))
    assert registry.read_method(path).reference == "Nobody 2020"


def without(start):
    return "\n".join(line for line in GOOD.splitlines() if not line.strip().startswith(start))


TWO = GOOD + "\n\nclass Second(Method):\n    pass\n"
DOCSTRING = '"""Do nothing\n    at length.\n\n    And more.\n    """'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds 0 classes"),
        ("class Other:\n    pass\n", "holds 0 classes"),
        (GOOD.replace("(Method)", "(Base)"), "holds 0 classes"),
        (TWO, "holds 2 classes"),
        (without("reference"), "lacks reference"),
        (without("needs"), "lacks needs"),
        (GOOD.replace(DOCSTRING, ""), "lacks a docstring"),
        (GOOD.replace(DOCSTRING, '""""""'), "lacks a docstring"),
        (GOOD.replace("frozenset({", "SOME | frozenset({"), "lacks needs"),  # no literal
        (GOOD.replace('"Nobody 2020"', "author()"), "lacks reference"),
        (GOOD.replace("def unlearn(", "def unlearn(("), "not valid Python"),
        ("class Half(", "not valid Python"),
    ],
    ids=[
        "empty",
        "another class",
        "another base",
        "two",
        "no reference",
        "no needs",
        "no docstring",
        "empty docstring",
        "computed needs",
        "computed reference",
        "bad syntax",
        "half a file",
    ],
)
def test_a_file_that_is_not_one_method_is_refused_with_its_path(write, text, words):
    path = write(text)
    with pytest.raises(UserError, match=words) as refusal:
        registry.read_method(path)
    assert str(path) in str(refusal.value)


def test_all_that_a_method_lacks_is_said_at_once(write):
    path = write("class Fake(Method):\n    pass\n")
    with pytest.raises(UserError, match="lacks reference and needs and a docstring"):
        registry.read_method(path)


def test_reading_does_not_run_the_file(write):
    path = write(GOOD + "\nraise RuntimeError('was run')\n")
    assert registry.read_method(path).name == "fake"


def test_methods_are_listed_sorted_and_helpers_are_not(write):
    for name in ("zebra", "ant"):
        write(name=name)
    helper = write("raise RuntimeError", name="_helper")
    write("", name="__init__")
    found = registry.list_methods(helper.parent)
    assert list(found) == ["ant", "zebra"]
    assert all(name == info.name for name, info in found.items())


def test_one_bad_file_is_named_when_all_are_listed(write):
    write()
    bad = write("", name="bad")
    with pytest.raises(UserError, match=r"bad\.py"):
        registry.list_methods(bad.parent)


def test_the_projects_own_methods_are_found():
    assert {"original", "retrain", "finetune"} <= set(registry.list_methods())


def test_listing_imports_nothing_heavy():
    code = """
        import sys
        from ser_unlearn.unlearning.registry import list_methods
        for info in list_methods().values():
            info.code
        heavy = {"torch", "speechbrain", "datasets", "numpy", "scipy", "sklearn", "pandas"}
        print(sorted(heavy & set(sys.modules)), [m for m in sys.modules if "methods." in m])
    """
    done = subprocess.run(
        [sys.executable, "-c", dedent(code)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[] []"


# The hash of a method's code


def test_the_code_of_a_method_is_its_own_and_that_of_the_helpers_that_it_imports(write):
    write("from ser_unlearn.methods._below import LIMIT", name="_helper")
    write("LIMIT = 3", name="_below")
    text = "from ser_unlearn.methods._helper import LIMIT\n" + GOOD
    info = registry.read_method(write(text))
    before = info.code
    write(GOOD.replace("Nobody", "Somebody"), name="other")
    write("LIMIT = 5", name="_unused")
    write(text.replace("class Fake", "# A comment\nclass Fake"))
    assert info.code == before
    write("LIMIT = 4", name="_below")
    assert info.code != before
    write("LIMIT = 3  # of something", name="_below")
    assert info.code == before
    write(text.replace("0.5", "0.6"))
    assert info.code != before


# Rows and parameters


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


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "latin.py").write_bytes("# Müller".encode("latin-1"))
    (tmp_path / "zero.py").write_bytes(b"a = '\0'")
    (tmp_path / "deep.py").write_text("(" * 1_000 + ")" * 1_000)
    (tmp_path / "endless.py").symlink_to("/dev/zero")
    for name in ("latin", "zero", "deep", "endless"):
        with pytest.raises(UserError, match=f"{name}.py is not valid Python. Mend this") as found:
            registry.read_method(tmp_path / f"{name}.py")
        assert str(found.value).isprintable()


def test_a_file_that_cannot_be_imported_is_refused_with_the_reason(installed):
    installed(
        "raise RuntimeError('out of luck')\n"
        + GOOD.replace("from __future__ import annotations", "")
    )
    with pytest.raises(
        UserError, match=r"'registered_fake' cannot be imported.*RuntimeError: out of luck"
    ):
        registry.load_class("registered_fake")


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
        for row in info.rows:
            found = registry.resolve(row, {})
            assert found.label == row
            types = {type(value) for value in found.parameters.values()}
            assert types <= {bool, int, float, str}, row
