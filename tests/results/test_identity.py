"""Hashes: what changes them, and what must not."""

import hashlib
import math

import pytest

from ser_unlearn.results.identity import code_digest, digest, file_digest, numerics

CODE = '''
"""A module."""

import math

LIMIT = 3  # of something


class Circle:
    """A circle."""

    def area(self, radius: float) -> float:
        """Its area."""
        return math.pi * radius**2


async def later():
    """Some day."""
    return "text"
'''


def test_digest_does_not_depend_on_the_order_of_keys():
    assert digest({"a": 1, "b": {"c": 2, "d": 3}}) == digest({"b": {"d": 3, "c": 2}, "a": 1})


def test_digest_takes_tuples_for_lists_as_json_does():
    assert digest({"a": (1, 2)}) == digest({"a": [1, 2]})


@pytest.mark.parametrize(
    "other",
    [{"a": [2, 1]}, {"a": [1, "2"]}, {"b": [1, 2]}, {"a": [1, 2], "b": None}, {"a": [1, [2]]}],
)
def test_digest_depends_on_everything_else(other):
    assert digest({"a": [1, 2]}) != digest(other)


def test_digest_is_sha_256_of_canonical_json():
    # Sorted keys, no blanks, ASCII.
    expected = hashlib.sha256(b'{"a":[1,2.5,null],"b":"\\u00e4"}').hexdigest()[:32]
    assert digest({"b": "ä", "a": [1, 2.5, None]}) == expected


def test_digest_refuses_what_json_does_not_know():
    with pytest.raises(TypeError):
        digest({"a": {1, 2}})


def test_file_digest_is_sha_256_of_the_bytes(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    assert file_digest(path) == hashlib.sha256(b"abc").hexdigest()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# of something", "# of something else"),
        ("  # of something", ""),
        ('"""A module."""', '"""Another text."""'),
        ('"""A module."""', ""),
        ('    """A circle."""\n', ""),
        ('"""Its area."""', '"""Longer.\n\n        And longer.\n        """'),
        ('    """Some day."""\n', ""),
        ("radius**2", "(radius ** 2)"),
        ("math.pi * radius", "math.pi * (\n            radius\n        )"),
        ('"text"', "'text'"),
        ("\n\n\n", "\n\n\n\n\n"),
    ],
)
def test_code_digest_ignores_comments_docstrings_and_layout(old, new):
    assert old in CODE
    assert code_digest(CODE.replace(old, new)) == code_digest(CODE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "LIMIT = 4"),
        ("radius**2", "radius**3"),
        ("radius: float", "radius: int"),
        ("Circle", "Disc"),
        ("import math", "import cmath as math"),
        ('"text"', '"Text"'),
        ("async def", "def"),
        ('return "text"', '"text"'),
        ("LIMIT = 3", "LIMIT = 3.0"),
    ],
)
def test_code_digest_depends_on_the_code(old, new):
    assert old in CODE
    assert code_digest(CODE.replace(old, new)) != code_digest(CODE)


def test_code_digest_counts_a_string_that_is_no_docstring():
    first, second = (
        code_digest(f"def f():\n    x = {text!r}\n    return x\n") for text in ("a", "b")
    )
    assert first != second


def test_code_digest_takes_a_function_of_a_docstring_alone():
    first, second = (code_digest(f'def f():\n    """{text}"""\n') for text in ("A.", "B."))
    assert first == second


def test_numerics_gives_versions():
    for name, version in numerics().items():
        assert version[0].isdigit(), name


def test_digest_tells_a_number_from_its_text():
    assert digest({"a": math.pi}) != digest({"a": str(math.pi)})
