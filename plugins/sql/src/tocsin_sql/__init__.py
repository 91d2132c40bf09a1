"""Keeps alerts and deliveries in SQLite or PostgreSQL, so that nothing that was accepted is lost.

## What you need

For one machine: a folder on a local disk. The file is made with the first alert, and its tables with it.

```toml
[store]
driver = "sql"
url = "sqlite:////var/lib/alerts/tocsin.db"
```

For several machines: a PostgreSQL database, version 12 or newer, and `pip install 'tocsin-sql[postgresql]'`. The tables
are made by `tocsin store upgrade`, also after an update of this package.

```toml
[store]
driver = "sql"
url = "postgresql://alerts@db.example.com/alerts"
```

The same from the environment: `TOCSIN_STORE_URL`, and so on. An older program never writes a newer database.

## What is promised

* An alert is accepted when it and all its deliveries are on the disk, in one transaction. `kill -9` at any moment after
  that loses nothing; neither does a power failure, where the disk keeps what it said it had written.
* A delivery is in one worker's hands at a time, under a lease. A worker that dies loses its lease, and another goes on;
  one that was only frozen is refused when it reports later.
* Due times and leases do not follow the wall clock: setting it forward or back repeats nothing and expires nothing.

## In your own transaction

An alert can be written in the transaction that makes it true, and goes out exactly if that commits:

<!-- not run: engine and orders are the application's -->
```python
with engine.begin() as connection:
    connection.execute(orders.insert(), {"id": 7})
    service.enqueue(alert, connection=connection)
```

The connection is one of SQLAlchemy, to the store's own database. If `enqueue` raises, roll back.

## Content

`key` encrypts what alerts say (AES-256-GCM; `pip install 'tocsin-sql[encryption]'`); ids, channels, masked recipients
and error words stay readable. Content is removed `retention` days after its alert ended, the record of its deliveries
after `history` days; `tocsin store prune` does it now.

## Limits

* SQLite needs a local disk; on a network file system it is refused.
* SQLite before 3.51.3 (but for 3.50.7 and 3.44.6) may, very rarely, damage a file that several processes write at once;
  `tocsin store check` warns where this is one.
* A program that keeps a transaction open on the file keeps its write-ahead log from being begun anew. From half of
  `max_log` on new alerts are refused with `QueueFull`; near it deliveries slow down, to one a second. The event
  `store_log_full` (ERROR, with `bytes` and `bound`) says so.
* With several processes the bound of `max_waiting` is kept to within what the others add in two seconds.

## When it fails

* Full disk, lock of another program, server away: `enqueue` raises `StoreError` and nothing was accepted. What workers
  have to report is kept, and written once that is possible; `store_left` (ERROR, with `count`) says what could not be
  before the end. Those deliveries are taken over by the next worker, and may arrive again.
* A result that the database does not take, for what a provider calls its message or says of it, is stored without
  that (`store_refused`, ERROR): the delivery is never made again for it.
* The file was deleted or moved while it was in use: it is put back from what the process still has.
* The file was replaced while it was in use, by another store or an older copy: each call raises `StoreError` and
  nothing is sent. The store as it was is kept as `tocsin.db.replaced-<number>`, and the event `store_file_replaced`
  says so.
* A file in which another program has tables is refused, until `tocsin store upgrade` has put these beside them.
* The file is damaged: at the next start it is moved aside, as `tocsin.db.damaged-<time>`; what can be read goes on in a
  new one, alerts whose own rows are lost included. What was lost is logged as an error, and named in `store.losses`.
  `tocsin store salvage FILE` does the same for a file from elsewhere.
* The write-ahead log was cut or removed after a crash: the loss is logged as an error (on Linux).
"""

from tocsin_sql.store import SqlStore

__all__ = ["SqlStore"]
