//! A table that has something about a person, and how their rows are found.

/// How rows are found.
#[derive(Clone, Copy)]
pub(super) enum KeptBy {
    /// By the subscriber's id.
    Subscriber,
    /// By their PAIs.
    Pai,
    /// By the charges on their PAIs.
    Charge,
    /// By the coupons that they have bought.
    Coupon,
    /// By the index of their number: what the operator reports of its present subscriber.
    Number,
    /// By their number, from the moment on at which it became theirs: an earlier subscriber has left rows,
    /// too. This is the moment of a row, in seconds. Of a day on which both had it, nothing is read.
    NumberSince(&'static str),
    /// By their handle.
    Handle,
}

pub(super) struct Source {
    pub(super) table: &'static str,
    pub(super) title: &'static str,
    pub(super) by: KeptBy,
    /// What is read of the table.
    pub(super) columns: &'static [&'static str],
}

impl Source {
    /// The statement, with `parameter` for the key. It contains only constant words.
    pub(super) fn sql(&self, parameter: &str) -> String {
        let table = self.table;
        let rows = match self.by {
            KeptBy::Subscriber => "t WHERE t.subscriber_id",
            KeptBy::Pai => "t JOIN pais p ON p.pai = t.pai WHERE p.subscriber_id",
            KeptBy::Charge => {
                "t JOIN transactions c ON c.transaction_id = t.transaction_id JOIN pais p ON p.pai = c.pai
                 WHERE p.subscriber_id"
            }
            KeptBy::Coupon => {
                "t JOIN coupons c ON c.coupon_id = t.coupon_id JOIN pais p ON p.pai = c.pai WHERE p.subscriber_id"
            }
            KeptBy::Number => "t WHERE t.number_index",
            KeptBy::NumberSince(moment) => &format!(
                "t JOIN subscribers s ON s.number_index = t.number_index
                 WHERE {moment} * 1000000000 >= coalesce(s.number_since_nanoseconds, s.created_at * 1000000000)
                    AND s.subscriber_id"
            ),
            KeptBy::Handle => "t WHERE t.handle",
        };
        self.select(&format!("{table} {rows}"), parameter)
    }

    /// The same for PostgreSQL, which would read all charges in a join: rows are looked up for each PAI, and
    /// for each of its charges or coupons.
    pub(super) fn look_up_sql(&self, parameter: &str) -> String {
        let look_up = |table: &str, column: &str, of: &str, name: &str| {
            format!(
                "CROSS JOIN LATERAL (SELECT * FROM {table} l WHERE l.{column} = {of}.{column} OFFSET 0) {name}"
            )
        };
        let by_pai = |table: &str, name: &str| look_up(table, "pai", "p", name);
        let rows = match self.by {
            KeptBy::Pai => by_pai(self.table, "t"),
            KeptBy::Charge => {
                by_pai("transactions", "c") + " " + &look_up(self.table, "transaction_id", "c", "t")
            }
            KeptBy::Coupon => by_pai("coupons", "c") + " " + &look_up(self.table, "coupon_id", "c", "t"),
            KeptBy::Subscriber | KeptBy::Number | KeptBy::NumberSince(_) | KeptBy::Handle => {
                return self.sql(parameter);
            }
        };
        self.select(&format!("pais p {rows} WHERE p.subscriber_id"), parameter)
    }

    fn select(&self, rows: &str, parameter: &str) -> String {
        let columns: Vec<String> =
            self.columns.iter().map(|column| format!("CAST(t.{column} AS TEXT) AS {column}")).collect();
        format!("SELECT {} FROM {rows} = {parameter} ORDER BY t.{}", columns.join(", "), self.columns[0])
    }
}
