"""Recipes laid out as SpeechBrain's for IEMOCAP, key by key; a tiny checkpoint; 60 utterances."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import yaml

from ser_unlearn.data.cards import CARDS

HEAD = """
seed: 1968
__set_seed: !apply:torch.manual_seed [!ref <seed>]
data_folder: !PLACEHOLDER  # where the corpus is
output_folder: !ref results/foreign/<seed>
save_folder: !ref <output_folder>/save
train_log: !ref <output_folder>/train_log.txt
different_speakers: False
train_annotation: !ref <output_folder>/train.json
valid_annotation: !ref <output_folder>/valid.json
test_annotation: !ref <output_folder>/test.json
train_logger: !new:speechbrain.utils.train_logger.FileTrainLogger
    save_file: !ref <train_log>
error_stats: !name:speechbrain.utils.metric_stats.MetricStats
    metric: !name:speechbrain.nnet.losses.classification_error
        reduction: batch
ckpt_interval_minutes: 15
number_of_epochs: 2
batch_size: 8
out_n_neurons: 4
epoch_counter: !new:speechbrain.utils.epoch_loop.EpochCounter
    limit: !ref <number_of_epochs>
"""

ECAPA = f"""{HEAD}
gradient_accumulation: 2
lr: 0.001
weight_decay: 0.00002
base_lr: 0.000001
max_lr: !ref <lr>
step_size: 4
mode: exp_range
gamma: 0.9998
sample_rate: 16000
shuffle: True
random_chunk: True
drop_last: False
n_mels: 20
left_frames: 0
right_frames: 0
deltas: False
dataloader_options:
    batch_size: !ref <batch_size>
    shuffle: !ref <shuffle>
    num_workers: 2
    drop_last: !ref <drop_last>
compute_features: !new:speechbrain.lobes.features.Fbank
    n_mels: !ref <n_mels>
    left_frames: !ref <left_frames>
    right_frames: !ref <right_frames>
    deltas: !ref <deltas>
embedding_model: !new:speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN
    input_size: !ref <n_mels>
    channels: [16, 16, 48]
    kernel_sizes: [5, 3, 1]
    dilations: [1, 2, 1]
    attention_channels: 8
    lin_neurons: 12
classifier: !new:speechbrain.lobes.models.ECAPA_TDNN.Classifier
    input_size: 12
    out_neurons: !ref <out_n_neurons>
mean_var_norm: !new:speechbrain.processing.features.InputNormalization
    norm_type: sentence
    std_norm: False
modules:
    compute_features: !ref <compute_features>
    embedding_model: !ref <embedding_model>
    classifier: !ref <classifier>
    mean_var_norm: !ref <mean_var_norm>
compute_cost: !new:speechbrain.nnet.losses.LogSoftmaxWrapper
    loss_fn: !new:speechbrain.nnet.losses.AdditiveAngularMargin
        margin: 0.2
        scale: 30
compute_error: !name:speechbrain.nnet.losses.classification_error
opt_class: !name:torch.optim.Adam
    lr: !ref <lr>
    weight_decay: !ref <weight_decay>
lr_annealing: !new:speechbrain.nnet.schedulers.CyclicLRScheduler
    mode: !ref <mode>
    gamma: !ref <gamma>
    base_lr: !ref <base_lr>
    max_lr: !ref <max_lr>
    step_size: !ref <step_size>
checkpointer: !new:speechbrain.utils.checkpoints.Checkpointer
    checkpoints_dir: !ref <save_folder>
    recoverables:
        embedding_model: !ref <embedding_model>
        classifier: !ref <classifier>
        normalizer: !ref <mean_var_norm>
        counter: !ref <epoch_counter>
"""

WAV2VEC2 = f"""{HEAD}
wav2vec2_hub: HUB
wav2vec2_folder: !ref <save_folder>/wav2vec2_checkpoint
test_spk_id: 1
split_ratio: [80, 10, 10]
skip_prep: False
lr: 0.01
lr_wav2vec2: 0.001
freeze_wav2vec2: False
freeze_wav2vec2_conv: True
encoder_dim: 16
dataloader_options:
    batch_size: !ref <batch_size>
    shuffle: True
    num_workers: 2
    drop_last: False
