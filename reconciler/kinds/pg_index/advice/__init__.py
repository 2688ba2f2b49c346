"""What reviewers are told beside a plan's changes: evidence, and what the steps would meet. It decides nothing."""
