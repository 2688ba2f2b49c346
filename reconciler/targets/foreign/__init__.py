"""Code of others: what may run on our behalf where SQL of users is planned, and who could have written it."""
