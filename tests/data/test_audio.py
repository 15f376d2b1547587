"""Decoding and trimming: recordings that are good, and each way to be bad."""

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from sounds import RATE, noise, tone

from ser_unlearn.data.audio import SHORTEST_S, check, decode, resample, trim_silence
from ser_unlearn.errors import UserError

WINDOW = 400  # 25 ms at 16 kHz
SHORTEST = 1600  # 0.1 s at 16 kHz


def encoded(samples, rate=RATE, **options):
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, **({"format": "WAV", "subtype": "FLOAT"} | options))
    return buffer.getvalue()


# Decoding


def test_decode_gives_back_what_was_written():
    samples = noise(0)
    found, rate = decode(encoded(samples), "a")
    np.testing.assert_array_equal(found, samples)  # float WAV loses nothing
    assert found.dtype == np.float32
    assert rate == RATE


def test_decode_scales_16_bit_samples_to_one():
    samples = np.tile(np.array([0, 16384, -32768, 32767], dtype=np.int16), 500)
    found, _ = decode(encoded(samples, subtype="PCM_16"), "a")
    np.testing.assert_array_equal(found[:4], [0, 0.5, -1, 32767 / 32768])


@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
def test_decode_keeps_the_sampling_rate(rate):
    found, given_rate = decode(encoded(tone(440, 0.5, rate), rate), "a")
    assert given_rate == rate
    assert len(found) == rate // 2


def test_decode_reads_flac():
    samples = (noise(0) * 32767).astype(np.int16)
    found, _ = decode(encoded(samples, format="FLAC", subtype="PCM_16"), "a")
    np.testing.assert_array_equal(found, samples.astype(np.float32) / 32768)


def test_decode_takes_the_mean_of_the_channels():
    left, right = tone(300), noise(1)
    found, _ = decode(encoded(np.stack([left, right], axis=1)), "a")
    assert found.shape == left.shape
    # A sum and a half in single precision: one rounding of numbers below 1.
    np.testing.assert_allclose(found, (left + right) / 2, atol=1e-7)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"this is no audio at all", "not audio"),
        (encoded(noise(0))[:20], "not audio"),
        (encoded(noise(0)[:0]), "0.000 s long"),
        (encoded(noise(0)[:1000]), r"0\.06[23] s long; at least 0\.1 s"),
        (encoded(noise(0)[: SHORTEST - 1]), "at least 0.1 s"),
        (encoded(np.append(noise(0), np.nan).astype(np.float32)), "NaN or infinite"),
        (encoded(np.append(noise(0), np.inf).astype(np.float32)), "NaN or infinite"),
        (encoded(np.append(noise(0), -np.inf).astype(np.float32)), "NaN or infinite"),
    ],
    ids=["empty", "text", "cut", "no samples", "short", "just short", "NaN", "inf", "-inf"],
)
def test_a_recording_that_cannot_be_used_is_refused_by_name_with_a_remedy(data, words):
    with pytest.raises(UserError, match=words) as refusal:
        decode(data, "03-01-09")
    assert "'03-01-09'" in str(refusal.value)
    assert "faults.exclude" in str(refusal.value)


def test_a_bad_sample_in_one_channel_is_found():
    samples = np.stack([noise(0), noise(1)], axis=1)
    samples[17, 1] = np.nan
    with pytest.raises(UserError, match="NaN"):
        decode(encoded(samples), "a")


def test_a_tenth_of_a_second_is_enough():
    check(noise(0)[:SHORTEST], RATE, "a")
    found, _ = decode(encoded(noise(0)[:SHORTEST]), "a")
    assert len(found) == SHORTEST == SHORTEST_S * RATE


# Resampling


def test_resample_to_the_same_rate_changes_nothing():
    samples = noise(0)
    assert resample(samples, RATE, RATE) is samples


@pytest.mark.parametrize(
    ("rate", "target", "before", "after"),
    [
        (48_000, 16_000, 4800, 1600),
        (8_000, 16_000, 800, 1600),
        (44_100, 16_000, 44_100, 16_000),
        (22_050, 16_000, 1000, 726),  # 1000 * 320 / 441 = 725.6, rounded up
    ],
)
def test_resample_scales_the_length(rate, target, before, after):
    found = resample(np.zeros(before, dtype=np.float32), rate, target)
    assert found.shape == (after,)
    assert found.dtype == np.float32


