"""What is remembered: reference tables, duplicate keys, running accruals and their recovery."""
