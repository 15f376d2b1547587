"""Parts of a model: to which of its modules a file of weights belongs."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Size, Tensor, nn

from ser_unlearn.errors import UserError


def part_of(model: nn.Module, name: str, state: Mapping[str, Tensor]) -> dict[str, str] | None:
    """The model's name for every key of a state_dict: of the whole model, or of a part of it.

    A part is known by its keys and shapes. SpeechBrain often keeps several in one `ModuleList`,
    under numbers: each is then looked for by itself.

    Args:
        model: whose part it may be.
        name: what the state_dict is called, which decides where several parts would do.
        state: the state_dict.

    Returns:
        None if it is no part of the model.

    Raises:
        UserError: if it could be one of several.
    """
    if not state:
        return None
    shapes = {key: tensor.shape for key, tensor in state.items()}
    fitting = [path for path, module in model.named_modules() if _shapes(module) == shapes]
    named = [path for path in fitting if path.rpartition(".")[2] == name]
    chosen = named or fitting
    if len(chosen) > 1:
        raise UserError(
            f"The weights {name} of the checkpoint could be those of {' or '.join(chosen)}. "
            "Name the recoverable after one of them."
        )
    if chosen:
        prefix = f"{chosen[0]}." if chosen[0] else ""
        return {key: prefix + key for key in state}
    return _listed(model, name, state)


def _shapes(module: nn.Module) -> dict[str, Size]:
    return {key: tensor.shape for key, tensor in module.state_dict().items()}


def _listed(model: nn.Module, name: str, state: Mapping[str, Tensor]) -> dict[str, str] | None:
    """The same of a list of parts."""
    parts: dict[str, dict[str, Tensor]] = {}
    for key, tensor in state.items():
        number, _, rest = key.partition(".")
        if not (number.isdecimal() and rest):
            return None
        parts.setdefault(number, {})[rest] = tensor
    found: dict[str, str] = {}
    for number, part in parts.items():
        keys = part_of(model, name, part)
        if keys is None:
            return None
        found |= {f"{number}.{key}": path for key, path in keys.items()}
    return found
