"""What people use (chats, HTTP API, terminal), and what joins them to engine and store."""
