//! Names, files and hosts that no other test uses: not in this process, not in one that runs beside
//! it, and not in one that was killed and left its files or its schema behind.

use onbill_origin::ambient::{Random, SystemRandom};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// A name of letters, digits and `_`. A process id alone is reused, above all in containers.
pub fn unique_name() -> String {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| {
        let random: &dyn Random = &SystemRandom;
        u64::from_le_bytes(random.bytes())
    });
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{:016x}_{}", *PROCESS, NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Writes a password into a file of its own in this folder.
pub fn write_password_file(folder: &Path, password: &str) -> PathBuf {
    let path = folder.join(format!("onbill-{}.password", unique_name()));
    std::fs::write(&path, format!("{password}\n")).expect("the folder can be written");
    path
}

/// A host of this process in 127.0.0.0/8. Outgoing connections come from 127.0.0.1, so a port of
/// this host stays free until this process listens on it, and after it has stopped; a port of
/// 127.0.0.1 may be taken in between.
pub fn process_host() -> Ipv4Addr {
    let [_, a, b, c] = std::process::id().to_be_bytes();
    // Far away from 127.0.0.1.
    Ipv4Addr::new(127, a | 0x80, b, c)
}
