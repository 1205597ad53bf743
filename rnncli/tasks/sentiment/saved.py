"""What the saved predictions of a classifier of texts tell."""

from rnncli.tasks.classify.labelled import SavedLabels

SAVED = SavedLabels("text")
