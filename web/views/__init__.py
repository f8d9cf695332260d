"""The pages, the API and the commands, as Flask blueprints."""
