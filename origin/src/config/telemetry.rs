//! Where the origin reports what it does, besides its log.

use super::secure_url::require_https;
use serde::{Deserialize, Deserializer, de};

/// The export of spans. There is none without an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetrySettings {
    /// Base URL of an OpenTelemetry collector that takes OTLP over HTTP.
    pub otlp_endpoint: Option<String>,
    /// Which of the traces that no caller has sampled are exported.
    #[serde(default)]
    pub sample_ratio: SampleRatio,
}

impl TelemetrySettings {
    /// Checks what the types cannot.
    pub fn check(&self) -> Result<(), String> {
        let Some(endpoint) = &self.otlp_endpoint else { return Ok(()) };
        require_https(endpoint, "otlp_endpoint")?;
        if endpoint.contains(['?', '#']) {
            return Err("otlp_endpoint must have no query and no fragment".to_owned());
        }
        Ok(())
    }
}

/// A share from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleRatio(f64);

impl SampleRatio {
    pub fn share(self) -> f64 {
        self.0
    }
}

/// Whoever names a collector wants to see traces; a busy origin asks for fewer.
impl Default for SampleRatio {
    fn default() -> Self {
        Self(1.0)
    }
}

impl<'de> Deserialize<'de> for SampleRatio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let share = f64::deserialize(deserializer)?;
        if (0.0..=1.0).contains(&share) {
            Ok(Self(share))
        } else {
            Err(de::Error::custom(
                "sample_ratio must be from 0 to 1, such as 0.01 for one trace in a hundred",
            ))
        }
    }
}
