"""Methods are discovered from their files, and refused with reasons."""

import subprocess
import sys
from textwrap import dedent

import pytest
from method_files import GOOD

from ser_unlearn.errors import UserError
from ser_unlearn.unlearning import registry

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
    write(text.replace("return model", "return model.eval()"))
    assert info.code != before


def test_the_code_of_a_method_is_the_same_whatever_its_defaults_and_declarations_are(write):
    write("LIMIT: int = 3", name="_helper")
    lines = ("from ser_unlearn.methods._helper import LIMIT", "class Part:", "    size: int = 7")
    text = "\n".join(lines) + GOOD
    info = registry.read_method(write(text))
    before = info.code
    for old, new in (
        ("0.5", "0.6"),
        ("False", "True"),
        ('"plain"', '"rich"'),
        ('"epochs": 1', '"epochs": 2'),
        ('"epochs": 9', '"epochs": 8'),
        ("Nobody", "Somebody"),
    ):
        assert old in text
        write(text.replace(old, new))
        assert info.code == before, new
    for old, new in (
        ("rate: float", "rates: float"),
        ("return model", "return model.eval()"),
        ("= 7", "= 8"),
        ("    rate:", "    learns_statistics: ClassVar[bool] = True\n    rate:"),
    ):
        write(text.replace(old, new))
        assert info.code != before, new
    # Of two values of a class variable, which is no hyper-parameter.
    flags = [
        text.replace("    rate:", f"    x: ClassVar[int] = {value}\n    rate:") for value in "12"
    ]
    found = [registry.read_method(write(each)).code for each in flags]
    assert len(set(found)) == 2
    write(text)
    write("LIMIT: int = 4", name="_helper")
    assert info.code != before


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "latin.py").write_bytes("# Müller".encode("latin-1"))
    (tmp_path / "zero.py").write_bytes(b"a = '\0'")
    (tmp_path / "deep.py").write_text("(" * 1_000 + ")" * 1_000)
    (tmp_path / "endless.py").symlink_to("/dev/zero")
    for name in ("latin", "zero", "deep", "endless"):
        with pytest.raises(UserError, match=f"{name}.py is not valid Python. Mend this") as found:
            registry.read_method(tmp_path / f"{name}.py")
        assert str(found.value).isprintable()
