//! What the log says of a panic: where it was, and with which call or job. Not its message, which
//! can repeat any value that the program had at hand, a number included.

/// From now on, a panic is a line of the log like any other. The correlator on it is that of the
/// work that panicked. The alarm `panicked` is raised by the code that catches it: here, the panic may have
/// the alarms themselves in its hands.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "the program has a bug: the work that met it has failed");
    }));
}
