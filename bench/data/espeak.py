"""Emotional speech made on the spot: the synthesiser behind the embedded corpus `espeak`.

Speakers are voices of espeak-ng (pitch, range, speed, vocal tract, breathiness); emotions are
prosody. What espeak-ng can vary itself (pitch, pitch range, speaking rate, formants, the tune of
the sentence) it is told to; the rest of voice quality (vocal tremor, jitter, spectral tilt,
breathiness, loudness) is light signal processing afterwards. All figures, and where they come
from, stand in the corpus's card; this module only interprets them.

Every utterance is a function of the card's seed and of its own name alone: it comes out the same
in another process, in another order, or from a card with fewer speakers.
"""

from __future__ import annotations

import ctypes
import functools
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ser_unlearn.data.voices import Cues, Prosody, Synthesis, Voice
from ser_unlearn.errors import UserError
from ser_unlearn.results.revisions import REVISIONS

SAMPLE_RATE = 16_000
"""Sample rate of what `synthesise` returns, in hertz."""

_ESPEAK_RATE = 22_050
_RATIOS = ("pitch", "range", "rate", "formants")
_LOWEST_PITCH = 40.0  # Hz, for the lower end of the range
_MEAN_IN_RANGE = 0.65  # where in its pitch range espeak-ng speaks on average
_TREMOR_HZ = 6.0  # vocal tremor lies at 4 to 8 Hz
_SILENCE_DB = -45.0  # below the loudest frame: trimmed at both ends
_MARGIN_S = 0.03
_CEILING = 0.95  # of full scale


@dataclass(frozen=True)
class Utterance:
    """One synthesised utterance."""

    name: str
    emotion: str
    speaker: str
    statement: str
    samples: np.ndarray
    """Mono speech, `[T]` int16 at 16 kHz."""


def synthesise(spec: Synthesis) -> Iterator[Utterance]:
    """Make the corpus, one utterance after another.

    espeak-ng keeps its state in the library: one process must not run two of these at once.

    Args:
        spec: The validated section of the card.

    Yields:
        `speakers x emotions x sentences x repetitions` utterances, in the card's order.

    Raises:
        UserError: If espeak-ng cannot be loaded, or refuses a voice.
    """
    espeak = _espeak()
    handle, voice_file = tempfile.mkstemp(prefix="")
    os.close(handle)
    try:
        for speaker, voice in spec.speakers.items():
            for emotion, prosody in spec.emotions.items():
                style = _style(spec, speaker, emotion)
                for statement, sentence in spec.sentences.items():
                    for repetition in range(1, spec.repetitions + 1):
                        name = f"{speaker}-{emotion}-{statement}-r{repetition}"
                        random = _generator(spec.seed, name)
                        cues = _cues(spec, prosody, style, random)
                        text = sentence.rstrip(".,!?") + str(random.choice(prosody.endings))
                        speech = espeak.say(text, voice, cues, Path(voice_file))
                        samples = _finish(speech, voice, cues, random)
                        yield Utterance(name, emotion, speaker, statement, samples)
    finally:
        Path(voice_file).unlink()


def identity() -> dict[str, str]:
    """All that determines the samples, the card aside: the revision, and versions of libraries."""
    libraries = ("espeakng-loader", "numpy", "scipy")
    return {"revision": str(REVISIONS["synthesis"].number)} | {
        each: version(each) for each in libraries
    }


def _generator(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, *name.encode()])


def _vector(cues: Cues) -> np.ndarray:
    """Cues as a vector in which they add up: percentages as logarithms. `[cues]`."""
    return np.array(
        [
            np.log1p(getattr(cues, cue) / 100) if cue in _RATIOS else getattr(cues, cue)
            for cue in Cues.model_fields
        ]
    )


def _style(spec: Synthesis, speaker: str, emotion: str) -> np.ndarray:
    """How strongly a speaker uses each cue of an emotion: factors around 1, `[cues]`."""
    random = _generator(spec.seed, f"{speaker}-{emotion}")
    strength = max(0.0, random.normal(1, spec.expression.strength))
    return strength * random.normal(1, spec.expression.style, len(Cues.model_fields))


