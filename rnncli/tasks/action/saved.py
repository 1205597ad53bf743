"""What the saved predictions of a recogniser of actions tell."""

from rnncli.tasks.classify.labelled import SavedLabels

SAVED = SavedLabels("file")
