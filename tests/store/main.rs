//! What every database must do: one suite of contract tests, run over each implementation of
//! `Store`.
//!
//! A contract test is a function of its [`test_store::TestStore`], and a file lists its tests with
//! `on_each_database!`; one that is not in the list is dead code, which the lints refuse.

#![cfg(test)]

/// Makes a test of each contract test for each database.
macro_rules! on_each_database {
    ($($claim:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $claim() {
                super::$claim(crate::test_store::TestStore::in_sqlite().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $claim() {
                super::$claim(crate::test_store::TestStore::in_postgres().await).await;
            })+
        }
    };
}

mod adoption;
mod alarms;
mod audit;
mod booking;
mod charged_periods;
mod charges;
mod claims;
mod commits;
mod console;
mod correlation;
mod coupon_months;
mod coupons;
mod customers;
mod cut_over;
mod dark_pais;
mod desks;
mod devices;
mod disputes;
mod erasures;
mod events;
mod figures;
mod filing;
mod flows;
mod gifts;
mod given_back_elsewhere;
mod groups;
mod imports;
mod job_traces;
mod kept_reports;
mod leases;
mod mandates;
mod migration_loads;
mod migrations;
mod notifications;
mod number_changes;
mod opening;
mod outcome;
mod own_pais_that_come_back;
mod pai_reports;
mod persons;
mod queue;
mod races;
mod races_of_coupons;
mod races_of_erasures;
mod races_of_events;
mod races_of_money;
mod races_of_switches;
mod readiness;
mod redemptions;
mod refunds;
mod reports;
mod returns;
mod rollups;
mod schema;
mod sealing;
mod signups;
mod spending;
mod subscriptions;
mod tallies;
mod terms_changes;
mod test_store;
mod test_values;
mod traces;
mod turn_off;
mod undelivered;
mod waits;
mod webhooks;
mod without_statistics;
