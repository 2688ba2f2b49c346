"""Formulas as values of settings: amounts, their arithmetic, and how they are spelled."""
