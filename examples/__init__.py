"""Programs that show what fluid is for; each package says how it is run."""
