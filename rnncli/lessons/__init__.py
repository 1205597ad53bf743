"""The textbook's questions, each as a batch of runs and a page that answers with their figures."""
