"""What can be asked: accruals and statements over HTTP, and the live page."""
