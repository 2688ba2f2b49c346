"""The section `rollout`: in which waves the plans of a fleet are applied."""
