//! `[telemetry]` of the configuration: where the origin reports what it does, besides its log.

use super::secure_url::require_https;
use serde::{Deserialize, Deserializer, Serialize, de};

/// The path of traces below the base URL (the specification of OTLP, "OTLP/HTTP Request").
const TRACES_PATH: &str = "/v1/traces";

/// The export of spans. There is none without an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetrySettings {
    /// Base URL of an OpenTelemetry collector that takes OTLP over HTTP.
    pub otlp_endpoint: Option<String>,
    /// Which of the traces that no caller has sampled are exported.
    #[serde(default)]
    pub sample_ratio: SampleRatio,
}

impl TelemetrySettings {
    /// Checks what the types cannot. The error says what to change.
    pub fn check(&self) -> Result<(), String> {
        let Some(endpoint) = &self.otlp_endpoint else { return Ok(()) };
        require_https(endpoint, "otlp_endpoint")?;
        if endpoint.contains(['?', '#']) {
            return Err("otlp_endpoint must have no query and no fragment".to_owned());
        }
        if endpoint.trim_end_matches('/').ends_with(TRACES_PATH) {
            return Err(format!("otlp_endpoint must be without {TRACES_PATH}, which is added to it"));
        }
        Ok(())
    }

    /// Where spans are posted; `None` when they are not exported.
    pub fn traces_url(&self) -> Option<String> {
        let endpoint = self.otlp_endpoint.as_deref()?;
        Some(format!("{}{TRACES_PATH}", endpoint.trim_end_matches('/')))
    }
}

/// A share from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<TelemetrySettings, String> {
        let settings: TelemetrySettings = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        settings.check().map(|()| settings)
    }

    #[test]
    fn mistake_is_explained_in_words() {
        for good in ["", "sample_ratio = 0", "otlp_endpoint = \"https://otel.example/x/\""] {
            assert!(read(good).is_ok(), "{good}");
        }
        for (bad, complaint) in [
            ("otlp_endpoint = \"http://otel:4318\"", "must be https"),
            ("otlp_endpoint = \"https://me:secret@otel.example\"", "is not an http or https URL"),
            ("otlp_endpoint = \"https://otel.example/?a=b\"", "no query"),
            ("otlp_endpoint = \"https://otel.example/v1/traces/\"", "without /v1/traces"),
            ("sample_ratio = 1.5", "from 0 to 1"),
            ("sample_ratio = nan", "from 0 to 1"),
            ("otlp = \"https://otel.example\"", "otlp"),
        ] {
            let error = read(bad).expect_err(bad);
            assert!(error.contains(complaint), "{bad}: {error}");
        }
    }

    #[test]
    fn spans_go_below_the_endpoint() {
        let url = |text: &str| read(text).expect("is sound").traces_url();
        assert_eq!(url("sample_ratio = 0.5"), None);
        for endpoint in ["http://127.0.0.1:4318", "http://127.0.0.1:4318/"] {
            let url = url(&format!("otlp_endpoint = \"{endpoint}\""));
            assert_eq!(url.as_deref(), Some("http://127.0.0.1:4318/v1/traces"));
        }
    }
}
