"""Train, measure and export the plate detector."""
