"""The whole daemon in one seeded process under virtual time: docs/simulation.md."""
