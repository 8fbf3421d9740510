//! What every database must do with the books: one suite of claims, run over each implementation of `Store`.
//!
//! A claim is a function of its [`setting::Books`], and a file lists its claims with `on_each_database!`; one that is
//! not in the list is dead code, which the lints refuse.

#![cfg(test)]

/// Makes a test of each claim for each database.
macro_rules! on_each_database {
    ($($claim:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $claim() {
                super::$claim(crate::setting::Books::in_sqlite().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $claim() {
                super::$claim(crate::setting::Books::in_postgres().await).await;
            })+
        }
    };
}

mod charges;
mod commits;
mod coupon_months;
mod coupons;
mod customers;
mod devices;
mod erasures;
mod events;
mod filing;
mod flows;
mod gifts;
mod imports;
mod leases;
mod migrations;
mod notifications;
mod outcome;
mod queue;
mod races;
mod races_of_coupons;
mod races_of_events;
mod races_of_money;
mod refunds;
mod reports;
mod schema;
mod sealing;
mod setting;
mod signups;
mod spending;
mod standings;
mod subscriptions;
mod traces;
mod undelivered;
mod webhooks;
