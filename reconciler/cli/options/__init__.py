"""Options and arguments that several verbs share, and the types of their values."""
