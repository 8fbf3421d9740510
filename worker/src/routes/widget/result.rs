//! `POST /widget/v1/result`: the frame asks for the contents of the signed result on the operator's
//! return URL. They come with their words: most frames have no result to show.

use crate::call::Call;
use crate::fault::HandlerError;
use crate::platform::Platform;
use crate::response::json_response;
use crate::routes::widget::admit_widget_call;
use crate::routes::widget::frame_json::to_frame_json_with_words;
use crate::upstream::query_for_widget;
use crate::words::Words;
use bytes::Bytes;
use http::{Response, StatusCode};
use onbill_domain::wire::edge::{ResultRequest, ResultResponse};
use onbill_domain::words_section;

/// 1. Steps shared by the frame's calls → 403, 413, 415, 429, 400.
/// 2. The origin, which signed it, reads it → 200, or its refusal; no valid response → 503.
pub(crate) async fn post_result<P: Platform>(call: &Call<'_, P>) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let (operator, request) = admit_widget_call::<_, ResultRequest>(call).await?;
    // 2.
    let result: ResultResponse = query_for_widget(call, &operator, "/edge/v1/result", &request).await?;
    let words = Words::parse(words_section!("result", request.locale))?;
    Ok(json_response(StatusCode::OK, &to_frame_json_with_words(&result, &words.0)?)?)
}
