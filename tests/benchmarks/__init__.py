"""What the daemon costs: messages a second, CPU, memory, requests. Figures and ratios, never a verdict."""
