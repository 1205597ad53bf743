"""What is said in recordings, where numpy and ONNX Runtime are all that there is.

Shape letters: T frames, F feature bins, R frames of the core, V labels and blank.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.data.audio.bare import Analysis
from rnncli.data.audio.given import read_features
from rnncli.data.audio.sound import read_wave
from rnncli.data.jsonfile import read_json, write_json
from rnncli.errors import DataError
from rnncli.tasks.common.predicting import require_path
from rnncli.tasks.decode.language import Language
from rnncli.tasks.portable import Run
from rnncli.tasks.speech.extras.decoding import Decoder
from rnncli.tasks.speech.extras.form import FeatureForm

FILE, TABLES, KIND = "labels.json", "features.npz", "recognizer"


@dataclass(frozen=True, eq=False)
class SpeechTables:
    """All but the weights: how features are computed and scaled, what labels say, the language model.

    ``analysis`` is None where the model was trained on features that were given.
    """

    decoder: Decoder
    form: FeatureForm
    analysis: Analysis | None

    def save(self, folder: Path) -> None:
        """Write what :meth:`load` reads, with numpy alone."""
        decoder, analysis = self.decoder, self.analysis
        search = {"beam": decoder.beam, "best": decoder.best}
        labels = {"labels": list(decoder.labels), "unit": decoder.unit, "seconds": decoder.seconds}
        features = analysis.settings() if analysis else None
        body = labels | search | decoder.language.keep(folder) | {"form": self.form.to_dict(), "features": features}
        write_json(folder / FILE, KIND, body)
        if analysis:
            np.savez(folder / TABLES, **analysis.arrays())  # pyright: ignore[reportArgumentType]

    @classmethod
    def load(cls, folder: Path) -> SpeechTables:
        """What :meth:`save` wrote; raises RunError."""
        body = read_json(folder / FILE, KIND)
        language = Language.kept(folder, body)
        decoder = Decoder(tuple(body["labels"]), body["unit"], body["seconds"], language, body["beam"], body["best"])
        analysis = None
        if body["features"]:
            with np.load(folder / TABLES) as arrays:
                analysis = Analysis.kept(body["features"], dict(arrays))
        return cls(decoder, FeatureForm.from_dict(body["form"]), analysis)


class PortableSpeech:
    """See :class:`rnncli.tasks.portable.Portable`; an example is the path of a recording, or of .npy features."""

    together = 1  # so that memory is that of the longest

    def __init__(self, tables: SpeechTables, run: Run) -> None:
        self.tables, self.run = tables, run

    def parse(self, text: str) -> Path:
        """The path of a recording; raises DataError."""
        require_path(text, "recording", "recording.wav")
        return Path(text)

    def read(self, path: Path) -> Iterator[Path]:
        """The recording itself."""
        yield path

    def listen(self, lines: Iterable[str]) -> Iterator[Path]:
        """A path a line."""
        return (self.parse(line.rstrip("\r\n")) for line in lines)

    def predict(self, examples: Sequence[Path]) -> list[dict[str, Any]]:
        """One row a recording, in order, each by itself; raises DataError."""
        return [{"file": str(path)} | self.tables.decoder.row(self._log_probs(path)) for path in examples]

    def _log_probs(self, path: Path) -> np.ndarray:
        """What the model thinks of labels at each frame of the core, (R, V) float64."""
        features_TF = self._features(path)
        given = {"features": features_TF[None], "lengths": np.array([len(features_TF)])}
        logits_RV = self.run("model", given)["logits"][0].astype(np.float64)
        logits_RV -= logits_RV.max(1, keepdims=True)
        return logits_RV - np.log(np.exp(logits_RV).sum(1, keepdims=True))

    def _features(self, path: Path) -> np.ndarray:
        """Features (T, F) as the model reads them."""
        form, analysis = self.tables.form, self.tables.analysis
        if path.is_dir():
            raise DataError(f"{path}: a folder, not a recording", "name its files")
        if path.suffix == ".npy":
            features_TF = read_features(path)
        elif analysis is None:
            raise DataError(f"{path}: the model reads features, no recordings", "give .npy files of them")
        else:
            features_TF = analysis.features(read_wave(path), str(path))
        if features_TF.shape[1] != form.width:
            hint = "give what it was trained on"
            raise DataError(f"{path}: {features_TF.shape[1]} bins, where the model reads {form.width}", hint)
        return form.scale(features_TF)


def open_model(folder: Path, run: Run) -> PortableSpeech:
    """The recognizer whose tables lie in ``folder``."""
    return PortableSpeech(SpeechTables.load(folder), run)
