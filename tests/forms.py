"""One tiny corpus in every form that data comes in: two emotions, three speakers, 24 recordings."""

import csv
import io
import json

import pyarrow as pa
import soundfile
from pyarrow import parquet
from sounds import RATE, noise, tone, write_wav

import datasets

EMOTIONS = ("calm", "loud")
SPEAKERS = ("ann", "bob", "cem")

ROWS = [
    {"file": f"{speaker}_{emotion}_{number}", "emotion": emotion, "speaker": speaker}
    for speaker in SPEAKERS
    for emotion in EMOTIONS
    for number in range(4)
]
"""Labels of all recordings, in an order of their own."""

COLUMNS = {"emotion": "emotion", "speaker": "speaker"}


def sound(number):
    """The bytes of the recording that `write_wav` writes for a number."""
    buffer = io.BytesIO()
    soundfile.write(buffer, tone(200 + 10 * number) + noise(number), RATE, format="WAV")
    return buffer.getvalue()


def write_recordings(folder, place):
    """Write a recording for every row, where a format string says."""
    for number, row in enumerate(ROWS):
        write_wav(folder / place.format(**row), number)
    return folder


def write_separated(path, columns, separator=","):
    """Write a table with the columns that functions of a row give, by name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, delimiter=separator)
        writer.writerow(columns)
        writer.writerows([value(row) for value in columns.values()] for row in ROWS)


def labels(name, place):
    """Columns of a table: where the recording is, and its labels."""
    return {
        name: lambda row: place.format(**row),
        "emotion": lambda row: row["emotion"],
        "speaker": lambda row: row["speaker"],
    }


def by_folder(folder):
    return write_recordings(folder, "{emotion}/{speaker}/{file}.wav")


def same_names(folder):
    for number, row in enumerate(ROWS):
        name = row["file"][-1]
        write_wav(folder / row["speaker"] / row["emotion"] / f"{name}.wav", number)
    return folder


def with_csv(folder):
    write_separated(folder / "labels.csv", labels("clip", "clips/{file}.wav"))
    return write_recordings(folder, "clips/{file}.wav")


def with_tsv(folder):
    # Without folders and endings, as many tables name recordings.
    write_separated(folder / "labels.tsv", labels("clip", "{file}"), "\t")
    return write_recordings(folder, "somewhere/{speaker}/{file}.wav")


def with_parquet_labels(folder):
    write_recordings(folder, "clips/{file}.wav")
    parquet.write_table(pa.Table.from_pylist(ROWS), folder / "labels.parquet")
    return folder


def audiofolder(folder):
    write_separated(folder / "metadata.csv", labels("file_name", "clips/{file}.wav"))
    return write_recordings(folder, "clips/{file}.wav")


def audiofolder_in_splits(folder):
    for number, row in enumerate(ROWS):
        split = folder / ("test" if row["speaker"] == "cem" else "train")
        write_wav(split / f"{row['file']}.wav", number)
        line = {"file_name": f"{row['file']}.wav", **row}
        with (split / "metadata.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
    return folder


def audiofolder_by_label(folder):
    return write_recordings(folder, "{emotion}/{file}.wav")


def arrow_table(embedded=True, folder=None):
    """Labels and recordings, as bytes or as paths."""
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    cells = [
        {"bytes": sound(number), "path": f"{row['file']}.wav"}
        if embedded
        else {"bytes": None, "path": f"{folder or 'clips'}/{row['file']}.wav"}
        for number, row in enumerate(ROWS)
    ]
    table = {name: [row[name] for row in ROWS] for name in COLUMNS}
    return pa.table({"audio": pa.array(cells, kind), **table})


def parquet_embedded(folder):
    folder.mkdir(parents=True, exist_ok=True)
    # Several groups of rows, and several files.
    table = arrow_table()
    parquet.write_table(table[:10], folder / "train-00000-of-00002.parquet", row_group_size=4)
    parquet.write_table(table[10:], folder / "train-00001-of-00002.parquet")
    return folder


def parquet_of_bytes(folder):
    folder.mkdir(parents=True, exist_ok=True)
    table = arrow_table()
    plain = [cell["bytes"] for cell in table["audio"].to_pylist()]
    table = table.set_column(0, "audio", pa.array(plain, pa.binary()))
    parquet.write_table(table, folder / "all.parquet")
    return folder


def parquet_of_paths(folder):
    write_recordings(folder, "clips/{file}.wav")
    parquet.write_table(arrow_table(embedded=False), folder / "all.parquet")
    return folder


def parquet_of_whole_paths(folder):
    write_recordings(folder, "clips/{file}.wav")
    table = arrow_table(embedded=False, folder=(folder / "clips").resolve())
    paths = [cell["path"] for cell in table["audio"].to_pylist()]
    parquet.write_table(table.set_column(0, "audio", pa.array(paths)), folder / "all.parquet")
    return folder


def dataset():
    """The corpus as a `Dataset`, with class labels for emotions."""
    made = datasets.Dataset(arrow_table()).cast_column("audio", datasets.Audio(decode=False))
    return made.cast_column("emotion", datasets.ClassLabel(names=["loud", "calm"]))


def parquet_of_class_labels(folder):
    folder.mkdir(parents=True, exist_ok=True)
    dataset().to_parquet(folder / "all.parquet")
    return folder


def saved(folder):
    dataset().save_to_disk(folder)
    return folder


def saved_selection(folder):
    # Rows in another order: an index stands between them and the table.
    dataset().select(range(23, -1, -1)).save_to_disk(folder)
    return folder


def saved_in_splits(folder):
    made = dataset()
    splits = {"train": made.select(range(16)), "test": made.select(range(16, 24))}
    datasets.DatasetDict(splits).save_to_disk(folder)
    return folder


def saved_paths(folder):
    write_recordings(folder, "clips/{file}.wav")
    # As texts: of recordings, it would save the bytes.
    paths = [str((folder / "clips" / f"{row['file']}.wav").resolve()) for row in ROWS]
    made = arrow_table().set_column(0, "audio", pa.array(paths))
    datasets.Dataset(made).save_to_disk(folder)
    return folder


BY_PATH = {
    "kind": "folder",
    "path_pattern": r"(?P<emotion>[a-z]+)/(?P<speaker>[a-z]+)/.*",
}
SAME_NAMES = {
    "kind": "folder",
    "path_pattern": r"(?P<speaker>[a-z]+)/(?P<emotion>[a-z]+)/\d\.wav",
}
LOCAL = {"kind": "local", "columns": COLUMNS}
BY_LABEL = {
    "kind": "local",
    "columns": {"emotion": "label", "speaker": "file_name"},
    "extract": {"speaker": r".*/([a-z]+)_[^/]*"},
}


def with_table(file, audio):
    return {"kind": "folder", "table": {"file": file, "columns": {"audio": audio, **COLUMNS}}}


FORMS = {
    "folders": (by_folder, BY_PATH),
    "folders, names repeated": (same_names, SAME_NAMES),
    "CSV": (with_csv, with_table("labels.csv", "clip")),
    "TSV": (with_tsv, with_table("labels.tsv", "clip")),
    "labels in Parquet": (with_parquet_labels, with_table("labels.parquet", "file")),
    "audiofolder": (audiofolder, LOCAL),
    "audiofolder, splits": (audiofolder_in_splits, LOCAL),
    "audiofolder, labels": (audiofolder_by_label, BY_LABEL),
    "Parquet": (parquet_embedded, LOCAL),
    "Parquet, bytes": (parquet_of_bytes, LOCAL),
    "Parquet, paths": (parquet_of_paths, LOCAL),
    "Parquet, whole paths": (parquet_of_whole_paths, LOCAL),
    "Parquet, class labels": (parquet_of_class_labels, LOCAL),
    "save_to_disk": (saved, LOCAL),
    "save_to_disk, selection": (saved_selection, LOCAL),
    "save_to_disk, splits": (saved_in_splits, LOCAL),
    "save_to_disk, paths": (saved_paths, LOCAL),
}
"""What writes a form, and the source that reads it."""
