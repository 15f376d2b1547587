"""A self-supervised transformer that hears waveforms, and a linear map: SpeechBrain's wav2vec2."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from ser_unlearn.errors import UserError
from ser_unlearn.recogniser.hparams import WHOLE, Augmentation, Hparams, Optimiser
from ser_unlearn.recogniser.layouts.layout import MAX_GRAD_NORM, Layout

if TYPE_CHECKING:
    from torch import Tensor

    from ser_unlearn.recogniser.batches import Batch


def assemble(values: Mapping[str, Any]) -> Hparams:
    """What the recipe's keys come to.

    Raises:
        UserError: if it pools in a way that is not known here.
    """
    from ser_unlearn.recogniser.schedules import annealing
    from ser_unlearn.recogniser.ssl import Encoder, FromPercent, ToPercent

    encoder = values["wav2vec2"]
    _check_pooling(values["avg_pool"])
    # Recipes of some versions freeze in their script what others freeze as they make the module.
    if values.get("freeze_wav2vec2_conv") and not values.get("freeze_wav2vec2"):
        encoder.model.feature_extractor.requires_grad_(False)
    return Hparams(
        sample_rate=values.get("sample_rate", encoder.feature_extractor.sampling_rate),
        trim_db=values.get("trim_db"),
        compute_features=ToPercent(),
        mean_var_norm=FromPercent(),
        embedding_model=Encoder(encoder, values["avg_pool"]),
        classifier=values["output_mlp"],
        crop_frames=values.get("crop_frames", WHOLE),
        number_of_epochs=values["number_of_epochs"],
        batch_size=values["batch_size"],
        optimisers=(
            Optimiser(
                "embedding_model",
                values["wav2vec2_opt_class"],
                annealing(values.get("lr_annealing_wav2vec2")),
            ),
            Optimiser("classifier", values["opt_class"], annealing(values.get("lr_annealing"))),
        ),
        compute_cost=_cost(values),
        grad_accumulation_factor=values.get("grad_accumulation_factor", 1),
        max_grad_norm=MAX_GRAD_NORM,
        augmentation=_augmentation(values.get("wav_augment")),
    )


def _check_pooling(pooling: Any) -> None:
    from speechbrain.nnet.pooling import StatisticsPooling

    if not isinstance(pooling, StatisticsPooling):
        raise UserError(
            f"avg_pool is of the class {type(pooling).__name__}. Use StatisticsPooling."
        )


def _cost(values: Mapping[str, Any]) -> Callable[[Tensor, Tensor], Tensor]:
    compute_cost, log_softmax = values.get("compute_cost"), values.get("log_softmax")
    if compute_cost is None:
        from torch.nn.functional import cross_entropy

        return cross_entropy

    def cost(logits: Tensor, labels: Tensor) -> Tensor:
        outputs = logits if log_softmax is None else log_softmax(logits)
        return cast("Tensor", compute_cost(outputs, labels))

    return cost


def _augmentation(augmenter: Any) -> Augmentation | None:
    if augmenter is None:
        return None

    def change(batch: Batch) -> Batch:
        from ser_unlearn.recogniser.augmentation import augmented
        from ser_unlearn.recogniser.ssl import PERCENT

        changed = augmented(augmenter, batch._replace(inputs=batch.inputs.squeeze(2) / PERCENT))
        return changed._replace(inputs=changed.inputs.unsqueeze(2) * PERCENT)

    return Augmentation(change)


LAYOUT = Layout(
    name="wav2vec2",
    family="transformer",
    example="wav2vec2",
    needs=(
        "wav2vec2", "avg_pool", "output_mlp", "number_of_epochs", "batch_size", "opt_class",
        "wav2vec2_opt_class",
    ),
    takes=(
        "n_emotions", "sample_rate", "trim_db", "crop_frames", "log_softmax", "compute_cost",
        "lr_annealing", "lr_annealing_wav2vec2", "freeze_wav2vec2", "freeze_wav2vec2_conv",
        "grad_accumulation_factor", "wav_augment",
    ),
    outputs="output_mlp",
    assemble=assemble,
    parts={"wav2vec2": "embedding_model.wav2vec2", "output_mlp": "classifier"},
    weights="wav2vec2",
)  # fmt: skip
