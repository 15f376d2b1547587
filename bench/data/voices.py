"""The part of a card that describes synthesised speech: voices, emotions and how they vary."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]


Sentence = Annotated[str, Field(pattern=r"[A-Za-z]")]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Cues(_Data):
    """Acoustic correlates of emotion, each as a departure from the speaker's neutral voice.

    The first four are percentages (+50 is one and a half times the neutral value) and combine on
    a logarithmic scale.
    """

    pitch: float = Field(0.0, gt=-80, lt=300)  # mean F0, %
    range: float = Field(0.0, gt=-95, lt=300)  # span of F0, %
    rate: float = Field(0.0, gt=-60, lt=150)  # speaking rate, %
    formants: float = Field(0.0, gt=-30, lt=30)  # first and second formant, %
    level: float = 0.0  # loudness, dB
    tilt: float = 0.0  # slope of the spectrum, dB an octave
    breath: float = 0.0  # aspiration noise, dB
    tremor: float = 0.0  # depth of the 6 Hz modulation of F0, %
    jitter: float = 0.0  # irregularity of F0, %


class Prosody(Cues):
    """An emotion: its cues at full strength, and how its sentences may end."""

    endings: tuple[Literal[".", ",", "!", "?"], ...] = Field((".",), min_length=1)


class Expression(_Data):
    """How unevenly emotion is expressed: standard deviations, 1.0 being full strength."""

    strength: float = Field(ge=0)  # of a speaker's expression of an emotion
    style: float = Field(ge=0)  # of the weight a speaker gives to one cue of an emotion
    intensity: float = Field(ge=0)  # of an utterance


class Voice(_Data):
    """A speaker's neutral voice."""

    gender: Literal["female", "male"]
    accent: Literal["en-US", "en-GB-x-rp", "en-GB-scotland", "en-029"] = "en-US"
    pitch: float = Field(gt=60, lt=350)  # mean F0, Hz
    range: float = Field(gt=0, lt=24)  # span of F0, semitones
    rate: float = Field(ge=100, le=300)  # words a minute
    tract: float = Field(gt=70, lt=140)  # formants, % of espeak-ng's own (an adult male's)
    level: float = Field(lt=-12)  # RMS, dB of full scale
    breath: float = Field(le=0)  # aspiration noise, dB of the speech
    tilt: float = 0.0  # slope of the spectrum, dB an octave
    jitter: float = Field(ge=0)  # irregularity of F0, %


class Synthesis(_Data):
    """The section of a corpus's card that describes synthesised emotional speech."""

    kind: Literal["espeak"]
    seed: int = Field(ge=0)
    repetitions: int = Field(ge=1)
    sentences: dict[Key, Sentence] = Field(min_length=1)
    speakers: dict[Key, Voice] = Field(min_length=1)
    emotions: dict[Key, Prosody] = Field(min_length=1)
    expression: Expression
    variation: Cues  # standard deviations from utterance to utterance, whatever the emotion
