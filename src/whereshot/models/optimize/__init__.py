"""The training loop: steps, optimizers, processes, states, averages."""
