"""Decide who hears what, when; remember it; hand it over; explain it."""
