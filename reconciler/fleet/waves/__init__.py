"""The waves of a rollout: one after the other, and what has to be so in between."""
