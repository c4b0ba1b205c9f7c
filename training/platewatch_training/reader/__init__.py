"""The plate reader: from a rectified crop to characters, country, lines and readability."""
