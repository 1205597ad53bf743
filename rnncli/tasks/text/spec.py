"""Models of texts as the command line sees them."""

from rnncli.tasks.base import TaskSpec
from rnncli.tasks.write.declared import TEXT_METRICS

SPEC = TaskSpec(
    name="text",
    summary="Foretell and write text.",
    default="text/default",
    own_data="text/own-data",
    examples=("rnncli text",),
    metrics=TEXT_METRICS,
)
