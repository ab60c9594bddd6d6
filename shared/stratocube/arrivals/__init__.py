"""Messages that say a scene has arrived: one parser a source. Nothing is read or written here."""
