"""Approvals of plans by signatures of SSH keys: making one, and verifying what lies beside a plan."""
