"""What stands under the services: the folder, keys, nats-server, PostgreSQL, and the processes themselves."""
