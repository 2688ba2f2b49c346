"""The language of ACL SETUSER: how rules are spelled, what they allow, and how that is told."""
