"""What every adapter has to do, tried on every platform that there is a stage of."""
