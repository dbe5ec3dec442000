"""What is done to signals: kept as they are found, judged by people."""
