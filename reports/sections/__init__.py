"""The sections of the report: judgements and run data in tables and sentences."""