def test_resample_keeps_a_tone():
    found = resample(tone(1000, 1.0, 48_000), 48_000, RATE)
    middle = slice(RATE // 4, 3 * RATE // 4)  # away from the filter's edges
    # torchaudio's default filter, six zero crossings wide, is flat to about 1 % in the pass band.
    np.testing.assert_allclose(found[middle], tone(1000, 1.0)[middle], atol=0.3 * 0.01)


# Headers


def flac_that_claims(samples, rate=RATE):
    """A FLAC file whose header says how many samples it holds, whatever it does hold."""
    data = bytearray(encoded(noise(0), format="FLAC", subtype="PCM_16"))
    # STREAMINFO: 20 bits of the rate, 3 of the channels, 5 of the width, 36 of the samples.
    bits = int.from_bytes(data[18:26], "big")
    bits = rate << 44 | (bits >> 36 & 0xFF) << 36 | samples
    data[18:26] = bits.to_bytes(8, "big")
    return bytes(data)


def wav_at(rate):
    data = bytearray(encoded(noise(0), subtype="PCM_16"))
    data[24:28] = rate.to_bytes(4, "little")
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (flac_that_claims(2**36 - 1), "bytes hold 68719476735 samples"),
        (flac_that_claims(2**30), "bytes hold 1073741824 samples"),
        (wav_at(1), "sampling rate is 1 Hz, which is not between 1000 and 768000"),
        (wav_at(999), "sampling rate is 999 Hz"),
        (wav_at(768_001), "sampling rate is 768001 Hz"),
        (wav_at(2**31 - 1), "sampling rate is 2147483647 Hz"),
    ],
)
def test_a_header_that_claims_what_cannot_be_is_refused_before_anything_is_decoded(data, words):
    with pytest.raises(UserError, match=words) as refusal:
        decode(data, "03-01-09")
    assert str(refusal.value).startswith("'03-01-09' says that")
    assert "faults.exclude" in str(refusal.value)


def test_a_long_silence_is_no_false_claim():
    silence = np.zeros(60 * RATE, np.int16)
    for name, subtype in (("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("WAV", "PCM_U8")):
        found, _ = decode(encoded(silence, format=name, subtype=subtype), "a")
        assert len(found) == len(silence)


@pytest.mark.parametrize("rate", [16_001, 44_101, 767_999])
def test_a_rate_that_would_need_a_filter_of_gigabytes_is_refused(rate):
    with pytest.raises(UserError, match="have little in common"):
        resample(noise(0), rate, RATE)


# Trimming


def quiet_then_loud(*levels, tail=0):
    """Windows of 25 ms, constant at each level, and a tail of samples that fill no window."""
    samples = np.repeat(np.array(levels, dtype=np.float32), WINDOW)
    return np.append(samples, np.full(tail, levels[-1], dtype=np.float32))


def test_trim_cuts_silent_ends_and_keeps_a_silent_middle():
    levels = [0, 0, 0, 0.5, 0.5, 0, 0, 0.5, 0.5, 0, 0]
    found = trim_silence(quiet_then_loud(*levels), RATE, 40)
    np.testing.assert_array_equal(found, quiet_then_loud(*levels[3:9]))


@pytest.mark.parametrize(
    ("threshold_db", "first"),
    [(50, 0), (30, 2), (10, 4)],  # the beginning is at -40 dB, what follows at -20 dB
)
def test_trim_keeps_what_is_within_the_threshold_of_the_loudest(threshold_db, first):
    levels = [0.005, 0.005, 0.05, 0.05, 0.5, 0.5, 0.5, 0.5]
    found = trim_silence(quiet_then_loud(*levels), RATE, threshold_db)
    np.testing.assert_array_equal(found, quiet_then_loud(*levels[first:]))


def test_trim_does_not_depend_on_the_level_of_the_recording():
    samples = quiet_then_loud(0, 0.001, 0.5, 0.5, 0.5, 0.5, 0.5, 0.001, 0)
    faint = trim_silence(samples / 1024, RATE, 40)
    np.testing.assert_array_equal(faint * 1024, trim_silence(samples, RATE, 40))


@pytest.mark.parametrize("place", [0, 1, 3, 10, 19, 20])
def test_trim_leaves_a_tenth_of_a_second_around_a_short_sound(place):
    levels = [0.0] * 21
    levels[place] = 0.5
    samples = quiet_then_loud(*levels)
    found = trim_silence(samples, RATE, 40)
    assert SHORTEST <= len(found) < len(samples)
    assert np.count_nonzero(found) == WINDOW  # the sound is still there


@pytest.mark.parametrize(
    "samples",
    [
        quiet_then_loud(0, 0, 0, 0, 0, 0),
        quiet_then_loud(0.5, 0.5, 0.5, 0.5, 0.5),
        np.full(WINDOW - 1, 0.5, dtype=np.float32),
    ],
    ids=["silence alone", "no silence", "shorter than a window"],
)
def test_trim_leaves_alone_what_has_no_quiet_ends(samples):
    np.testing.assert_array_equal(trim_silence(samples, RATE, 40), samples)


@given(
    st.lists(st.sampled_from([0.0, 0.001, 0.1, 1.0]), min_size=1, max_size=30),
    st.integers(0, WINDOW - 1),
    st.sampled_from([20, 40, 80]),
)
@settings(deadline=None, max_examples=50)
def test_trim_gives_a_stretch_that_is_long_enough(levels, tail, threshold_db):
    samples = quiet_then_loud(*levels, tail=tail)
    samples += np.arange(len(samples), dtype=np.float32) * 1e-9  # every sample its own
    found = trim_silence(samples, RATE, threshold_db)
    assert len(found) >= min(len(samples), SHORTEST)
    start = (found.ctypes.data - samples.ctypes.data) // samples.itemsize
    np.testing.assert_array_equal(found, samples[start : start + len(found)])
