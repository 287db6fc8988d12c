#!/bin/sh
# Run once, when the database is made: the backup service may copy it and follow its log, with the same password.
# A database that is older: add this line to its pg_hba.conf by hand, then `select pg_reload_conf()`.
echo "host replication all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
