"""Certificate definitions as users have them: C source as Microchip's tools emit it."""
