"""Models of music as the command line sees them."""

from rnncli.tasks.base import Option, TaskSpec
from rnncli.tasks.write.declared import MUSIC_METRICS

SPEC = TaskSpec(
    name="music",
    summary="Model music: the next notes of MIDI files or piano rolls; go on, harmonise.",
    default="music/default",
    own_data="music/own-data",
    examples=(
        "rnncli music",
        "rnncli music --data folder/ --grid 4",
        "rnncli music --data folder/ --tracks 1,2 data.form=voices",
    ),
    metrics=MUSIC_METRICS,
    options=(
        Option("--grid", "data.grid", "Frames a beat to which notes of MIDI files are moved.", "number"),
        Option("--tracks", "data.tracks", "Tracks of MIDI files by number or name, such as 1,3; else all.", "list"),
    ),
    also=("midi", "melody", "melodies", "polyphony", "piano-roll", "tunes", "chorales"),
    tried_by="write",
)
