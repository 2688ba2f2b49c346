"""Many targets: which of them one runner takes, a plan for each, what is approved of them, and how they are applied."""
