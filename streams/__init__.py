"""The moving parts, in the order the data moves: usage, attribution, rating, accrual, statement."""
