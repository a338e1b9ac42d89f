"""The laboratory: scenarios of failed and successful onboarding on a real or emulated chip."""
