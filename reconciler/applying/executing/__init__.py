"""One step: how it is carried out, watched, tried again and stopped."""
