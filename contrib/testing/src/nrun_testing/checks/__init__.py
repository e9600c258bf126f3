"""The checks of `nrun_testing.suite`, by what they are about."""
