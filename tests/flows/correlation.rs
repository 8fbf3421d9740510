//! The lists of partner and BSS beside the ledger, and the states that are sent again.

use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::pai::Pai;
use onbill_domain::wire::audit::{ActorRole, AuditAct};
use onbill_origin::correlation::{
    Class, Correlation, CorrelationSummary, Difference, List, ListSide, Numbers,
};
use onbill_origin::store::AuditStamp;
use onbill_test_harness::{ACME_ACCOUNTS, NETFLIX, TestSystem};

/// Their first two lines are as in the file of accounts.
const PEOPLE: [(&str, &str); 4] = [
    ("+12025550101", "2021-03-14"),
    ("+12025550107", "2023-02-27"),
    ("+12025550110", "2020-07-08"),
    ("+12025550112", "2024-03-05"),
];

/// Four customers of Acme's who have subscribed in the partner's app; and their PAIs.
async fn with_subscribers() -> (TestSystem, Vec<String>) {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    let mut pais = Vec::new();
    for (n, (number, _)) in PEOPLE.iter().enumerate() {
        pais.push(system.subscribe_in_app(number, &format!("s-{n}"), 1599).await);
    }
    system.acme.deliver_due().await;
    (system, pais)
}

fn read_list(system: &TestSystem, side: ListSide, text: &str) -> (List, Vec<String>) {
    let app = system.acme.app();
    let numbers = Numbers { vault: &app.vault, plan: app.numbers };
    let mut complaints = Vec::new();
    let list = List::read(side, numbers, text.as_bytes(), |why| complaints.push(why.text), |_| {});
    (list.expect("has its columns"), complaints)
}

fn correlation(system: &TestSystem) -> Correlation<'_> {
    let app = system.acme.app();
    Correlation {
        store: &app.store,
        partner: PartnerId::parse("netflix").expect("is a slug"),
        today: app.config.time_zone.day_of(app.now()),
        repairs_max: 10,
    }
}

async fn correlate(system: &TestSystem, partner: &str, bss: &str) -> (CorrelationSummary, Vec<Difference>) {
    let lists = [(ListSide::Partner, partner), (ListSide::Bss, bss)].map(|(side, text)| {
        let (list, complaints) = read_list(system, side, text);
        assert_eq!(complaints, Vec::<String>::new());
        list
    });
    let (correlation, mut found) = (correlation(system), Vec::new());
    let summary = correlation.run(lists.into(), |difference| found.push(difference), |_| {}).await;
    (summary.expect("works"), found)
}

fn partner_list(lines: &[String]) -> String {
    format!("pai,ext_subscription_id,state,plan,price,currency\n{}\n", lines.join("\n"))
}

fn bss_list(lines: &[String]) -> String {
    format!("\u{feff}state,msisdn,subscriber_ref,plan\r\n{}\r\n", lines.join("\r\n"))
}

fn sound_lists(pais: &[String]) -> [Vec<String>; 2] {
    let partner = pais.iter().enumerate().map(|(n, pai)| format!("{pai},s-{n},ACTIVE,standard,1599,USD"));
    let bss = PEOPLE.iter().map(|(number, owner)| format!("ACTIVE,{number},{owner},standard"));
    [partner.collect(), bss.collect()]
}

#[tokio::test]
async fn lists_that_agree_have_no_difference() {
    let (system, pais) = with_subscribers().await;
    let [partner, bss] = sound_lists(&pais);
    let (summary, found) = correlate(&system, &partner_list(&partner), &bss_list(&bss)).await;
    assert_eq!((summary.pais, summary.live, &found[..]), (4, 4, &[][..]));
    assert!(summary.to_send.is_empty());
}

#[tokio::test]
async fn each_difference_is_named_on_its_side() {
    let (system, pais) = with_subscribers().await;
    let [mut partner, mut bss] = sound_lists(&pais);
    partner[0] = partner[0].replace("ACTIVE", "SUSPENDED");
    partner[1] = partner[1].replace("standard,1599", "premium,1999").replace("s-1", "s-9");
    partner[2] = "INC-unknown,s-7,ACTIVE,,,".to_owned();
    partner.push("INC-over,s-8,CLOSED,,,".to_owned());
    bss[1] = bss[1].replace("2023-02-27", "2026-01-01");
    bss[3] = "ACTIVE,+12025550115,2023-06-21,standard".to_owned();
    let (summary, found) = correlate(&system, &partner_list(&partner), &bss_list(&bss)).await;
    let mut named: Vec<_> = found
        .iter()
        .map(|one| (one.side, one.class, one.pai.map(|pai| pai.to_string()), one.line, one.is_repairable))
        .collect();
    named.sort_unstable();
    let of = |n: usize| Some(pais[n].clone());
    let mut expected = [
        (ListSide::Partner, Class::Missing, of(2), None, true),
        (ListSide::Partner, Class::Extra, Some("INC-unknown".to_owned()), Some(4), false),
        (ListSide::Partner, Class::State, of(0), Some(2), true),
        (ListSide::Partner, Class::Plan, of(1), Some(3), false),
        (ListSide::Partner, Class::Price, of(1), Some(3), false),
        (ListSide::Partner, Class::Subscriber, of(1), Some(3), false),
        (ListSide::Bss, Class::Missing, of(3), None, false),
        // A number is in no report.
        (ListSide::Bss, Class::Extra, None, Some(5), false),
        (ListSide::Bss, Class::Subscriber, of(1), Some(3), false),
    ];
    expected.sort_unstable();
    assert_eq!(named, expected);
    assert_eq!(summary.differences(), 9);
    assert!(found.iter().all(|one| one.to_csv_record().iter().all(|value| !value.contains("202555"))));
}

