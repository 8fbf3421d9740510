//! Broken SMSCs, byte by byte.

use crate::smsc_link::{clock, open_adapter, smpp_settings};
use onbill_domain::msisdn::Msisdn;
use onbill_origin::sms::{
    DeliveryReceipt, DeliveryState, ReceiptNotStored, ReceiptSink, RetryCause, SendSmsResult, Sms, SmsGateway,
};
use onbill_test_harness::wait::wait_until;
use serde_json::json;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// `bind_transceiver_resp`, `ESME_ROK`, to the first request.
const BOUND: [u8; 17] = [0, 0, 0, 17, 0x80, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1, 0];

/// Octets of the request before it: header, `system_id`, password, empty `system_type`, version, empty
/// `address_range`.
const BIND_OCTETS: usize = 16 + 7 + 7 + 1 + 1 + 2 + 1;

struct ReceiptDiscarder;

#[async_trait::async_trait]
impl ReceiptSink for ReceiptDiscarder {
    async fn store_receipt(&self, _: DeliveryReceipt) -> Result<(), ReceiptNotStored> {
        Ok(())
    }
}

/// Accepts every connection, sends these bytes, and nothing more. Counts the connections.
async fn odd_smsc(says: &'static [u8]) -> (Arc<dyn SmsGateway>, Arc<AtomicU32>, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there are ports");
    let address = listener.local_addr().expect("has one");
    let came = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&came);
    let mut working = JoinSet::new();
    working.spawn(async move {
        let mut guests: Vec<TcpStream> = Vec::new();
        while let Ok((mut guest, _)) = listener.accept().await {
            // A client that has not waited for the response connects again.
            if let_in(&mut guest, says).await.is_err() {
                continue;
            }
            guests.push(guest);
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    let texts = open_adapter(
        &smpp_settings(address, "secret", &json!({"enquire_seconds": 1, "answer_seconds": 1})),
        &clock(),
    );
    let adapter = Arc::clone(&texts);
    working.spawn(async move { adapter.run(&ReceiptDiscarder).await });
    (texts, came, working)
}

async fn let_in(guest: &mut TcpStream, says: &[u8]) -> std::io::Result<()> {
    guest.read_exact(&mut [0; BIND_OCTETS]).await?;
    guest.write_all(&BOUND).await?;
    guest.write_all(says).await
}

#[tokio::test]
async fn silent_smsc_is_disconnected() {
    let (texts, came, _working) = odd_smsc(&[]).await;
    wait_until("it is connected", async || came.load(Ordering::SeqCst) == 1).await;
    let to = Msisdn::parse("+12025550101").expect("is E.164");
    let text = Sms { to: &to, body: "hello", urgent: true, valid_until: None, receipt: false };
    wait_until("it is found out", async || {
        texts.send(&text).await == SendSmsResult::Later(RetryCause::Unreachable)
    })
    .await;
    wait_until("it is tried anew", async || came.load(Ordering::SeqCst) >= 2).await;
}

/// Shorter than the adapter waits for a response, and longer than the end of a session takes on a busy
/// machine.
const END_PATIENCE: Duration = Duration::from_secs(15);

/// `unbind` and `unbind_resp`, without their sequence numbers.
const UNBIND: [u8; 12] = [0, 0, 0, 16, 0, 0, 0, 6, 0, 0, 0, 0];
const UNBOUND: [u8; 12] = [0, 0, 0, 16, 0x80, 0, 0, 6, 0, 0, 0, 0];

/// An adapter that is bound, the SMSC's end of its connection, and where it connects.
async fn bound_adapter() -> (Arc<dyn SmsGateway>, TcpStream, TcpListener, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there are ports");
    let address = listener.local_addr().expect("has one");
    let texts = open_adapter(&smpp_settings(address, "secret", &json!({})), &clock());
    let mut working = JoinSet::new();
    let adapter = Arc::clone(&texts);
    working.spawn(async move { adapter.run(&ReceiptDiscarder).await });
    let (mut guest, _) = listener.accept().await.expect("comes");
    let_in(&mut guest, &[]).await.expect("asks to be let in");
    (texts, guest, listener, working)
}

#[tokio::test]
async fn deaf_smsc_does_not_hold_the_end_of_the_session() {
    let (texts, mut guest, _listener, _working) = bound_adapter().await;
    let smsc = async {
        let mut request = [0; 16];
        guest.read_exact(&mut request).await.expect("is sent");
        assert_eq!(request[..12], UNBIND);
        assert_eq!(guest.read(&mut request).await.ok(), Some(0), "it is closed without a response");
    };
    // The adapter may learn that it is bound after the SMSC does.
    let ending = wait_until("it has ended", async || {
        texts.end_session().await;
        false
    });
    let ended = async {
        tokio::select! {
            () = smsc => {}
            () = ending => {}
        }
    };
    timeout(END_PATIENCE, ended).await.expect("nothing holds it");
}

#[tokio::test]
async fn unbind_of_the_smsc_is_confirmed_and_another_session_follows() {
    let (_texts, mut guest, listener, _working) = bound_adapter().await;
    guest.write_all(&[&UNBIND[..], &[0, 0, 0, 9]].concat()).await.expect("is there");
    let ended = async {
        let mut response = [0; 16];
        guest.read_exact(&mut response).await.expect("is confirmed");
        assert_eq!((&response[..12], response[15]), (&UNBOUND[..], 9));
        assert_eq!(guest.read(&mut response).await.ok(), Some(0), "it is closed");
        listener.accept().await.expect("connects again");
    };
    timeout(END_PATIENCE, ended).await.expect("another session follows");
}

#[tokio::test]
async fn smsc_that_talks_nonsense_is_left() {
    for nonsense in [
        // A PDU of four gigabytes, one without a header, and not SMPP at all.
        &[0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 5][..],
        &[0, 0, 0, 4],
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ] {
        let (_texts, came, _working) = odd_smsc(nonsense).await;
        wait_until("it is tried anew", async || came.load(Ordering::SeqCst) >= 2).await;
    }
}

#[tokio::test]
async fn unreadable_receipt_does_not_end_the_session() {
    // A `deliver_sm` whose text is longer than the PDU, then a request that gets a response.
    const ODD: [u8; 49] = [
        0, 0, 0, 33, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0,
        255, //
        0, 0, 0, 16, 0, 0, 0, 0x15, 0, 0, 0, 0, 0, 0, 0, 8,
    ];
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there are ports");
    let address = listener.local_addr().expect("has one");
    let texts = open_adapter(&smpp_settings(address, "secret", &json!({})), &clock());
    let mut working = JoinSet::new();
    working.spawn(async move { texts.run(&ReceiptDiscarder).await });
    let (mut guest, _) = listener.accept().await.expect("comes");
    let mut bind = [0; BIND_OCTETS];
    guest.read_exact(&mut bind).await.expect("asks to be let in");
    guest.write_all(&BOUND).await.expect("is there");
    guest.write_all(&ODD).await.expect("is there");
    let mut answers = [0; 17 + 16];
    guest.read_exact(&mut answers).await.expect("answers both");
    // ESME_RX_P_APPN to the receipt, and ESME_ROK to the request.
    assert_eq!(answers[..16], [0, 0, 0, 17, 0x80, 0, 0, 5, 0, 0, 0, 0x65, 0, 0, 0, 7]);
    assert_eq!(answers[17..], [0, 0, 0, 16, 0x80, 0, 0, 0x15, 0, 0, 0, 0, 0, 0, 0, 8]);
}

/// Keeps the receipts.
#[derive(Default)]
struct ReceiptKeeper(Mutex<Vec<DeliveryReceipt>>);

#[async_trait::async_trait]
impl ReceiptSink for ReceiptKeeper {
    async fn store_receipt(&self, receipt: DeliveryReceipt) -> Result<(), ReceiptNotStored> {
        self.0.lock().expect("is whole").push(receipt);
        Ok(())
    }
}

/// A `deliver_sm` with this service type, validity period, text, and octets behind the text.
fn deliver_sm(service_type: &[u8], validity: &[u8], text: &[u8], behind: &[u8]) -> Vec<u8> {
    let octets = [u8::try_from(text.len()).expect("is short")];
    let addresses = b"\0\x01\x0112025550101\0\x05\0Acme\0\x04\0\0\0";
    let body = [service_type, addresses, validity, b"\0\0\0\0\0", &octets, text, behind].concat();
    let length = u32::try_from(16 + body.len()).expect("is short").to_be_bytes();
    [&length[..], &[0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 7], &body].concat()
}

#[tokio::test]
async fn oddities_beside_a_receipt_cost_nothing() {
    let text = b"id:4016 stat:UNDELIV err:011";
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there are ports");
    let address = listener.local_addr().expect("has one");
    let texts = open_adapter(&smpp_settings(address, "secret", &json!({})), &clock());
    let heard = Arc::new(ReceiptKeeper::default());
    let mut working = JoinSet::new();
    let sink = Arc::clone(&heard);
    working.spawn(async move { texts.run(&*sink).await });
    let (mut guest, _) = listener.accept().await.expect("comes");
    guest.read_exact(&mut [0; BIND_OCTETS]).await.expect("asks to be let in");
    guest.write_all(&BOUND).await.expect("is there");
    for odd in [
        deliver_sm(b"", b"", text, b"\0"),
        deliver_sm(b"", b"", text, b"\0\x1E\0\x044016"),
        deliver_sm(b"", b"", b"id:4016 err:011", b"\x04\x27\0\x04\0\0\0\x05"),
        deliver_sm(b"", b"261122141500", text, b""),
        deliver_sm(b"CMT12345", b"", text, b""),
        deliver_sm(b"", b"", b"ID: 4016\0Stat:undeliv Err:011\0", b"\x14\x01\0\xFFcut off"),
    ] {
        guest.write_all(&odd).await.expect("is there");
        let mut answer = [0; 17];
        guest.read_exact(&mut answer).await.expect("answers");
        assert_eq!(answer[..16], [0, 0, 0, 17, 0x80, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 7], "{odd:?}");
        let receipt = heard.0.lock().expect("is whole").pop().expect("is taken");
        assert_eq!((receipt.message_id.as_str(), receipt.state), ("4016", DeliveryState::Undeliverable));
        assert_eq!(receipt.code.as_deref(), Some("011"));
    }
}

/// The answer to a `submit_sm` has its id in hexadecimal, and the receipt has it in decimal.
#[tokio::test]
async fn receipt_is_matched_with_an_id_of_another_form() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there are ports");
    let address = listener.local_addr().expect("has one");
    let texts = open_adapter(&smpp_settings(address, "secret", &json!({})), &clock());
    let heard = Arc::new(ReceiptKeeper::default());
    let mut working = JoinSet::new();
    let (sink, adapter) = (Arc::clone(&heard), Arc::clone(&texts));
    working.spawn(async move { adapter.run(&*sink).await });
    let (mut guest, _) = listener.accept().await.expect("comes");
    guest.read_exact(&mut [0; BIND_OCTETS]).await.expect("asks to be let in");
    guest.write_all(&BOUND).await.expect("is there");
    let to = Msisdn::parse("+12025550101").expect("is E.164");
    let sms = Sms { to: &to, body: "hello", urgent: true, valid_until: None, receipt: true };
    let smsc = async {
        let mut header = [0; 16];
        guest.read_exact(&mut header).await.expect("is sent");
        let octets = u32::from_be_bytes([header[0], header[1], header[2], header[3]]);
        let mut body = vec![0; octets as usize - 16];
        guest.read_exact(&mut body).await.expect("is sent");
        let answer = [&[0, 0, 0, 20, 0x80, 0, 0, 4, 0, 0, 0, 0][..], &header[12..], b"ffa\0"].concat();
        // At once, so that both are read before whoever sent the message runs again.
        let receipt = deliver_sm(b"", b"", b"id:4090 stat:DELIVRD", b"");
        guest.write_all(&[answer, receipt].concat()).await.expect("is there");
        guest.read_exact(&mut [0; 17]).await.expect("answers");
    };
    let sending = async {
        wait_until("it is connected", async || {
            texts.send(&sms).await == SendSmsResult::Accepted { message_id: Some("ffa".to_owned()) }
        })
        .await;
    };
    tokio::join!(smsc, sending);
    let receipt = heard.0.lock().expect("is whole").pop().expect("is taken");
    assert_eq!((receipt.message_id.as_str(), receipt.state), ("ffa", DeliveryState::Delivered));
}
