"""What everything that is trained has in common: batches, objectives, and the folder that a finished model lives in."""
