"""What the saved predictions of a classifier of texts tell."""

from rnncli.tasks.labelled import SavedLabels

SAVED = SavedLabels("text")