#[tokio::test]
async fn states_are_sent_again_and_nothing_else_changes() {
    let (system, pais) = with_subscribers().await;
    let [mut partner, bss] = sound_lists(&pais);
    partner[0] = partner[0].replace("ACTIVE", "CLOSED");
    partner.remove(2);
    let app = system.acme.app();
    let before = app.store.list_pai_statuses(None, 10).await.expect("works");
    for (pai, _) in &before {
        system.edge.kv_set(&format!("pai/{pai}"), None);
    }
    let (summary, _) = correlate(&system, &partner_list(&partner), &bss_list(&bss)).await;
    let mut expected = [&pais[0], &pais[2]].map(|pai| Pai::parse(pai).expect("is a PAI"));
    expected.sort_unstable();
    assert_eq!(summary.to_send, expected);
    assert!(system.network.calls_to(NETFLIX, "/account-state").is_empty(), "it was only compared");
    let actor = ExtId::parse("engineer-1").expect("is an id");
    let stamp = AuditStamp { key: "cli".to_owned(), actor, role: ActorRole::Admin, reference: None };
    let sent = correlation(&system).send_again(&*app.clock, &stamp, &summary.to_send).await;
    assert_eq!(sent, Ok(2));
    system.acme.deliver_due().await;
    assert_eq!(system.network.calls_to(NETFLIX, "/account-state").len(), 2);
    let entries = system.edge.kv_entries();
    assert_eq!(entries.iter().filter(|(key, _)| key.starts_with("pai/")).count(), 2, "the edge too");
    assert_eq!(app.store.list_pai_statuses(None, 10).await.expect("works"), before);
    let audit = app.store.list_audit_lines(0, 10).await.expect("works");
    assert_eq!(audit.iter().map(|line| line.act).collect::<Vec<_>>(), [AuditAct::StateSentAgain; 2]);
}

#[tokio::test]
async fn wrong_list_is_not_acted_on() {
    let (system, _) = with_subscribers().await;
    let (list, _) = read_list(&system, ListSide::Partner, "pai,state\nINC-1,ACTIVE\n");
    let few = Correlation { repairs_max: 2, ..correlation(&system) };
    let summary = few.run(vec![list], |_| {}, |_| {}).await.expect("works");
    assert_eq!(summary.to_send.len(), 3, "one more than may be sent again");
}

#[tokio::test]
async fn bad_line_is_named_by_line_and_column() {
    let (system, _) = with_subscribers().await;
    let text = "pai,state,price,currency\nINC-1,ACTIVE,1599,USD\nINC-1,ACTIVE,,\nno PAI,ACTIVE,,\nINC-2,LIVE,,\n\
                INC-3,ACTIVE,15.99,USD\nINC-4,ACTIVE,1599,\n,ACTIVE,,\n";
    let (list, complaints) = read_list(&system, ListSide::Partner, text);
    assert_eq!((list.lines, list.unreadable), (1, 6));
    let places: Vec<_> = complaints.iter().filter_map(|why| why.split(':').next()).collect();
    assert_eq!(
        places,
        [
            "line 3, column pai",
            "line 4, column pai",
            "line 5, column state",
            "line 6, column price",
            "line 7, column currency",
            "line 8, column pai",
        ]
    );
    let numbers = Numbers { vault: &system.acme.app().vault, plan: system.acme.app().numbers };
    for (side, text, why) in [
        (ListSide::Partner, "pai,plan\n", "state is missing"),
        (ListSide::Bss, "msisdn,state,state\n", "names the column state twice"),
        (ListSide::Bss, "", "msisdn is missing"),
        (ListSide::Bss, "msisdn,state,price\n", "price and currency, or neither"),
    ] {
        let read = List::read(side, numbers, text.as_bytes(), |_| {}, |_| {});
        let complaint = read.expect_err("is another file");
        assert!(complaint.ends_with(why), "{complaint}");
    }
}
