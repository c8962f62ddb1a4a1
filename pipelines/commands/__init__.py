"""The commands of the `medres` program as a user types them: names, options, help; their recipes lie a folder up."""
