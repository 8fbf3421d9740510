//! What a customer's browser does: the widget's calls, the partner's forms, the return page.

use crate::{ACME_ACCOUNTS, EDGE, NETFLIX, TestOperator, TestSystem};
use bytes::Bytes;
use http::header::LOCATION;
use http::{Method, Request, Response, StatusCode};
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::msisdn::Msisdn;
use serde_json::{Value, json};

/// What the customer chooses at the partner.
#[derive(Clone, Copy, Debug)]
pub enum AccountChoice<'e> {
    /// A new account with this e-mail address.
    New(&'e str),
    /// An account that has been paid by card until now.
    Existing(&'e str),
}

/// The body of a charge for the month of its id.
pub fn charge_body(pai: &str, id: &str, value: i64) -> Value {
    json!({"extTransactionID": id, "pai": pai, "amount": {"value": value, "currency": "USD"},
           "description": "Netflix Standard", "servicePeriod": month_of(id)})
}

/// The month that a charge with this id is for, as the partner charges each month once: December 2026
/// for an id that ends with 1 or with no number, the month before for 0, and the following ones for 2,
/// 3 and so on.
pub fn month_of(id: &str) -> ServicePeriod {
    let digits = id.len() - id.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let number: u16 = id[id.len() - digits.min(4)..].parse().unwrap_or(1);
    let november = Day::parse("2026-11-01").expect("is a day");
    let later = |day: Day, months: u16| day.plus_months(u8::try_from(months).expect("is small"));
    let from = (0..number / 120).try_fold(november, |day, _| later(day, 120));
    let from = from.and_then(|day| later(day, number % 120)).expect("is in the calendar");
    ServicePeriod::from_months(from, 1).expect("is a month")
}

impl TestSystem {
    /// A test system in which Acme's customer with this number, Ann, has signed up; and her PAI.
    pub async fn with_subscriber(number: &str) -> (Self, String) {
        let system = Self::start();
        system.acme.import_accounts(ACME_ACCOUNTS).await;
        system.sign_up(&system.acme, number, AccountChoice::New("ann@example.com")).await;
        let pai = system.pai_of("ann@example.com").await;
        (system, pai)
    }

    /// A test system in which Acme's customer with this number has subscribed in the partner's app, at
    /// this price for a month; and their PAI.
    pub async fn with_app_subscriber(number: &str, price: i64) -> (Self, String) {
        let system = Self::start();
        system.acme.import_accounts(ACME_ACCOUNTS).await;
        let pai = system.subscribe_in_app(number, "s-1", price).await;
        (system, pai)
    }

    /// Acme's customer with this number subscribes in the partner's app. Returns the PAI.
    pub async fn subscribe_in_app(&self, number: &str, id: &str, price: i64) -> String {
        let asked = json!({"msisdn": number, "operator": "acme"});
        let (status, answer) = self.call_ott(Method::POST, "/ott/v1/account/validate", asked).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let pai = answer["pai"].as_str().expect("is text").to_owned();
        let body = json!({"pai": pai, "extSubscriptionID": id, "origin": "NEW_ACCOUNT", "plan": "standard",
                          "price": {"value": price, "currency": "USD"}, "consentAt": self.now().to_string()});
        let (status, answer) = self.call_ott(Method::POST, "/ott/v1/partnerSubscription", body).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        pai
    }

    /// A call of the widget's frame.
    pub async fn call_widget(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let request = Request::post(format!("http://{EDGE}/widget/v1{path}"))
            .header("content-type", "application/json")
            .header("origin", format!("http://{EDGE}"));
        self.send_request(request.body(Bytes::from(body.to_string())).expect("is a request")).await
    }

    /// The customer enters a number, without a session.
    pub async fn enter_number(&self, operator: &TestOperator, number: &str) -> (StatusCode, Value) {
        let body =
            json!({"operator": operator.id(), "offer": "netflix-standard", "msisdn": number, "locale": "en"});
        self.call_widget("/account/validate", body).await
    }

    /// The customer enters a number that the dashboard's session lists.
    pub async fn enter_session_number(&self, operator: &TestOperator, number: &str) -> (StatusCode, Value) {
        let msisdn = Msisdn::parse(number).expect("is E.164");
        let session = operator.sandbox.assertion(vec![msisdn]).expect("signs");
        let body = json!({"operator": operator.id(), "offer": "netflix-standard", "msisdn": number, "locale": "en",
                          "session": session, "returnURL": format!("http://{}/done", operator.dashboard_address)});
        self.call_widget("/account/validate", body).await
    }

    /// The SMS that a number has received, in order, after everything due was delivered.
    pub async fn sms_received(&self, operator: &TestOperator, number: &str) -> Vec<String> {
        operator.deliver_due().await;
        let inbox = self
            .get_json(&format!(
                "http://{}/sms?msisdn={}",
                operator.dashboard_address,
                number.replace('+', "%2B")
            ))
            .await;
        let inbox = inbox.as_array().cloned().unwrap_or_default();
        inbox.iter().map(|message| message["text"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The PIN in the newest SMS.
    pub async fn read_pin(&self, operator: &TestOperator, number: &str) -> String {
        let messages = self.sms_received(operator, number).await;
        let newest = messages.last().expect("a message came");
        newest.chars().filter(char::is_ascii_digit).take(6).collect()
    }

    /// The customer proves a number by PIN. Returns the flow.
    pub async fn prove_number(&self, operator: &TestOperator, number: &str) -> String {
        let (status, step) = self.enter_number(operator, number).await;
        assert_eq!((status, &step["step"]), (StatusCode::OK, &json!("pin")), "{step}");
        let pin = self.read_pin(operator, number).await;
        let flow = step["flow"].as_str().expect("is text").to_owned();
        let (status, step) =
            self.call_widget("/pin", json!({"operator": operator.id(), "flow": flow, "pin": pin})).await;
        assert_eq!((status, &step["step"]), (StatusCode::OK, &json!("confirm")), "{step}");
        step["flow"].as_str().expect("is text").to_owned()
    }

    /// The customer continues to the partner. Returns the partner's page.
    pub async fn open_signup(&self, operator: &TestOperator, flow: &str) -> String {
        let (status, opened) =
            self.call_widget("/signup", json!({"operator": operator.id(), "flow": flow})).await;
        assert_eq!(status, StatusCode::CREATED, "{opened}");
        opened["url"].as_str().expect("is text").to_owned()
    }

    /// The customer submits the partner's form. Returns the response.
    pub async fn choose_account(&self, page: &str, choice: AccountChoice<'_>) -> Response<Bytes> {
        self.try_choose_account(page, choice).await.expect("answers")
    }

    /// Submits the form, which fails when the partner cannot be reached.
    pub async fn try_choose_account(&self, page: &str, choice: AccountChoice<'_>) -> Option<Response<Bytes>> {
        let (form, email) = match choice {
            AccountChoice::New(email) => ("new", email),
            AccountChoice::Existing(email) => ("existing", email),
        };
        let body = format!("email={}&password=demo&terms=yes", email.replace('@', "%40"));
        let request = Request::post(format!("{page}/{form}"))
            .header("content-type", "application/x-www-form-urlencoded");
        self.network.send_call(request.body(Bytes::from(body)).expect("is a request")).await.ok()
    }

    /// The whole sign-up of a number, up to the partner's last page. Returns that page.
    pub async fn sign_up(&self, operator: &TestOperator, number: &str, choice: AccountChoice<'_>) -> String {
        let flow = self.prove_number(operator, number).await;
        let page = self.open_signup(operator, &flow).await;
        let answer = self.choose_account(&page, choice).await;
        let to = answer.headers().get(LOCATION).map(|to| to.to_str().expect("is text").to_owned());
        assert!(to.is_some_and(|to| to.ends_with("/done")), "{:?}", String::from_utf8_lossy(answer.body()));
        page
    }

    /// The customer returns from the partner over the edge to the operator's page. Returns that
    /// page's URL.
    pub async fn follow_return(&self, operator: &TestOperator) -> String {
        self.follow_return_with(operator, "").await
    }

    /// Follows the return with a query on the return page's URL.
    pub async fn follow_return_with(&self, operator: &TestOperator, query: &str) -> String {
        let crossings = self.network.recorded_calls();
        let session = crossings.iter().rev().find(|c| c.authority == NETFLIX && c.path == "/signup-sessions");
        let text = &session.expect("the edge opened a sign-up").request;
        let begin = format!("http://{EDGE}/widget/v1/return/{}/", operator.id());
        let at = text.find(&begin).expect("has a return URL");
        let url: String = text[at..].chars().take_while(|c| *c != '"').collect::<String>() + query;
        let answer =
            self.network.send_call(Request::get(url).body(Bytes::new()).expect("is a request")).await;
        let answer = answer.expect("answers");
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        answer.headers()[LOCATION].to_str().expect("is text").to_owned()
    }

    /// The lines that onbill put on a number's bill.
    pub async fn bill_lines(&self, operator: &TestOperator, number: &str) -> Vec<Value> {
        let bill = self
            .get_json(&format!(
                "http://{}/bill?msisdn={}",
                operator.dashboard_address,
                number.replace('+', "%2B")
            ))
            .await;
        bill["lines"].as_array().expect("has lines").clone()
    }
}
