//! Fair weather: everybody at once is served, and how many of them in a second.

use crate::audit::audit;
use crate::load::{CONNECTIONS, Partner};
use crate::scene::{Kind, Scene};
use crate::setting::{TURN, number, pause};
use std::sync::Arc;
use std::time::Duration;

/// Long enough for everybody to have had several turns.
const USUAL_SECONDS: u64 = 1;

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_serves_all_at_once() {
    serves_all(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_serves_all_at_once() {
    serves_all(Kind::Postgres).await;
}

/// `ONBILL_THROUGHPUT=SECONDS` measures for longer; only a build with optimisations, of this test too, says anything.
async fn serves_all(kind: Kind) {
    let _turn = TURN.lock().await;
    let seconds = number("ONBILL_THROUGHPUT").unwrap_or(USUAL_SECONDS);
    let (scene, partner) = (Arc::new(Scene::new(kind).await), Partner::default());
    let origin = scene.start().await;
    partner.charge_while(&scene, &origin, 1, pause(Duration::from_secs(seconds))).await;
    let tally = partner.memory().tally.clone();
    println!(
        "{kind:?}: {} charges a second over {CONNECTIONS} connections; {tally:?}",
        tally.created / seconds
    );
    assert!(tally.created > 0 && tally.failed + tally.cut_off == 0, "{tally:?}");
    origin.kill();
    audit(&scene, &partner).await;
}
