//! Broken SMSCs, byte by byte.

use crate::smsc_link::{clock, open_adapter, smpp_settings};
use onbill_domain::msisdn::Msisdn;
use onbill_origin::sms::{
    DeliveryReceipt, ReceiptNotStored, ReceiptSink, RetryCause, SendSmsResult, Sms, SmsGateway,
};
use onbill_test_harness::wait::wait_until;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

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
    const ODD: [u8; 50] = [
        0, 0, 0, 34, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0,
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
