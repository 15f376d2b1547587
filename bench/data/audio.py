"""Reading recordings, and cutting the silence off their ends."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

import numpy as np

from ser_unlearn.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from soundfile import SoundFile

    Samples = NDArray[np.float32]

SHORTEST_S = 0.1
"""A recording shorter than this (seconds) holds no speech."""

RATES = (1_000, 768_000)
"""The lowest and the highest sampling rate (Hz) that a recording can have."""

LONGEST_FILE = 2**30
"""Bytes of a recording's file."""

MOST_SAMPLES = 2**28
"""In all channels of a recording: a gigabyte once decoded, an hour and a half at 48 kHz."""

SAMPLES_A_BYTE = {"WAV": 8, "WAVEX": 8, "AIFF": 8, "AU": 8, "W64": 8, "RF64": 8}
"""How many samples a byte can stand for: in the least of these formats' encodings, and in others,
which compress silence to next to nothing."""
MOST_SAMPLES_A_BYTE = 10_000

MOST_TAPS = 10**8
"""Of the filter that changes a sampling rate, about: four times as many bytes."""

_REMEDY = "Replace the file, or list it in the card under `faults.exclude`."


def decode(data: bytes, name: str) -> tuple[Samples, int]:
    """Decode a recording (WAV, FLAC, Ogg ...) to one channel.

    Args:
        data: the file's bytes.
        name: what errors call it.

    Returns:
        Samples [T] in -1..1, and the sampling rate in Hz.

    Raises:
        UserError: if it is not audio, is empty, too short, holds NaN or infinity, or says of itself
            what cannot be.
    """
    import soundfile

    if not data:
        raise UserError(f"'{name}' is empty. Replace the file, or list it under `faults.exclude`.")
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as sound:
            _check_claims(sound, len(data), name)
            rate = sound.samplerate
            samples = sound.read(dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise UserError(f"'{name}' is not audio that can be read ({error}). {_REMEDY}") from error
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
            f"{_REMEDY}"
        )
    if not np.isfinite(samples).all():
        raise UserError(f"'{name}' holds samples that are NaN or infinite. {_REMEDY}")


def _check_claims(sound: SoundFile, size: int, name: str) -> None:
    """Refuse what a header claims and a file cannot hold, before memory is asked for.

    Args:
        sound: the recording, not decoded.
        size: bytes of the file.
        name: what errors call it.
    """
    low, high = RATES
    if not low <= sound.samplerate <= high:
        raise UserError(
            f"'{name}' says that its sampling rate is {sound.samplerate} Hz, which is not between "
            f"{low} and {high}. {_REMEDY}"
        )
    samples = sound.frames * sound.channels
    densest = SAMPLES_A_BYTE.get(sound.format, MOST_SAMPLES_A_BYTE)
    if not 0 <= samples <= min(MOST_SAMPLES, densest * size):
        raise UserError(
            f"'{name}' says that its {size} bytes hold {samples} samples, more than they can or "
            f"than {MOST_SAMPLES}. {_REMEDY}"
        )


def resample(samples: Samples, rate: int, target: int) -> Samples:
    """Change the sampling rate from `rate` to `target` (Hz): samples [T] to [T * target / rate].

    Raises:
        UserError: if their ratio is no simple one: the filter would not fit into memory.
    """
    if rate == target:
        return samples
    common = math.gcd(rate, target)
    if rate * target > MOST_TAPS * common**2:
        raise UserError(
            f"Recordings at {rate} Hz cannot be brought to {target} Hz: the two have little in "
            "common. Resample them with another program, to 16000 Hz, say."
        )
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
