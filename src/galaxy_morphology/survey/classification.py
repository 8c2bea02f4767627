"""Classifying the galaxies of a shard: decoded in threads while the network predicts."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galaxy_morphology import __version__, networks
from galaxy_morphology.identifiers import Identifier
from galaxy_morphology.imaging import (
    Cutout,
    UnknownWhiteLevelError,
    UnusableCutoutError,
    facts_of,
    side_by_side,
)
from galaxy_morphology.options import (
    Classes,
    ClassificationOptions,
    CutoutOptions,
    PredictionOptions,
)
from galaxy_morphology.steps import probabilities_for_mix
from galaxy_morphology.survey.catalogue import Facts, schema_of
from galaxy_morphology.survey.shards import OpenArchive, Shard
from galaxy_morphology.survey.unlike import TrainingFeatures, distances, fingerprint_of
from galaxy_morphology.typing import KerasModel, NetworkImages

NETWORK, TRAINING = "classifier.keras", "training_features.npz"

Seen = Callable[[int], object]
"""Told of galaxies that are done."""


class Recipe(NamedTuple):
    """What makes classifications of logits, besides the network.

    Attributes:
        classes: The classes in order.
        classification: For the mix of classes.
        prediction: What the network is asked.
        cutouts: How cut-outs are prepared.
        temperature: By which logits are divided.
        threshold: The probability from which on a classification is kept; None for none.
    """

    classes: Classes
    classification: ClassificationOptions
    prediction: PredictionOptions
    cutouts: CutoutOptions
    temperature: float
    threshold: float | None


class SurveyClassifier:
    """A classifier with all that it takes to make a shard of a catalogue.

    Args:
        network: Takes 0 to 255 RGB.
        recipe: What becomes of its logits.
        training: What its training galaxies look like to it.
        is_text: Whether identifiers are texts.

    Attributes:
        recipe: See above.
        is_text: See above.
        network_hash: Of the network and its weights.
        parameters_hash: Of all else that shapes what it says.

    Raises:
        ValueError: The network takes other cut-outs, or tells other classes apart.
    """

    def __init__(
        self, network: KerasModel, recipe: Recipe, training: TrainingFeatures, *, is_text: bool
    ) -> None:
        self._network, self.recipe, self._training = network, recipe, training
        self.is_text = is_text
        self._check()
        self.network_hash = fingerprint_of(network)
        parts = [part.model_dump(mode="json") for part in recipe[:4]]
        self._schema = schema_of(recipe.classes.names, is_text=is_text)
        known = json.dumps(
            [*parts, *recipe[4:], str(self._schema.remove_metadata()), __version__], sort_keys=True
        )
        digest = hashlib.blake2b(known.encode(), digest_size=16)
        for array in training:
            digest.update(np.ascontiguousarray(array).tobytes())
        self.parameters_hash = digest.hexdigest()

    def save(self, folder: Path) -> None:
        """Write the files that it can be loaded from.

        Args:
            folder: Where to.
        """
        self._network.save(folder / NETWORK)
        np.savez(folder / TRAINING, allow_pickle=False, **self._training._asdict())

    @classmethod
    def load(cls, folder: Path, recipe: Recipe, *, is_text: bool) -> Self:
        """Load it from its files, in safe mode and without pickle.

        Args:
            folder: Where they are.
            recipe: What becomes of its logits.
            is_text: Whether identifiers are texts.
        """
        import keras

        network = keras.models.load_model(folder / NETWORK, safe_mode=True, compile=False)
        with np.load(folder / TRAINING, allow_pickle=False) as arrays:
            training = TrainingFeatures(
                arrays["features"], int(arrays["neighbours"]), float(arrays["threshold"])
            )
        return cls(network, recipe, training, is_text=is_text)

    def _check(self) -> None:
        shape, side = tuple(self._network.input_shape[1:]), self.recipe.cutouts.side
        channels = self.recipe.cutouts.channels
        ours = (side, side, 3 if channels is None else len(channels))
        if shape != ours or networks.sees_bands(self._network) != (channels is not None):
            kind = "pictures" if channels is None else "bands"
            theirs = "bands" if networks.sees_bands(self._network) else "pictures"
            raise ValueError(
                f"The classifier takes {theirs} of the shape {shape}, but this run prepares {kind} "
                f"of {ours}: run with the parameters `cutouts` that it was trained with."
            )
        units = self._network.get_layer("logit").output.shape[-1]
        names = self.recipe.classes.names
        if max(2, units) != len(names):
            raise ValueError(
                f"The classifier tells {max(2, units)} classes apart, but `classes` are {names}: "
                "run with the parameters that it was trained with."
            )

    def facts(self, shard: Shard, table: pa.Table) -> Facts:
        """What a shard was made from, and what came of it.

        Args:
            shard: Which it is.
            table: From :meth:`classify`.
        """
        return Facts(
            archive=shard.archive, input=shard.input, classifier=self.network_hash,
            parameters=self.parameters_hash, read=len(table),
            classified=table["rejected"].null_count,
            rejected=len(table) - table["rejected"].null_count, simulated=shard.simulated,
        )  # fmt: skip

    def made(self, facts: Facts | None, shard: Shard) -> bool:
        """Whether what is there is what this classifier would make of the galaxies of a shard.

        Args:
            facts: Of what is there; None where nothing is.
            shard: Which it should be.
        """
        ours = (shard.input, self.network_hash, self.parameters_hash, shard.n_galaxies)
        return facts is not None and ours == (
            facts.input, facts.classifier, facts.parameters, facts.read
        )  # fmt: skip

    def classify(
        self,
        shard: Shard,
        opened: OpenArchive,
        *,
        n_threads: int | None = None,
        seen: Seen = lambda n: None,
    ) -> pa.Table:
        """Classify the galaxies of a shard.

        Args:
            shard: Which ones.
            opened: The archive that they lie in.
            n_threads: How many decode at a time, None for as many as there are cores.
            seen: Told of galaxies that are done.

        Returns:
            A row per galaxy, sorted by identifier; see ``docs/survey.md`` for its columns.
        """
        identifiers = opened.identifiers[shard.first : shard.last]
        found: list[tuple[Identifier, dict[str, Any]]] = []
        rejected: list[tuple[Identifier, str]] = []

        cutout_of = opened.preparing(self.recipe.cutouts)

        def prepare(
            identifier: Identifier, encoded: bytes | NDArray[Any]
        ) -> tuple[Cutout, dict[str, Any]]:
            try:
                cutout = cutout_of(identifier, encoded)
            except UnknownWhiteLevelError:
                raise UnusableCutoutError(
                    "it has 16 bits a channel, which the training galaxies had not: say which "
                    "value is white (cutouts.white_level)"
                ) from None
            return cutout, facts_of(cutout)

        def batches() -> Iterator[NetworkImages]:
            batch: list[NDArray[Any]] = []
            for identifier, outcome in side_by_side(
                opened.cutouts, identifiers, prepare, n_threads=n_threads
            ):
                if isinstance(outcome, UnusableCutoutError):
                    rejected.append((identifier, str(outcome)))
                    seen(1)
                    continue
                cutout, facts = outcome
                found.append((identifier, facts))
                batch.append(cutout.network_image)
                if len(batch) == self.recipe.prediction.batch_size:
                    yield np.stack(batch)
                    seen(len(batch))
                    batch.clear()
            if batch:
                yield np.stack(batch)
                seen(len(batch))

        prediction = self.recipe.prediction
        answers = networks.ask_about_batches(
            self._network, batches(), dtype="float16" if self.recipe.cutouts.channels else "uint8",
            precision=prediction.precision, views=prediction.views, features=True,
        )  # fmt: skip
        columns = self._columns(found, rejected, answers)
        every = [identifier for identifier, _ in (*found, *rejected)]
        columns |= {
            "cataid": every,
            "ra": [opened.position_of(each)[0] for each in every],
            "dec": [opened.position_of(each)[1] for each in every],
            "file": ["; ".join(opened.cutouts.place_of(each)) for each in every],
            "archive": [opened.archive.rstrip("/").rsplit("/", 1)[-1]] * len(every),
            "simulated": [shard.simulated] * len(every),
        }
        arrays = [pa.array(columns[field.name], field.type) for field in self._schema]
        order = sorted(range(len(every)), key=every.__getitem__)
        return pa.table(arrays, schema=self._schema).take(order)

    def _columns(
        self, found: list[tuple[Identifier, dict[str, Any]]], rejected: list[Any], answers: Any
    ) -> dict[str, Any]:
        """By name, columns of those that were found and then of those that were rejected."""
        classes, recipe = self.recipe.classes, self.recipe
        probability = probabilities_for_mix(
            answers.logits.astype(np.float64), recipe.temperature, classes, recipe.classification
        )
        certainty = probability.max(axis=1, initial=0)
        distance = distances(answers.features, self._training)
        names = np.array(classes.names, object)[probability.argmax(axis=1)]
        threshold = np.inf if recipe.threshold is None else recipe.threshold
        logits = [name for name in self._schema.names if name.startswith("logit")]
        known: dict[str, Any] = {
            **dict(zip(logits, answers.logits.T, strict=True)),
            **{f"probability_{name}": probability[:, place] for place, name in
               enumerate(classes.names)},
            "predicted_class": names,
            "view_spread": answers.spreads.get("view_spread"),
            "network_spread": answers.spreads.get("member_spread"),
            "distance": distance,
            **{name: [facts[name] for _, facts in found] for name in
               ("width", "height", "checksum")},
        }  # fmt: skip
        flags = {
            "keep": certainty >= threshold,
            "unlike_training": distance > self._training.threshold,
            "channel_without_signal": [facts["channel_without_signal"] for _, facts in found],
        }
        missing = [None] * len(rejected)
        return {
            **{name: [None] * len(found) + missing if values is None else [*values, *missing]
               for name, values in known.items()},
            **{name: [*values, *[False] * len(rejected)] for name, values in flags.items()},
            "rejected": [None] * len(found) + [reason for _, reason in rejected],
            "duplicate_of": [None] * (len(found) + len(rejected)),
        }  # fmt: skip
