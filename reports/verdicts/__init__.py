"""Whether deep and classical differ: judgements, as values."""
