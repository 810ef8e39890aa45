"""The one training loop: batches, objectives, optimizers, early stopping, for one replica or all folds."""
