"""Features, an embedding model and a classifier: SpeechBrain's ECAPA recipes, and most of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from ser_unlearn.errors import UserError
from ser_unlearn.recogniser.hparams import WHOLE, Augmentation, Hparams, Optimiser
from ser_unlearn.recogniser.layouts.layout import MAX_GRAD_NORM, Layout

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ser_unlearn.recogniser.batches import Batch


def assemble(values: Mapping[str, Any]) -> Hparams:
    """What the recipe's keys come to.

    Raises:
        UserError: if `compute_cost` wants cosines, and the classifier is not known to give any.
    """
    from ser_unlearn.recogniser.schedules import annealing, steps

    scale = _scale(values.get("compute_cost"))
    if "lr_scheduler" in values:
        schedule = steps(values["lr_scheduler"])
    else:
        schedule = annealing(values.get("lr_annealing"))
    return Hparams(
        sample_rate=values["sample_rate"],
        trim_db=values.get("trim_db"),
        compute_features=values["compute_features"],
        mean_var_norm=values["mean_var_norm"],
        embedding_model=values["embedding_model"],
        classifier=_scaled(values["classifier"], scale),
        crop_frames=values.get("crop_frames", WHOLE),
        number_of_epochs=values["number_of_epochs"],
        batch_size=values["batch_size"],
        optimisers=(Optimiser("", values["opt_class"], schedule),),
        compute_cost=_cost(values.get("compute_cost"), scale or 1.0),
        grad_accumulation_factor=values.get("grad_accumulation_factor", 1),
        # Recipes with a schedule of torch's are of this project, which clips nothing.
        max_grad_norm=None if "lr_scheduler" in values else MAX_GRAD_NORM,
        augmentation=_augmentation(values),
    )


def _scale(compute_cost: Any) -> float | None:
    """What a loss with a margin multiplies cosines with; None for a loss of logits."""
    inner = getattr(compute_cost, "loss_fn", None)
    return None if inner is None else getattr(inner, "scale", None)


def _scaled(classifier: nn.Module, scale: float | None) -> nn.Module:
    """A classifier whose outputs are logits: a classifier of cosines has them scaled."""
    if scale is None:
        return classifier
    from speechbrain.lobes.models.ECAPA_TDNN import Classifier

    from ser_unlearn.recogniser.cosines import ScaledCosines

    if not isinstance(classifier, Classifier):
        raise UserError(
            "compute_cost has a margin between cosines, which the classifier "
            f"{type(classifier).__name__} does not give. Use ECAPA_TDNN.Classifier."
        )
    return ScaledCosines.of(classifier, scale)


def _cost(compute_cost: Any, scale: float) -> Callable[[Tensor, Tensor], Tensor]:
    if compute_cost is None:
        from torch.nn.functional import cross_entropy

        return cross_entropy

    def cost(logits: Tensor, labels: Tensor) -> Tensor:
        # As SpeechBrain's recipes have it: [B, 1, C] and [B, 1].
        return cast("Tensor", compute_cost((logits / scale)[:, None], labels[:, None]))

    return cost


def _augmentation(values: Mapping[str, Any]) -> Augmentation | None:
    """What the recipe changes at random: waveforms, features, or one after the other."""
    of_waveforms, of_features = values.get("wav_augment"), values.get("fea_augment")
    if of_waveforms is None and of_features is None:
        return None

    def change(batch: Batch) -> Batch:
        from ser_unlearn.recogniser.augmentation import augmented
        from ser_unlearn.recogniser.features import as_float

        if of_waveforms is not None:
            batch = augmented(of_waveforms, batch._replace(inputs=as_float(batch.inputs)))
            batch = batch._replace(inputs=values["compute_features"](batch.inputs))
        return batch if of_features is None else augmented(of_features, batch)

    return Augmentation(change, of_waveforms is not None)


LAYOUT = Layout(
    name="ecapa",
    family="embedding",
    example="ecapa",
    needs=(
        "sample_rate", "compute_features", "mean_var_norm", "embedding_model", "classifier",
        "number_of_epochs", "batch_size", "opt_class",
    ),
    takes=(
        "n_emotions", "trim_db", "crop_frames", "compute_cost", "lr_scheduler", "lr_annealing",
        "grad_accumulation_factor", "wav_augment", "fea_augment",
    ),
    outputs="classifier",
    assemble=assemble,
    parts={
        "mean_var_norm": "normaliser",
        "embedding_model": "embedding_model",
        "classifier": "classifier",
    },
)  # fmt: skip
