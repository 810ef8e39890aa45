"""What is known and what is odd of a loaded `Dataset`: description, audit, baseline models."""
