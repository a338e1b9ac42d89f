"""The catalogue: one file per failure, in folders by area."""
