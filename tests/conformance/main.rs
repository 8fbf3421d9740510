//! The conformance kits of `onbill certify` against the sandbox, over TCP: they pass on it, and each
//! planted fault is found by the check of its name.

#![cfg(test)]

mod csp;
mod csp_faults;
mod documented;
mod faulty;
mod leniency;
mod parties;
mod partner;
mod partner_faults;
