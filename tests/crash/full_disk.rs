//! A disk that fills up under load.

use crate::audit::audit;
use crate::load::Partner;
use crate::scene::{Kind, Scene};
use crate::setting::{TURN, pause};
use std::sync::Arc;
use std::time::Duration;

/// Met after some dozen charges: in the middle of the write-ahead log, and far behind the size of empty books.
const BYTES_MAX: u64 = 1024 * 1024;
/// Long enough to fill it and to go on asking.
const LOAD: Duration = Duration::from_millis(2_500);

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_loses_no_charge_on_a_full_disk() {
    let _turn = TURN.lock().await;
    let (scene, partner) = (Arc::new(Scene::new(Kind::Sqlite).await), Partner::default());
    // Whoever opens the file and closes it takes the log of the sign-ups into it: the limit begins to count from there.
    scene.books.let_time_pass().await;
    let mut origin = scene.start_on_a_small_disk(BYTES_MAX).await;
    partner.charge_while(&scene, &origin, 1, pause(LOAD)).await;
    let tally = partner.memory().tally.clone();
    assert!(tally.created > 0 && tally.failed > 0, "the disk was never full: {tally:?}");
    assert!(tally.cut_off == 0 && origin.is_alive(), "it ended: {tally:?}");
    assert!(scene.doors.is_healthy(&origin.address).await, "what is there can be read");
    origin.kill();
    // With room again.
    let origin = scene.start().await;
    let before = partner.memory().tally.created;
    partner.charge_while(&scene, &origin, 2, pause(Duration::from_millis(300))).await;
    assert!(partner.memory().tally.created > before, "charging goes on");
    origin.kill();
    audit(&scene, &partner).await;
}
