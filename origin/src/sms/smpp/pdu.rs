//! PDUs on the wire (SMPP 3.4 §3.2): frames and headers. What is sent is encoded by rusmpp; of what
//! comes, only the parts that are needed are read.
//!
//! The frame is delimited before anything in it is parsed, so that a length inside of it cannot
//! reach into the next one. The header is parsed by itself: a positive response counts even when
//! its body is malformed. Bodies contain numbers and texts: no PDU is ever printed.

use super::deliver::read_text;
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use rusmpp::encode::{Length as _, owned::Encode as _};
use rusmpp::{CommandId, CommandStatus, Pdu};
use tokio_util::codec::LengthDelimitedCodec;

/// Octets of the header: length, command, status, sequence number.
const HEADER_OCTETS: usize = 16;
/// Longest PDU that is read, in octets: a `deliver_sm` with all its usual fields is a third of
/// that.
const PDU_OCTETS_MAX: usize = 4_096;
/// Longest message id, in octets without its NUL (§4.4.2).
const MESSAGE_ID_OCTETS_MAX: usize = 64;

/// Delimits frames; the length is the PDU's own, and includes itself.
pub(super) fn frame_codec() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder()
        .length_field_length(4)
        .length_adjustment(-4)
        .num_skip(4)
        .max_frame_length(PDU_OCTETS_MAX)
        .new_codec()
}

/// A received PDU.
pub(super) struct Incoming {
    pub(super) id: CommandId,
    pub(super) status: CommandStatus,
    pub(super) sequence: u32,
    pub(super) body: Bytes,
}

impl Incoming {
    /// Parses the header of a frame without its length; `None` when the frame is too short for one.
    pub(super) fn parse(mut frame: BytesMut) -> Option<Self> {
        if frame.len() < HEADER_OCTETS - 4 {
            return None;
        }
        let id = CommandId::from(frame.get_u32());
        let status = CommandStatus::from(frame.get_u32());
        let sequence = frame.get_u32();
        Some(Self { id, status, sequence, body: frame.freeze() })
    }

    /// The message id of a `submit_sm_resp`, with or without the NUL behind it; `None` when it is
    /// empty, or longer than an id may be.
    pub(super) fn message_id(&self) -> Option<String> {
        Some(read_text(&self.body)).filter(|id| (1..=MESSAGE_ID_OCTETS_MAX).contains(&id.len()))
    }
}

/// Encodes a PDU to be sent, with its length.
pub(super) fn encode(status: CommandStatus, sequence: u32, pdu: &Pdu) -> Bytes {
    let octets = HEADER_OCTETS + pdu.length();
    let mut frame = BytesMut::with_capacity(octets);
    frame.put_u32(u32::try_from(octets).unwrap_or(u32::MAX));
    frame.put_u32(pdu.command_id().into());
    frame.put_u32(status.into());
    frame.put_u32(sequence);
    pdu.encode(&mut frame);
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sms::smpp::deliver::Deliver;
    use rusmpp::pdus::DeliverSm;
    use rusmpp::types::OctetString;
    use tokio_util::codec::Decoder as _;

    fn read(bytes: &[u8]) -> Option<Incoming> {
        let frame = frame_codec().decode(&mut BytesMut::from(bytes)).ok()??;
        Incoming::parse(frame)
    }

    #[test]
    fn what_is_written_is_read() {
        let text = OctetString::from_slice(b"id:1 stat:DELIVRD").expect("is short");
        let deliver = DeliverSm::builder().short_message(text).build();
        let bytes = encode(CommandStatus::EsmeRok, 7, &Pdu::from(deliver.clone()));
        assert_eq!(bytes[..16], [0, 0, 0, 50, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 7]);
        let incoming = read(&bytes).expect("is a frame");
        assert_eq!((incoming.id, incoming.sequence), (CommandId::DeliverSm, 7));
        let read = Deliver::parse(incoming.body).expect("is whole");
        assert_eq!((read.esm_class, read.text.as_str()), (u8::from(deliver.esm_class), "id:1 stat:DELIVRD"));
        assert_eq!(encode(CommandStatus::EsmeRok, 1, &Pdu::EnquireLink).len(), 16);
    }

    #[test]
    fn status_is_read_from_response_with_odd_body() {
        // Without the final NUL of its id.
        let bytes = [0, 0, 0, 18, 0x80, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 9, b'4', b'2'];
        let incoming = read(&bytes).expect("is a frame");
        assert_eq!((incoming.id, incoming.status), (CommandId::SubmitSmResp, CommandStatus::EsmeRok));
        assert_eq!(incoming.message_id().as_deref(), Some("42"));
        let other = |body: &[u8]| {
            let mut frame = BytesMut::from(&bytes[4..16]);
            frame.extend_from_slice(body);
            Incoming::parse(frame).and_then(|incoming| incoming.message_id())
        };
        assert_eq!(other(b"42\0\x04\x27\0\x01\x02").as_deref(), Some("42"), "with a parameter behind it");
        assert_eq!(other(b" 42 \0").as_deref(), Some("42"));
        assert_eq!((other(b""), other(b"\0"), other(&[b'4'; 65])), (None, None, None));
    }

    #[test]
    fn frame_of_wrong_length_is_refused() {
        let mut huge = BytesMut::from(&[0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 5][..]);
        assert!(frame_codec().decode(&mut huge).is_err());
        assert!(huge.capacity() < 1_024, "nothing is set aside for it");
        assert!(frame_codec().decode(&mut BytesMut::from(&[0, 0, 0, 3, 0][..])).is_err());
        assert!(read(&[0, 0, 0, 8, 0, 0, 0, 5]).is_none());
    }
}
