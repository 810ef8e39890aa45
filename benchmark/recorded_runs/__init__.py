"""What can be done with a run that is recorded: extend, merge, verify, export, an ensemble across its models."""
