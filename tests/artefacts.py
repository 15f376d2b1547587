"""An artefact, who makes it, and the files in which a store keeps it."""

import os

import torch

from ser_unlearn.results.store import Artefact

IDENTITY = {"what": "a thing", "seed": 1, "parts": ["a", "b"]}


def artefact(value=1.0):
    return Artefact({"x": torch.full((3,), value)}, {"value": value})


class Maker:
    """Makes artefacts, and counts them."""

    def __init__(self, made=None):
        self.made = made or artefact()
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return self.made


def files(store, suffix=""):
    return sorted(
        path
        for path in store.root.rglob(f"*{suffix}")
        if path.is_file() and path.suffix != ".lock"  # filelock leaves these behind
    )


def the_file(store, suffix):
    (path,) = files(store, suffix)
    return path


def flip_a_byte(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def cut(path):
    os.truncate(path, path.stat().st_size // 2)
