"""On what and for how long a network was trained, in words and as curves."""

import dataclasses
import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from modules.training.records import TrainingRecord
from pipeline.reports import plots
from pipeline.reports.plots import Picture
from schemas.words import is_known, listed, plural, three

_OPTIMIZERS = {"adadelta": "AdaDelta", "adamw": "AdamW"}
_COLOURS = ("#7d8a97", plots.BLUE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Training:
    """A training as the page tells it.

    Attributes:
      name: Its name.
      words: On what and for how long, a sentence each.
      curves: Loss and rates over the epochs; `None` if there were none.
    """

    name: str
    words: tuple[str, ...]
    curves: Picture | None


def training(record: TrainingRecord) -> Training:
    """Returns what the page tells of a training."""
    return Training(name=record.name, words=words(record), curves=curves(record))


def words(record: TrainingRecord) -> tuple[str, ...]:
    """Returns on what and for how long a network was trained, a sentence each."""
    total, held_out = sum(record.clips.values()), sum(record.held_out.values())
    each = listed(f"{name} {count:,}" for name, count in record.clips.items())
    clips = plural(total, "clip") + (f" ({each})" if len(record.clips) > 1 else "")
    if record.adaptation and not record.adaptation.fine_tuned:
        return (f"Not trained further: the domain's {clips} of the training folds are left aside.",)
    settings, done = record.settings, len(record.history)
    least = done < settings.epochs
    epochs = f"{done} of at most {settings.epochs} epochs" if least else f"All {done} epochs"
    kept = (
        f"{epochs}; the weights of epoch {record.kept_epoch}, with the lowest inner loss, stayed."
        if record.kept_epoch
        else f"{epochs}; the weights of the last stayed."
    )
    network = record.network
    trained = [_OPTIMIZERS[settings.optimizer]]
    if settings.weight_decay:
        trained.append(f"weight decay {settings.weight_decay:g}")
    if settings.label_smoothing:
        trained.append(f"labels smoothed by {settings.label_smoothing:g}")
    if settings.sampling == "balanced":
        trained.append("batches balanced by label within a domain")
    shift = (
        f"clips shifted by up to {settings.shift_s:g} s."
        if settings.shift_s
        else "clips not shifted."
    )
    found = [
        f"{clips} of the training folds"
        + (f", {held_out:,} of which only decided when to stop." if held_out else "."),
        kept,
        f"Batches of {settings.batch_size}, rate {settings.learning_rate:g}"
        f" ({settings.schedule.replace('_', ' ')}), {', '.join(trained)}, {shift}",
    ]
    if record.adaptation and record.adaptation.l2_sp:
        found.append(
            "All the while the weights were pulled towards the pre-trained ones (L2-SP, strength"
            f" {record.adaptation.l2_sp:g})."
        )
    if network.members > 1:
        found.append(
            f"The mean of {network.members} trainings, which differ in their seeds; curves are"
            " their mean."
        )
    own = f"Front end {network.front_end}, preset {network.preset}"
    if network.encoder:
        own += f", encoder {network.encoder['name']}"
    return (*found, f"{own}: {network.parameters:,} parameters.")


def curves(record: TrainingRecord) -> Picture | None:
    """Draws loss and inner UAR over the epochs; `None` if there were none."""
    history = record.history
    if not history:
        return None
    epochs = np.arange(1, len(history) + 1)
    figure = Figure(figsize=(7.6, 2.5), layout="constrained")
    losses, rates = figure.subplots(1, 2)
    panels = (
        (losses, "cross-entropy", (("loss", "training"), ("val_loss", "inner split"))),
        (rates, "rate", (("accuracy", "training accuracy"), ("val_uar", "inner UAR"))),
    )
    for axes, label, columns in panels:
        for (column, name), colour in zip(columns, _COLOURS, strict=True):
            values = [epoch.get(column, math.nan) for epoch in history]
            if any(is_known(value) for value in values):
                # A run of one epoch is a point, which a line alone would not show.
                axes.plot(epochs, values, color=colour, label=name, marker=".", ms=4, lw=1.5)
        if record.kept_epoch:
            axes.axvline(record.kept_epoch, color=plots.INK, lw=0.9, ls=":", label="weights kept")
        axes.set_xlabel("epoch")
        axes.set_ylabel(label)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(frameon=False, fontsize=8)
        plots.style_axes(axes)
    losses.set_ylim(bottom=0)
    rates.set_ylim(0, 1)
    last = ", ".join(f"{column} {three(value)}" for column, value in history[-1].items())
    span = plural(len(history), "epoch")
    return Picture(
        uri=plots.data_uri(plots.svg(figure, transparent=True)),
        alt=f"Training curves of {record.name} over {span}; at the end {last}.",
    )
