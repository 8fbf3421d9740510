//! A store of the edge: a KV namespace, as workerd asks for one by HTTP.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;

/// Its keys and values, which the test may read and write as well.
#[derive(Clone, Default)]
pub(crate) struct Store(Arc<Mutex<BTreeMap<String, String>>>);

impl Store {
    pub(crate) fn values(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves it on a port of this machine, for as long as the test runs.
    pub(crate) async fn serve(&self) -> SocketAddr {
        let app = Router::new()
            .route("/", get(list_keys))
            .route("/bulk/get", post(get_values))
            .route("/{*key}", get(get_value).put(put_value))
            .with_state(self.clone());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("there is a free port");
        let address = listener.local_addr().expect("is bound");
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    }
}

#[derive(Deserialize)]
struct ListQuery {
    #[serde(default)]
    prefix: String,
    /// The last key of the list before.
    #[serde(default)]
    cursor: String,
}

/// Fewer than the platform's 1,000, so that the edge has to ask for the rest.
const KEYS_PER_LIST: usize = 300;

async fn list_keys(State(store): State<Store>, Query(query): Query<ListQuery>) -> String {
    let values = store.values();
    let mut names = values.keys().filter(|key| key.starts_with(&query.prefix) && **key > query.cursor);
    let some: Vec<&String> = names.by_ref().take(KEYS_PER_LIST).collect();
    let keys: Vec<Value> = some.iter().map(|key| json!({"name": key})).collect();
    match (names.next(), some.last()) {
        (Some(_), Some(last)) => {
            json!({"keys": keys, "list_complete": false, "cursor": last, "cacheStatus": null})
        }
        _ => json!({"keys": keys, "list_complete": true, "cacheStatus": null}),
    }
    .to_string()
}

#[derive(Deserialize)]
struct KeysBody {
    keys: Vec<String>,
}

async fn get_values(State(store): State<Store>, body: String) -> Result<String, StatusCode> {
    let body: KeysBody = serde_json::from_str(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    if body.keys.len() > 100 {
        return Err(StatusCode::BAD_REQUEST);
    }
    let values = store.values();
    let found: BTreeMap<&String, Option<&String>> =
        body.keys.iter().map(|key| (key, values.get(key))).collect();
    Ok(json!(found).to_string())
}

async fn get_value(State(store): State<Store>, Path(key): Path<String>) -> Result<String, StatusCode> {
    store.values().get(&key).cloned().ok_or(StatusCode::NOT_FOUND)
}

async fn put_value(State(store): State<Store>, Path(key): Path<String>, value: String) {
    store.values().insert(key, value);
}
