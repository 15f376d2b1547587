"""Reading recordings, and cutting the silence off their ends."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from ser_unlearn.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

SHORTEST_S = 0.1
"""A recording shorter than this (seconds) holds no speech."""


def decode(data: bytes, name: str) -> tuple[Samples, int]:
    """Decode a recording (WAV, FLAC, Ogg ...) to one channel.

    Args:
        data: the file's bytes.
        name: what errors call it.

    Returns:
        Samples [T] in -1..1, and the sampling rate in Hz.

    Raises:
        UserError: if it is not audio, is empty, too short, or holds NaN or infinity.
    """
    import soundfile

    if not data:
        raise UserError(f"'{name}' is empty. Replace the file, or list it under `faults.exclude`.")
    try:
        samples, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise UserError(
            f"'{name}' is not audio that can be read ({error}). "
            "Replace the file, or list it in the card under `faults.exclude`."
        ) from error
    check(samples, rate, name)
    return samples.mean(axis=1, dtype=np.float32), rate


def encode_wav(samples: NDArray[np.int16], rate: int) -> bytes:
    """A WAV file of 16-bit samples [T] at `rate` Hz."""
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def check(samples: NDArray[np.float32], rate: int, name: str) -> None:
    """Refuse a recording that no recogniser can use.

    Args:
        samples: [T] or [T, channels].
        rate: sampling rate in Hz.
        name: what errors call it.

    Raises:
        UserError: if it is shorter than `SHORTEST_S`, or holds NaN or infinity.
    """
    if len(samples) < SHORTEST_S * rate:
        raise UserError(
            f"'{name}' is {len(samples) / rate:.3f} s long; at least {SHORTEST_S} s are needed. "
            "Replace the file, or list it in the card under `faults.exclude`."
        )
    if not np.isfinite(samples).all():
        raise UserError(
            f"'{name}' holds samples that are NaN or infinite. "
            "Replace the file, or list it in the card under `faults.exclude`."
        )


def resample(samples: Samples, rate: int, target: int) -> Samples:
    """Change the sampling rate from `rate` to `target` (Hz): samples [T] to [T * target / rate]."""
    if rate == target:
        return samples
    import torch
    from torchaudio.functional import resample as convert

    converted: Samples = convert(torch.from_numpy(samples), rate, target).numpy()
    return converted


def trim_silence(samples: Samples, rate: int, threshold_db: float) -> Samples:
    """Cut off the ends that are quieter than the loudest part by more than a threshold.

    Loudness is the RMS level of windows of 25 ms that do not overlap.

    Args:
        samples: [T].
        rate: sampling rate in Hz.
        threshold_db: how far below the loudest window a window counts as silence, in dB.

    Returns:
        The part from the first to the last window that is loud enough, never shorter than
        `SHORTEST_S` where the recording is longer than that.
    """
    window = round(0.025 * rate)
    count = len(samples) // window
    if count == 0:
        return samples
    power = np.square(samples[: count * window].reshape(count, window), dtype=np.float64).mean(1)
    loud = np.flatnonzero(power >= power.max() * 10 ** (-threshold_db / 10))
    start, stop = int(loud[0]) * window, (int(loud[-1]) + 1) * window
    missing = max(0, round(SHORTEST_S * rate) - (stop - start))
    start = max(0, start - missing)
    return samples[start : stop + missing]