def _cues(
    spec: Synthesis, prosody: Prosody, style: np.ndarray, random: np.random.Generator
) -> dict[str, float]:
    """Draw an utterance's cues: percentages as factors, the others in their own units."""
    intensity = max(0.0, random.normal(1, spec.expression.intensity))
    noise = random.normal(size=style.shape) * _vector(spec.variation)
    values = dict(zip(Cues.model_fields, intensity * style * _vector(prosody) + noise, strict=True))
    return {cue: float(np.exp(x) if cue in _RATIOS else x) for cue, x in values.items()}


class _Espeak:
    """The shared library espeak-ng, called through its C interface (speak_lib.h, espeak_ng.h)."""

    _SYNCHRONOUS, _DONT_EXIT = 2, 0x8000
    _RATE, _VOLUME = 1, 2
    _UTF8 = 1
    _LONGEST_PATH = 59

    def __init__(self, library: str, data: str) -> None:
        self._data = Path(data)
        self._library = ctypes.CDLL(library)
        self._library.espeak_ng_SetRandSeed.argtypes = [ctypes.c_long]
        self._chunks: list[np.ndarray] = []
        callback = ctypes.CFUNCTYPE(
            ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
        )
        self._callback = callback(self._receive)  # kept: the library holds a bare pointer
        rate = self._library.espeak_Initialize(
            self._SYNCHRONOUS, 0, os.fsencode(data), self._DONT_EXIT
        )
        if rate != _ESPEAK_RATE:
            raise OSError(f"espeak_Initialize returned {rate} for {data}")
        self._library.espeak_SetSynthCallback(self._callback)

    def _receive(self, samples: Any, count: int, _events: Any) -> int:
        if samples and count:
            self._chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    def say(self, text: str, voice: Voice, cues: dict[str, float], path: Path) -> np.ndarray:
        """Speak one sentence.

        Args:
            text: The sentence; its last character chooses the tune.
            voice: Who speaks.
            cues: Of which pitch, range, rate and formants are used.
            path: A scratch file that the voice is written to.

        Returns:
            Speech, `[T]` float64 in [-1, 1) at 22,050 Hz, with silence around it.
        """
        accent = self._data / "lang" / "gmw" / voice.accent
        path.write_text(accent.read_text("utf-8") + _attributes(voice, cues), "utf-8")
        if self._library.espeak_SetVoiceByFile(os.fsencode(path)):
            raise UserError(
                f"espeak-ng does not read the voice file {path}: it takes paths of up to "
                f"{self._LONGEST_PATH} characters, so point TMPDIR at a folder with a short name"
            )
        self._library.espeak_SetParameter(self._RATE, round(voice.rate * cues["rate"]), 0)
        # A quarter of espeak-ng's usual volume: its gain control, whose state outlives an
        # utterance, then never acts.
        self._library.espeak_SetParameter(self._VOLUME, 25, 0)
        self._library.espeak_ng_SetRandSeed(1)  # initialising seeds with the time of day
        self._chunks.clear()
        encoded = text.encode() + b"\0"
        self._library.espeak_Synth(encoded, len(encoded), 0, 1, 0, self._UTF8, None, None)
        return np.concatenate(self._chunks) / 32768


@functools.cache
def _espeak() -> _Espeak:
    try:
        import espeakng_loader

        return _Espeak(espeakng_loader.get_library_path(), espeakng_loader.get_data_path())
    except (ImportError, OSError, AttributeError, RuntimeError) as error:
        raise UserError(
            f"the speech synthesiser espeak-ng cannot be loaded ({error}): install it with "
            "`pip install espeakng-loader`, or choose another corpus"
        ) from error


def _attributes(voice: Voice, cues: dict[str, float]) -> str:
    """A speaker in one state of mind, as attributes of an espeak-ng voice file.

    Flutter and roughness are off: both run on counters that outlive an utterance, so that it
    would depend on the one before. `_unsteady` takes their place.
    """
    mean = voice.pitch * cues["pitch"]
    half = 2 ** (voice.range * cues["range"] / 24)
    span = mean * (half - 1 / half)
    low = max(_LOWEST_PITCH, mean - _MEAN_IN_RANGE * span)
    lines = [f"pitch {round(low)} {round(low + span)}", "flutter 0", "roughness 0"]
    for formant in range(9):
        shift = cues["formants"] if formant in (1, 2) else 1.0
        lines.append(f"formant {formant} {round(voice.tract * shift)} 100 100")
    return "\n" + "\n".join(lines) + "\n"


