//! The program dies before or after any step, in the books or in the folder: it goes on where it was.

use super::{INTERVAL, bill, post, status, world};
use onbill_test_harness::World;
use onbill_test_harness::fragile::Moment;
use std::collections::{BTreeMap, HashMap};

/// Everything that ever had a name in `out`, and that it never changed.
#[derive(Default)]
struct Seen(BTreeMap<String, String>);

impl Seen {
    fn look(&mut self, world: &World) {
        for (name, text) in world.acme.files().named("out") {
            let before = self.0.entry(name.clone()).or_insert_with(|| text.clone());
            assert_eq!(*before, text, "{name} has changed");
        }
    }

    /// In how many files each charge is.
    fn charges(&self) -> HashMap<&str, u32> {
        let mut count = HashMap::new();
        for line in self.0.values().flat_map(|text| text.lines()) {
            let fields: Vec<&str> = line.split(',').collect();
            if fields.get(1) == Some(&"charge") {
                *count.entry(fields[2]).or_default() += 1;
            }
        }
        count
    }
}

/// Dies once before each step of making and writing files, and once before each step of taking their responses: that is
/// also right after each of them.
#[tokio::test]
async fn a_program_that_dies_at_any_step_files_each_charge_once_and_settles_it() {
    let (mut world, pai) = world().await;
    let mut seen = Seen::default();
    let mut posted = Vec::new();
    let mut deaths = 0;
    for step in 1.. {
        // Four charges are two files.
        for n in 0..4 {
            let id = format!("c-{step}-{n}");
            post(&world, &pai, &id).await;
            posted.push(id);
        }
        world.pass_seconds(INTERVAL);
        let before = deaths;
        deaths += u32::from(die_in_a_round(&mut world, &mut seen, step).await);
        world.acme.bill_files();
        deaths += u32::from(die_in_a_round(&mut world, &mut seen, step).await);
        // What was leased by the dead comes free, and what they had not filed is.
        world.pass_seconds(2 * INTERVAL);
        world.acme.file().await;
        seen.look(&world);
        world.acme.bill_files();
        world.acme.file().await;
        assert!(world.acme.files().named("out").is_empty(), "step {step}: all is answered");
        assert!(world.acme.files().named("refused").is_empty(), "step {step}");
        if deaths == before {
            break;
        }
    }
    assert!(deaths > 50, "there are more steps than {deaths}");
    for id in &posted {
        assert_eq!(status(&world, id).await["status"], "APPROVED", "{id}");
    }
    assert_eq!(bill(&world).await, (posted.len(), 1599 * i64::try_from(posted.len()).expect("is small")));
    let charges = seen.charges();
    assert_eq!(charges.len(), posted.len(), "none is lost");
    assert!(charges.values().all(|files| *files == 1), "none is in two files");
}

/// Whether it died.
async fn die_in_a_round(world: &mut World, seen: &mut Seen, step: u32) -> bool {
    world.acme.processes[0].life.ends_at(step, Moment::Before);
    let round = world.acme.try_file().await;
    let died = !world.acme.processes[0].life.was_spared();
    assert_eq!(round.is_err(), died, "step {step}: {round:?}");
    seen.look(world);
    if died {
        // Billing comes by before the program is back: what it finds is whole.
        world.acme.bill_files();
        world.revive_acme(|_| true).await;
        world.acme.file().await;
        seen.look(world);
    }
    died
}
