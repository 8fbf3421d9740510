//! Where the two databases say the same thing in different words.

#[derive(Clone, Copy)]
pub(super) struct Dialect {
    pub(super) is_postgres: bool,
}

impl Dialect {
    /// Rows `copies` with `n` from 1 to `count`. In SQLite they come in the order of their ids, because a table is
    /// the tree of its primary key there; in PostgreSQL in the order of time, as an origin has written them.
    pub(super) fn numbers(self, count: usize) -> String {
        if self.is_postgres {
            return format!("generate_series(1::BIGINT, {count}) AS copies(n)");
        }
        let hash = self.hash("n");
        format!(
            "(WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r LIMIT {count})
              SELECT n FROM r ORDER BY {hash} LIMIT {count}) AS copies"
        )
    }

    /// A number below 2³² that looks like a random one, and is another for each `n`.
    pub(super) fn hash(self, n: &str) -> String {
        let cast = if self.is_postgres { "::BIGINT" } else { "" };
        format!("(({n}){cast} * 2654435761 % 4294967296)")
    }

    /// An id of the form of the origin's own, at a random place among them.
    pub(super) fn id(self, n: &str) -> String {
        let hash = self.hash(n);
        if self.is_postgres {
            format!(
                "(lpad(to_hex({hash}), 8, '0') || '-0000-4000-8000-' || lpad(to_hex(({n})::BIGINT), 12, '0'))"
            )
        } else {
            format!("printf('%08x-0000-4000-8000-%012x', {hash}, {n})")
        }
    }

    /// 32 bytes that no other row has.
    pub(super) fn bytes(self, n: &str) -> String {
        if self.is_postgres { format!("sha256((({n})::TEXT)::BYTEA)") } else { "randomblob(32)".to_owned() }
    }

    /// A time of Unix as a day of UTC.
    pub(super) fn day(self, at: &str) -> String {
        if self.is_postgres {
            format!("to_char(to_timestamp({at}) AT TIME ZONE 'UTC', 'YYYY-MM-DD')")
        } else {
            format!("date({at}, 'unixepoch')")
        }
    }
}
