"""Models of music as the command line sees them."""

from rnncli.tasks.base import TaskSpec
from rnncli.tasks.write.declared import MUSIC_METRICS

SPEC = TaskSpec(
    name="music",
    summary="Foretell and write music.",
    default="music/default",
    own_data="music/own-data",
    examples=("rnncli music",),
    metrics=MUSIC_METRICS,
)
