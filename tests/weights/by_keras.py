"""Models of Keras, written in all its kinds of files with what they compute: run as a program, once for all tests.

Keras is the independent oracle here, and its import takes seconds: nothing of it is loaded where the tests run.
"""

import os
import sys
import warnings
from itertools import product

os.environ["KERAS_BACKEND"] = "torch"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
warnings.simplefilter("ignore")

INPUT, UNITS = 3, 4
CELLS = {
    "rnn": ("SimpleRNN", {}),
    "lstm": ("LSTM", {}),
    "gru-after": ("GRU", {}),
    "gru-before": ("GRU", {"reset_after": False}),
}


def main(folder):
    import keras
    import numpy as np

    draw = np.random.default_rng(1)
    x_BTI = draw.normal(size=(3, 6, INPUT)).astype("float32")
    outputs = {"x": x_BTI}

    def lively(model):
        model.set_weights([draw.normal(0, 0.5, one.shape).astype("float32") for one in model.get_weights()])
        return model

    def saved(name, model, kinds=(".keras", ".weights.h5", ".h5")):
        outputs[name] = keras.ops.convert_to_numpy(model(x_BTI))
        for kind in kinds:
            path = f"{folder}/{name}{kind}"
            model.save_weights(path) if kind == ".weights.h5" else model.save(path)

    def layer(cell, both, **options):
        kind, own = CELLS[cell]
        made = getattr(keras.layers, kind)(UNITS, return_sequences=True, **own)
        return keras.layers.Bidirectional(made, **options) if both else made

    for name in CELLS:
        for layers, both in product((1, 2), (False, True)):
            stack = [layer(name, both) for _ in range(layers)]
            saved(f"{name}-{layers}-{both}", lively(keras.Sequential([keras.Input((None, INPUT)), *stack])))

    def one(name, *layers, kinds=(".keras",)):
        saved(name, lively(keras.Sequential([keras.Input((None, INPUT)), *layers])), kinds)

    gru, lstm, both = keras.layers.GRU, keras.layers.LSTM, keras.layers.Bidirectional
    relu = keras.layers.SimpleRNN(UNITS, activation="relu", return_sequences=True)
    one("relu-1-False", relu, kinds=(".keras", ".weights.h5", ".h5"))
    one("hard", lstm(UNITS, recurrent_activation="hard_sigmoid"))
    one("backwards", gru(UNITS, go_backwards=True))
    one("summed", both(gru(UNITS), merge_mode="sum"))
    one("linear", keras.layers.SimpleRNN(UNITS, activation="linear"))
    one("stacked-cells", keras.layers.RNN([keras.layers.LSTMCell(UNITS), keras.layers.LSTMCell(UNITS)]))
    one("bare", gru(UNITS, use_bias=False, return_sequences=True), kinds=(".keras", ".weights.h5"))
    one("told", keras.layers.Masking(), lstm(UNITS, dropout=0.5, recurrent_dropout=0.25, stateful=False))
    one("dense", keras.layers.Dense(2))
    one("passing", gru(UNITS, return_sequences=True), keras.layers.Dropout(0.5), gru(UNITS, return_sequences=True))
    one("apart", gru(UNITS, return_sequences=True), keras.layers.Dense(UNITS), gru(UNITS), kinds=(".keras", ".h5"))

    # Names that are out of order, two readers of one layer, a model in a model.
    given = keras.Input((None, INPUT))
    inner = keras.Sequential(
        [keras.Input((None, INPUT)), layer("lstm", True, name="b"), keras.layers.LSTM(2, name="a")]
    )
    first = keras.layers.LSTM(2, return_sequences=True, name="z")(given)
    ends = [keras.layers.LSTM(2, name=name)(first) for name in ("y", "x")]
    ends += [inner(given), keras.layers.GRU(2, name="w")(given)]
    saved("graph", lively(keras.Model(given, keras.layers.Concatenate()(ends))))
    np.savez(f"{folder}/outputs.npz", **outputs)


if __name__ == "__main__":
    main(sys.argv[1])
