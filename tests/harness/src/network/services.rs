//! The services on the network, by their addresses.

use super::{TestNetwork, lock_mutex};
use crate::TestOrigin;
use crate::crash_point::CrashPoint;
use axum::Router;
use onbill_edge::Config;
use onbill_edge::fake::FakePlatform;
use onbill_edge::platform::Unreachable as NotReached;
use std::sync::Arc;

#[derive(Clone)]
pub(super) enum Service {
    /// The programs behind one address. A call goes to any of them, also to one that has crashed.
    Axum(Vec<(Router, Arc<CrashPoint>)>),
    Edge(Arc<FakePlatform>, Arc<Config>),
}

impl TestNetwork {
    pub fn attach_service(&self, authority: &str, router: Router) {
        lock_mutex(&self.services)
            .insert(authority.to_owned(), Service::Axum(vec![(router, Arc::default())]));
    }

    /// Attaches the programs of an origin. One that has crashed takes no call and gives no
    /// response.
    pub fn attach_origin(&self, authority: &str, programs: &[TestOrigin]) {
        let services = programs.iter().map(|each| (each.app.router(), Arc::clone(&each.crash_point)));
        lock_mutex(&self.services).insert(authority.to_owned(), Service::Axum(services.collect()));
        let apps = programs.iter().map(|each| Arc::clone(&each.app)).collect();
        lock_mutex(&self.apps).insert(authority.to_owned(), apps);
    }

    /// Attaches the edge to the network, in both directions.
    pub fn attach_edge(self: &Arc<Self>, authority: &str, edge: Arc<FakePlatform>, config: Arc<Config>) {
        // A weak reference to the network, which owns the edge: strong ones would keep each other
        // alive permanently.
        let network = Arc::downgrade(self);
        edge.on_network(move |request| {
            let network = network.upgrade();
            async move {
                network.ok_or(NotReached::Broken)?.send_call(request).await.map_err(|_| NotReached::Broken)
            }
        });
        lock_mutex(&self.services).insert(authority.to_owned(), Service::Edge(edge, config));
    }

    /// Detaches all services from the network.
    pub fn shut_down(&self) {
        let services = std::mem::take(&mut *lock_mutex(&self.services));
        let apps = std::mem::take(&mut *lock_mutex(&self.apps));
        // Dropped outside of the lock: what goes with them may use the network.
        drop((services, apps));
    }
}
