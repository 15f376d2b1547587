"""A method's file to begin with: it passes all checks, and is to be changed."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from string import Template

from ser_unlearn.errors import UserError
from ser_unlearn.results.files import write_text
from ser_unlearn.results.folders import check_folder
from ser_unlearn.results.names import shown
from ser_unlearn.unlearning.registry import list_methods

TEMPLATE = Path(__file__).with_name("new_method.txt")


def new_method(name: str, folder: Path) -> Path:
    """Write `<name>.py` into a folder.

    Args:
        name: of the method: small letters, digits and underscores.
        folder: where; it must not have such a file.

    Raises:
        UserError: if the name cannot be a method's, or is taken.
    """
    if not re.fullmatch("[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise UserError(
            f"'{shown(name, 80)}' cannot be a method's name. Use small letters, digits and "
            "underscores, and begin with a letter."
        )
    if name in list_methods():
        raise UserError(f"There is a method '{name}' already. Choose another name.")
    path = folder / f"{name}.py"
    if path.exists():
        raise UserError(f"{path} is there already. Choose another name.")
    check_folder(folder, "new-method")
    class_name = "".join(word.capitalize() for word in name.split("_"))
    text = Template(TEMPLATE.read_text(encoding="utf-8"))
    write_text(path, text.substitute(name=name, class_name=class_name))
    return path