wav2vec2: !new:speechbrain.lobes.models.huggingface_transformers.wav2vec2.Wav2Vec2
    source: !ref <wav2vec2_hub>
    output_norm: True
    freeze: !ref <freeze_wav2vec2>
    freeze_feature_extractor: !ref <freeze_wav2vec2_conv>
    save_path: !ref <wav2vec2_folder>
avg_pool: !new:speechbrain.nnet.pooling.StatisticsPooling
    return_std: False
output_mlp: !new:speechbrain.nnet.linear.Linear
    input_size: !ref <encoder_dim>
    n_neurons: !ref <out_n_neurons>
    bias: False
modules:
    wav2vec2: !ref <wav2vec2>
    output_mlp: !ref <output_mlp>
model: !new:torch.nn.ModuleList
    - [!ref <output_mlp>]
log_softmax: !new:speechbrain.nnet.activations.Softmax
    apply_log: True
compute_cost: !name:speechbrain.nnet.losses.nll_loss
opt_class: !name:torch.optim.Adam
    lr: !ref <lr>
wav2vec2_opt_class: !name:torch.optim.Adam
    lr: !ref <lr_wav2vec2>
lr_annealing: !new:speechbrain.nnet.schedulers.NewBobScheduler
    initial_value: !ref <lr>
    improvement_threshold: 0.0025
    annealing_factor: 0.9
    patient: 0
lr_annealing_wav2vec2: !new:speechbrain.nnet.schedulers.NewBobScheduler
    initial_value: !ref <lr_wav2vec2>
    improvement_threshold: 0.0025
    annealing_factor: 0.9
checkpointer: !new:speechbrain.utils.checkpoints.Checkpointer
    checkpoints_dir: !ref <save_folder>
    recoverables:
        model: !ref <model>
        wav2vec2: !ref <wav2vec2>
        lr_annealing_output: !ref <lr_annealing>
        lr_annealing_wav2vec2: !ref <lr_annealing_wav2vec2>
        counter: !ref <epoch_counter>
"""

LAYOUTS = {"ecapa": ECAPA, "wav2vec2": WAV2VEC2}

UNHEARD = {
    "ecapa": ["different_speakers", "gradient_accumulation", "shuffle", "random_chunk"],
    "wav2vec2": ["different_speakers", "test_spk_id", "split_ratio"],
}
"""Keys that are named, for nothing takes their place."""


def write_recipe(folder: Path, layout: str, *changes: tuple[str, str]) -> Path:
    """A recipe's file `train.yaml` in a layout of SpeechBrain's, with its text changed."""
    text = LAYOUTS[layout]
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    if "HUB" in text:
        text = text.replace("HUB", str(write_checkpoint(folder / "checkpoint")))
    path = folder / "train.yaml"
    path.write_text(text)
    return path


def write_checkpoint(folder: Path, kind: str = "Wav2Vec2", **settings: Any) -> Path:
    """A self-supervised model of two layers with random weights, as transformers store it.

    It hears 1 frame in 320 samples, as its large relatives do.
    """
    import transformers

    sizes = {
        "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 32, "conv_dim": (8, 8), "conv_kernel": (320, 2),
        "conv_stride": (160, 2), "num_feat_extract_layers": 2, "num_conv_pos_embeddings": 8,
        "num_conv_pos_embedding_groups": 2,
    }  # fmt: skip
    config = getattr(transformers, f"{kind}Config")(**sizes, **settings)
    transformers.utils.logging.disable_progress_bar()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        getattr(transformers, f"{kind}Model")(config).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    return folder


def spoken_card() -> str:
    """The card of the corpus `spoken`: 60 utterances of `espeak`, by four speakers."""
    card = yaml.safe_load((CARDS / "espeak.yaml").read_text())
    (source,) = card["sources"]
    source["repetitions"] = 1
    source["sentences"] = dict(list(source["sentences"].items())[:3])
    chosen = ("f01", "f02", "m01", "m02")
    source["speakers"] = {name: source["speakers"][name] for name in chosen}
    card |= {"name": "spoken", "utterances": 60, "speakers": 4}
    return yaml.safe_dump(card)
