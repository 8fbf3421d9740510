//! Where complaints about a setting of the gateway point.

use crate::config::setting_path::SettingPath;

/// The place of a setting of the gateway.
pub(super) fn place_of(member: &str) -> SettingPath {
    SettingPath::of("sms").key(member)
}
