//! Sign-ups: where customers are, and how their number was proved.

use onbill_domain::mandate::MandateProof;
use onbill_domain::wire::summary::VisitChannel;

/// Where customers are who sign up.
pub(in crate::console) const fn channel_words(channel: VisitChannel) -> &'static str {
    match channel {
        VisitChannel::Widget => "Widget",
        VisitChannel::App => "Partner’s app",
    }
}

/// How the number was proved to be theirs.
pub(in crate::console) const fn proof_words(proof: MandateProof) -> &'static str {
    match proof {
        MandateProof::Pin => "PIN",
        MandateProof::Session => "Session of the dashboard",
        MandateProof::DeviceRead => "Read on the device",
        MandateProof::Imported => "From another system",
    }
}
