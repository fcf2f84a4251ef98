"""What the tests of the contract share: stages of platforms, and an archive of each."""
