"""Recognition of actions as the command line sees it."""

from rnncli.tasks.base import Option, TaskSpec
from rnncli.tasks.classify.declared import METRICS

SPEC = TaskSpec(
    name="action",
    summary="Recognise actions: clips of frames, key points or features to a class.",
    default="action/default",
    own_data="action/own-data",
    examples=(
        "rnncli action --data clips.csv",
        "rnncli action --data clips/ model.cell=lstm",
        "rnncli action --data clips.csv --group-column subject data.folds=10",
    ),
    metrics=METRICS,
    options=(
        Option("--frames-column", "data.frames_column", "Column of the files of frames; guessed if not given."),
        Option("--label-column", "data.label_column", "Column of the labels; guessed if not given."),
        Option("--group-column", "data.group_column", "Column of what must not be in two parts, such as subjects."),
    ),
    also=("actions", "video", "gestures", "gesture", "activity", "har"),
)
