#!/usr/bin/env bash
# The same purchases on the same machine by a Node handler on PostgreSQL, and PostgreSQL's own
# benchmark. Needs node, npm, PostgreSQL with contrib; leaves nothing behind.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
bin=${PGBIN:-$(ls -d /usr/lib/postgresql/*/bin | tail -1)}
as() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
node_pid=
trap 'kill $node_pid 2>/dev/null || true; as "$bin/pg_ctl" -D "$work/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
chmod 777 "$work"
as "$bin/initdb" -D "$work/data" -A trust >/dev/null
as "$bin/pg_ctl" -D "$work/data" -o "-k $work -p 18112 -c listen_addresses=127.0.0.1 -c shared_buffers=256MB -c max_connections=200" -w start >/dev/null
export PGHOST=127.0.0.1 PGPORT=18112 PGUSER=postgres PGDATABASE=postgres
[ "$(id -u)" = 0 ] || export PGUSER=$(id -un)
psql -q <<'SQL'
CREATE TABLE account (member text PRIMARY KEY, balance bigint NOT NULL);
CREATE TABLE trx (no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, member text, ref text, product text, dest text, price bigint, at timestamptz DEFAULT now(), UNIQUE (member, ref));
CREATE TABLE ledger (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, trx bigint, member text, amount bigint, balance bigint);
INSERT INTO account SELECT 'OK' || lpad(n::text, 5, '0'), 1000000000000 FROM generate_series(1, 1000) n;
SQL
cp server.mjs "$work/"
(cd "$work" && npm install --silent --no-fund --no-audit pg@8 >/dev/null)
DATABASE_URL="postgres://$PGUSER@127.0.0.1:18112/postgres" node "$work/server.mjs" &
node_pid=$!
sleep 2
echo "Node $(node --version), PostgreSQL $("$bin/postgres" --version | cut -d' ' -f3), synchronous_commit=on"
../../target/release/bench foreign --address 127.0.0.1:18111 --seconds 5 --rounds 3
pgbench -q -i -s 20 >/dev/null 2>&1
echo "pgbench (TPC-B like, 64 clients): $(pgbench -c 64 -j 2 -T 10 2>/dev/null | grep -E 'tps' | head -1)"
