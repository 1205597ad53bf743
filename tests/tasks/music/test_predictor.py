"""Files that a model goes on behind, scores, or adds voices to."""

import json

import numpy as np
import pytest
import torch

from rnncli.data.music.midiwriting import midi_bytes
from rnncli.errors import DataError
from rnncli.tasks.music.fitted import FittedMusic
from rnncli.tasks.music.form import MusicForm
from rnncli.tasks.music.predictor import PiecePredictor
from rnncli.tasks.music.schema import MusicRecipe


def predictor(voices, **data):
    torch.manual_seed(1)
    form = MusicForm("voices" if voices else "rolls", voices or 3, 88, 21, 4, 120)
    small = {"hidden": 4, "embedding": 4, "head_hidden": 4}
    fitted = FittedMusic(MusicRecipe.model_validate({"model": small, "data": data}), form)
    return PiecePredictor(fitted, fitted.build().eval(), torch.device("cpu"))


def voices_file(folder, voices):
    path = folder / f"{voices}.json"
    path.write_text(json.dumps([[[60 + voice for voice in range(voices)]] * 6]))
    return path


def test_a_primer_of_other_voices_is_refused(tmp_path):
    one = predictor(4)
    assert len(one.begin(voices_file(tmp_path, 4), None)[0].primer_TS) == 6
    with pytest.raises(DataError, match=r"2\.json.*: 2 voices, where the model was trained on 4 voices"):
        one.begin(voices_file(tmp_path, 2), None)


def test_one_of_several_pieces_with_fewer_voices_is_refused(tmp_path):
    one = predictor(4)
    pieces = [one.parse(str(voices_file(tmp_path, voices))) for voices in (4, 3)]
    assert [row["frames"] for row in one.predict(pieces[:1])] == [6]
    with pytest.raises(DataError, match="3 voices, where the model was trained on 4"):
        one.predict(pieces)


def test_a_melody_is_read_whatever_tracks_train_had(tmp_path):
    melody = tmp_path / "melody.mid"
    melody.write_bytes(midi_bytes(np.array([[0, 4, 60, 0], [4, 8, 62, 0]]), 4, 120))
    begun, _ = predictor(0, tracks=[2, "alto"]).begin(None, melody)
    assert begun.melody_T.tolist() == [60 - 21] * 4 + [62 - 21] * 4
