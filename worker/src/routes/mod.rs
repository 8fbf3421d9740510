//! The table of routes, and their handlers: the tree mirrors the URLs, one action a file. Each
//! handler's doc is its steps, with the status codes that they can end in; the steps that all of
//! them share are in `handle.rs`.

pub(crate) mod healthz;
pub(crate) mod origin;
pub(crate) mod ott;
pub(crate) mod start;
pub(crate) mod widget;

use crate::call::Incoming;
use crate::fault::HandlerError;
use crate::page::RefusalPage;
use crate::platform::Platform;
use crate::router::{MatchedPath, Route, variable_count};
use bytes::Bytes;
use http::{Method, Response};
use onbill_domain::wire::origin::{PAI_MAPPING_PATH, PAI_MAPPINGS_PATH};
use std::pin::Pin;
use std::task::{Context, Poll};

/// Makes the table, an enum of its lines, and the call of each line's handler. A line is `Endpoint:
/// METHOD | METHOD, pattern, [variables], refused as page => handler;`, the variables in the
/// pattern's order. A path that takes other methods with other handlers has several lines.
macro_rules! routes {
    (@page) => { None };
    (@page $page:ident) => { Some(RefusalPage::$page) };
    ($incoming:ident: $(
        $endpoint:ident: $($method:ident)|+, $pattern:expr $(, [$($variable:ident),+])? $(, refused as $page:ident)?
            => $handler:expr;
    )*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Endpoint { $($endpoint,)* }

        pub(crate) static ROUTES: &[Route<Endpoint>] = &[$(
            Route {
                endpoint: Endpoint::$endpoint,
                methods: &[$(Method::$method),+],
                pattern: $pattern,
                refusal_page: routes!(@page $($page)?),
            },
        )*];

        /// Calls the handler of an endpoint.
        pub(crate) async fn dispatch<P: Platform>(
            endpoint: Endpoint,
            path: &MatchedPath<'_, Endpoint>,
            $incoming: &Incoming<'_, P>,
        ) -> Result<Response<Bytes>, HandlerError> {
            match endpoint {
                $(Endpoint::$endpoint => {
                    const _: [&str; variable_count($pattern)] = [$($(stringify!($variable)),+)?];
                    $(let [$($variable),+] = path.variables();)?
                    OutOfLine::new(async { $handler }).await
                })*
            }
        }
    };
}

/// A future that is polled by a function of its own. Without it the optimizer writes all handlers
/// into the one function that awaits them, where the code that they share stands many times.
struct OutOfLine<F>(Pin<Box<F>>);

impl<F: Future<Output = Result<Response<Bytes>, HandlerError>>> OutOfLine<F> {
    fn new(handler: F) -> Self {
        Self(Box::pin(handler))
    }
}

impl<F: Future> Future for OutOfLine<F> {
    type Output = F::Output;

    #[inline(never)]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.0.as_mut().poll(context)
    }
}

routes! {
    incoming:

    Start: GET | HEAD, "/" => start::get_start(&incoming.call()?);
    Healthz: GET | HEAD, "/healthz" => Ok(healthz::get_healthz(incoming.config.ok(), incoming.platform.now()));

    WidgetLoader: GET | HEAD, "/widget/v1/onbill.js" => widget::loader::get_loader(&incoming.call()?);
    WidgetFrame: GET | HEAD, "/widget/v1/frame", refused as Frame => widget::frame::get_frame(&incoming.call()?).await;
    WidgetAccountScript: GET | HEAD, "/widget/v1/frame-account.js"
        => { incoming.call()?; Ok(widget::account_script::get_account_script()) };
    WidgetLogo: GET | HEAD, "/widget/v1/logo/{logo}", [logo] => widget::logo::get_logo(&incoming.call()?, logo).await;
    WidgetFont: GET | HEAD, "/widget/v1/font/{font}", [font] => widget::font::get_font(&incoming.call()?, font).await;
    WidgetHashedLoader: GET | HEAD, "/widget/v1/onbill/{file}", [file]
        => widget::hashed_loader::get_hashed_loader(&incoming.call()?, file).await;
    WidgetLoaderFacts: GET | HEAD, "/widget/v1/onbill.json" => widget::loader_facts::get_loader_facts(&incoming.call()?).await;
    WidgetTypes: GET | HEAD, "/widget/v1/onbill.d.ts" => incoming.call().map(|_| widget::types::get_types());
    WidgetRefusals: GET | HEAD, "/widget/v1/refusals" => widget::refusals::get_refusals(&incoming.call()?);
    WidgetReturn: GET | HEAD, "/widget/v1/return/{operator}/{ticket}", [operator, ticket], refused as Return
        => widget::return_page::get_return_page(&incoming.call()?, operator, ticket).await;
    WidgetAccount: POST, "/widget/v1/account" => widget::account::post_account(&incoming.call()?).await;
    WidgetAccountUnlink: POST, "/widget/v1/account/unlink"
        => widget::account_unlink::post_account_unlink(&incoming.call()?).await;
    WidgetAccountValidate: POST, "/widget/v1/account/validate"
        => widget::account_validate::post_account_validate(&incoming.call()?).await;
    WidgetPin: POST, "/widget/v1/pin" => widget::pin::post_pin(&incoming.call()?).await;
    WidgetSignup: POST, "/widget/v1/signup" => widget::signup::post_signup(&incoming.call()?).await;
    WidgetResult: POST, "/widget/v1/result" => widget::result::post_result(&incoming.call()?).await;

    OriginPaiMapping: POST, PAI_MAPPING_PATH => origin::pai_mapping::post_pai_mapping(&incoming.call()?).await;
    OriginPaiMappings: POST, PAI_MAPPINGS_PATH => origin::pai_mappings::post_pai_mappings(&incoming.call()?).await;

    OttAccountValidate: POST, "/ott/v1/account/validate" => ott::account_validate::post_account_validate(&incoming.call()?).await;
    OttPin: POST, "/ott/v1/pin" => ott::pin::post_pin(&incoming.call()?).await;
    OttTokenValidate: POST, "/ott/v1/token/validate" => ott::token_validate::post_token_validate(&incoming.call()?).await;
    OttCouponRedeem: POST, "/ott/v1/coupon/redeem" => ott::coupon_redeem::post_coupon_redeem(&incoming.call()?).await;
    OttNotification: POST, "/ott/v1/notification" => ott::notification::post_notification(&incoming.call()?).await;
    OttSubscription: POST, "/ott/v1/partnerSubscription"
        => ott::partner_subscription::post_partner_subscription(&incoming.call()?).await;
    OttSubscriptionChange: PUT, "/ott/v1/partnerSubscription/{partnerSubscriptionID}", [id]
        => ott::subscription_change::put_partner_subscription(&incoming.call()?, id).await;
    OttTransaction: POST, "/ott/v1/transaction" => ott::transaction::post_transaction(&incoming.call()?).await;
    OttTransactionStatus: GET, "/ott/v1/transaction/{extTransactionID}", [id]
        => ott::transaction_status::get_transaction(&incoming.call()?, id).await;
    OttRefund: POST, "/ott/v1/transaction/{extTransactionID}/refund", [id]
        => ott::refund::post_refund(&incoming.call()?, id).await;
    OttRefundStatus: GET, "/ott/v1/transaction/{extTransactionID}/refund/{extRefundID}", [id, refund_id]
        => ott::refund_status::get_refund(&incoming.call()?, id, refund_id).await;
}
