"""What the registry says of each model, one file for each kind."""
