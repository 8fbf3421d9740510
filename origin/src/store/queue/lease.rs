//! The lease of a job: who has it settles it.

use onbill_domain::limits::SIGNATURE_SKEW_SECONDS;

/// The right to settle a job, until the next lease of it.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    pub job_id: i64,
    /// The number of the attempt, by which the owner of an expired lease is recognized.
    pub attempt: u32,
}

/// The longest lease, in seconds: longer than an attempt takes, and longer than billing accepts a
/// signature that was made in it. A request of a process that died may arrive until then. If the
/// charge were looked up before that, and declined because the account has been suspended
/// meanwhile, the late request would still bill it. A job that is due later than this waits for its
/// next attempt, and no worker has it.
pub const LEASE_SECONDS_MAX: i64 = 360;

const _: () = assert!(LEASE_SECONDS_MAX >= SIGNATURE_SKEW_SECONDS + 60, "an attempt signs within a minute");