def _finish(
    speech: np.ndarray, voice: Voice, cues: dict[str, float], random: np.random.Generator
) -> np.ndarray:
    """Give speech its voice quality and its loudness.

    Args:
        speech: `[T]` float64 at 22,050 Hz.
        voice: Who speaks.
        cues: Of which tremor, jitter, tilt, breath and level are used.
        random: The utterance's own generator.

    Returns:
        `[T']` int16 at 16 kHz.
    """
    from scipy.signal import resample_poly

    speech = _unsteady(
        _trimmed(speech), max(0.0, cues["tremor"]), max(0.0, voice.jitter + cues["jitter"]), random
    )
    speech = _breathy(speech, voice.breath + cues["breath"], random)
    speech = _tilted(speech, voice.tilt + cues["tilt"])
    speech = resample_poly(speech, 320, 441)
    speech *= 10 ** ((voice.level + cues["level"]) / 20) / np.sqrt(np.mean(speech**2))
    speech *= min(1.0, _CEILING / np.abs(speech).max())
    return np.round(speech * 32767).astype(np.int16)


def _trimmed(speech: np.ndarray) -> np.ndarray:
    """Cut the silence at both ends, but for a short margin."""
    frame = _ESPEAK_RATE // 100
    frames = speech[: len(speech) // frame * frame].reshape(-1, frame)
    power = (frames**2).mean(axis=1)
    voiced = np.flatnonzero(power > power.max() * 10 ** (_SILENCE_DB / 10))
    margin = round(_MARGIN_S * _ESPEAK_RATE)
    return speech[max(0, voiced[0] * frame - margin) : (voiced[-1] + 1) * frame + margin]


def _unsteady(
    speech: np.ndarray, tremor: float, jitter: float, random: np.random.Generator
) -> np.ndarray:
    """Modulate F0 by playing faster and slower: a slow sine, and a change every 8 ms."""
    time = np.arange(len(speech)) / _ESPEAK_RATE
    knots = np.arange(0, time[-1] + 0.016, 0.008)
    wobble = np.interp(time, knots, random.normal(size=len(knots)))
    phase = random.uniform(0, 2 * np.pi)
    speed = 1 + (tremor * np.sin(2 * np.pi * _TREMOR_HZ * time + phase) + jitter * wobble) / 100
    position = np.cumsum(speed)
    position *= (len(speech) - 1) / position[-1]
    return np.asarray(np.interp(position, np.arange(len(speech)), speech))


def _breathy(speech: np.ndarray, level: float, random: np.random.Generator) -> np.ndarray:
    """Add aspiration noise that follows the speech's envelope, at `level` dB of the speech.

    Aspiration rises above 1 kHz and drowns the upper harmonics first (Klatt & Klatt 1990).
    """
    frame = _ESPEAK_RATE // 100
    frames = np.pad(speech, (0, -len(speech) % frame)).reshape(-1, frame)
    centres = (np.arange(len(frames)) + 0.5) * frame
    envelope = np.interp(np.arange(len(speech)), centres, np.sqrt((frames**2).mean(axis=1)))
    noise = _filtered(random.normal(size=len(speech)), lambda hertz: hertz / np.hypot(hertz, 1000))
    noise *= envelope
    gain = 10 ** (level / 20) * np.sqrt(np.mean(speech**2) / np.mean(noise**2))
    return np.asarray(speech + gain * noise)


def _tilted(speech: np.ndarray, slope: float) -> np.ndarray:
    """Slope the spectrum by so many dB an octave from 200 Hz to 8 kHz."""
    return _filtered(speech, lambda hertz: (hertz.clip(200, 8000) / 1000) ** (slope / 6.02))


def _filtered(signal: np.ndarray, gain: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Filter without delay: `gain` maps frequencies in hertz to factors."""
    from scipy.fft import irfft, next_fast_len, rfft

    length = next_fast_len(len(signal), real=True)
    factors = gain(np.fft.rfftfreq(length, 1 / _ESPEAK_RATE))
    return np.asarray(irfft(rfft(signal, length) * factors, length)[: len(signal)])
