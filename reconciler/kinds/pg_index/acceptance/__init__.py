"""What the server would refuse to build, told before it is asked to."""
