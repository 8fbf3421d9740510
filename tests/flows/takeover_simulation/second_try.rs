//! All is turned off and goes back: the other system takes it in, and charges again until the second cut-over.

use super::audit::write_back;
use super::run::{Phase, TakeoverRun};
use onbill_domain::ids::PartnerId;
use onbill_origin::cut_over::{TurnOff, TurnOffReport};
use std::collections::HashMap;

impl TakeoverRun {
    pub(super) async fn try_again(&mut self) {
        self.system.acme.deliver_due().await;
        self.turn_off().await;
        self.phase = Phase::Loaded;
        self.is_second = true;
        self.take_in().await;
        self.take_steps(10).await;
        self.phase = Phase::Night;
        self.load().await;
        self.take_steps(4).await;
        self.cut_over(None).await;
        self.phase = Phase::After;
        self.take_steps(12).await;
        self.tally.count("turned off and taken over again");
    }

    async fn turn_off(&mut self) {
        let app = self.system.acme.app();
        let partner = PartnerId::parse("netflix").expect("is a slug");
        let turn_off = TurnOff { store: &app.store, clock: &*app.clock, partner };
        let all = self.customers.len() as u64;
        for (turned_off, dark_before) in [(all, 0), (0, 0)] {
            let mut report = TurnOffReport::default();
            turn_off.run_all(&mut report, |_| {}).await.expect("works");
            assert_eq!(report, TurnOffReport { turned_off, dark_before, under_way: 0 });
        }
        self.customers.iter_mut().for_each(|customer| customer.is_cut_over = false);
    }

    /// The other system takes in the files of the way back, and knows every charge by them.
    async fn take_in(&mut self) {
        let [_, charges] = write_back(self, &self.system.acme.app().store).await;
        let named: HashMap<String, (i64, String)> = charges
            .iter()
            .map(|line| {
                let fields: Vec<&str> = line.split(',').collect();
                let refunded = fields[5].parse().expect("is an amount");
                (fields[1].to_owned(), (refunded, fields[7].to_owned()))
            })
            .collect();
        for charge in &mut self.charges {
            let (refunded, billing_ref) = &named[&charge.id];
            assert_eq!(*refunded, charge.refunded, "{}", charge.id);
            if charge.is_approved {
                charge.billing_ref.clone_from(billing_ref);
            }
            charge.is_theirs = true;
        }
    }
}
