"""The rules of the comparison: splits, metrics and settings that every model meets, and the job of one fit."""
