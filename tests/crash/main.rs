//! Crash tests of the real program: the built `onbill-origin` as a process of its own, on a real
//! file and on a real PostgreSQL, under the load of many connections. It is killed, its disk fills
//! up, its database goes away; what it had reported before must be true after, and each charge on
//! the right bill once.
//!
//! Only the operator's billing is in this process (the sandbox's, over a real socket): it has to
//! outlive the origin and to be readable. `ONBILL_CYCLES=N` kills more often than usual,
//! `ONBILL_SEED=S` at other moments; a seed does not make two runs the same here, as timing depends
//! on the machine.

#![cfg(test)]

mod alarm_commands;
mod audit;
mod billing;
mod closed_pipe;
mod configuration;
mod coupon_commands;
mod coupon_import;
mod crash_system;
mod durability;
mod failover;
mod full_disk;
mod health;
mod killed_cut_overs;
mod killed_loads;
mod kills;
mod load;
mod lost_database;
mod lost_file;
mod migrations;
mod origin_db;
mod packaged_files;
mod patroni;
mod patroni_cluster;
mod person_commands;
mod pooler;
mod postgres_cluster;
mod restored_backup;
mod signed_caller;
mod slow_clients;
mod stop;
mod supervisor;
mod switch_commands;
mod throughput;
mod turn;
mod upgrade;
mod wrong_files;
