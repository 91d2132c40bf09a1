"""Run by Alembic: the migrations go over the connection that they were given, in its transaction."""

from alembic import context

from tocsin_sql.migrations import VERSION_TABLE
from tocsin_sql.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
