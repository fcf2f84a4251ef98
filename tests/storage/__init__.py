"""One suite over every database an archive can live in."""
