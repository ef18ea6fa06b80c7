"""What writes the generated files of deploy/ and prepares the tools that test them."""
