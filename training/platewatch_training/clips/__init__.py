"""Render the sample clips: traffic with number plates, drawn from nothing but code."""
