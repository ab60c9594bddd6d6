"""State of builds in DynamoDB: the only room that writes the tables."""
