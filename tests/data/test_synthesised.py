"""Corpora that are made on the spot."""

from sounds import write_corpus

from ser_unlearn.data.cards import load_card
from ser_unlearn.data.corpus import Corpus


def test_the_synthesised_corpus_is_made_once_and_read_from_the_store(store, monkeypatch):
    known = load_card("espeak")
    (source,) = known.sources
    small = source.model_copy(
        update={
            "repetitions": 1,
            "speakers": {name: source.speakers[name] for name in ("f01", "m01")},
            "sentences": {"s1": source.sentences["s1"]},
        }
    )
    known = known.model_copy(update={"sources": [small], "utterances": 10, "speakers": 2})
    first = Corpus(known, store)
    assert len(first.utterances) == 10  # 2 speakers, 5 emotions
    heard = [(name, samples.tobytes()) for name, samples, _ in first.recordings()]
    monkeypatch.setattr("ser_unlearn.data.espeak.synthesise", None)  # calling it would raise
    again = Corpus(known, store)
    assert [(name, samples.tobytes()) for name, samples, _ in again.recordings()] == heard
    assert again.utterances == first.utterances


def test_a_tiny_corpus_is_made_of_files_unlike_each_other(tmp_path):
    folder = write_corpus(tmp_path, ["a", "b", "c"])
    assert len({path.read_bytes() for path in folder.iterdir()}) == 3
