//! The plan of a system: its programs, ports and files. Nothing is started here.

use std::fs;
use std::path::PathBuf;

use crate::edge::Profile;
use crate::paths;
use crate::system::operators::Operator;

/// Name of the edge's program.
pub(crate) const EDGE: &str = "edge";
/// Id of the partner of the local system, and name of its program.
pub(crate) const PARTNER: &str = "netflix";

/// The folder under target/ with all files of one system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemFolder(pub(crate) &'static str);

impl SystemFolder {
    pub(crate) fn dir(self) -> PathBuf {
        paths::target_dir().join(self.0)
    }

    pub(crate) fn keys_dir(self) -> PathBuf {
        self.dir().join("keys")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EdgeBuild {
    /// The debug build, rebuilt when a source changes.
    Watched,
    /// A copy of the current release build.
    Frozen,
}

impl EdgeBuild {
    pub(crate) fn profile(self) -> Profile {
        match self {
            Self::Watched => Profile::Dev,
            Self::Frozen => Profile::Release,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) folder: SystemFolder,
    pub(crate) edge_build: EdgeBuild,
    pub(crate) edge: u16,
    pub(crate) partner: u16,
    pub(crate) operators: Vec<OperatorPlan>,
}

/// The ports and files of one operator: its origin, and the sandbox's site with dashboard, billing and CSP API.
#[derive(Debug)]
pub(crate) struct OperatorPlan {
    pub(crate) operator: &'static Operator,
    pub(crate) origin: u16,
    /// The origin's admin listener, if it has one.
    pub(crate) admin: Option<u16>,
    pub(crate) site: u16,
    /// The SMSC, when SMS are sent by SMPP; else they are sent by the CSP API.
    pub(crate) smsc: Option<u16>,
    /// The origin's console, if it has one. Its people sign in at the site.
    pub(crate) console: Option<u16>,
    pub(crate) accounts: PathBuf,
    /// The URL of an empty PostgreSQL for its ledger, which is else an SQLite file.
    pub(crate) postgres: Option<String>,
}

impl Plan {
    /// Lists every port with the program that needs it.
    pub(crate) fn ports(&self) -> Vec<(u16, String)> {
        let mut ports =
            vec![(self.edge, "the edge".to_owned()), (self.partner, "the Netflix sandbox".to_owned())];
        for OperatorPlan { operator, origin, admin, site, smsc, console, .. } in &self.operators {
            ports.push((*origin, format!("the origin of {}", operator.name)));
            ports.extend(admin.map(|port| (port, format!("the metrics of {}'s origin", operator.name))));
            ports.extend(console.map(|port| (port, format!("the console of {}'s origin", operator.name))));
            ports.push((*site, format!("the site of {}", operator.name)));
            ports.extend(smsc.map(|port| (port, format!("the SMSC of {}", operator.name))));
        }
        ports
    }

    pub(crate) fn edge_url(&self) -> String {
        loopback_url(self.edge)
    }

    pub(crate) fn partner_url(&self) -> String {
        loopback_url(self.partner)
    }

    pub(crate) fn config_file(&self, program: &str) -> PathBuf {
        self.folder.dir().join(match program {
            EDGE => "edge.env".to_owned(),
            PARTNER => "netflix.json".to_owned(),
            name => match name.strip_prefix("origin-") {
                Some(operator) => format!("{operator}.toml"),
                None => format!("{name}.json"),
            },
        })
    }

    /// The edge's key-value store.
    pub(crate) fn kv_dir(&self) -> PathBuf {
        self.folder.dir().join("kv")
    }

    /// The password between an origin and its operator's SMSC.
    pub(crate) fn smsc_password(&self, operator_plan: &OperatorPlan) -> PathBuf {
        self.folder.dir().join(format!("smsc-{}.password", operator_plan.operator.id))
    }

    /// The secret between an origin's console and its operator's identity provider.
    pub(crate) fn console_secret(&self, operator_plan: &OperatorPlan) -> PathBuf {
        self.folder.dir().join(format!("console-{}.secret", operator_plan.operator.id))
    }

    /// An origin's SQLite database, which may have two more files beside it.
    pub(crate) fn database(&self, operator_plan: &OperatorPlan) -> PathBuf {
        self.folder.dir().join(format!("{}.sqlite", operator_plan.operator.id))
    }

    /// Removes all state that the programs keep between runs. They must not be running.
    pub(crate) fn remove_state(&self) {
        // Usually some of it is not there.
        let _ = fs::remove_dir_all(self.kv_dir());
        for operator_plan in &self.operators {
            for end in ["", "-wal", "-shm"] {
                let _ = fs::remove_file(format!("{}{end}", self.database(operator_plan).display()));
            }
        }
    }

    /// A file in this folder with the name of a program takes that program down.
    pub(crate) fn down_dir(&self) -> PathBuf {
        self.folder.dir().join("down")
    }
}

impl OperatorPlan {
    pub(crate) fn origin_name(&self) -> String {
        format!("origin-{}", self.operator.id)
    }

    pub(crate) fn site_name(&self) -> String {
        format!("operator-{}", self.operator.id)
    }

    pub(crate) fn origin_url(&self) -> String {
        loopback_url(self.origin)
    }

    pub(crate) fn metrics_url(&self) -> Option<String> {
        self.admin.map(|port| format!("{}/metrics", loopback_url(port)))
    }

    pub(crate) fn console_url(&self) -> Option<String> {
        self.console.map(loopback_url)
    }

    pub(crate) fn site_url(&self) -> String {
        loopback_url(self.site)
    }
}

fn loopback_url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}
