//! A message of the standard protocol before the library decodes it: its arguments as they were written, and the answer to what
//! is no message, which the library gives without the words of JSON-RPC.

use bytes::Bytes;
use rmcp::model::{ClientJsonRpcMessage, ErrorCode};
use serde_json::json;

use super::members::Members;

/// The arguments of a call: JSON whose numbers have all their digits.
#[derive(Clone, Debug)]
pub(crate) struct Arguments(pub Bytes);

/// The arguments of the call that a body is, if it is one.
///
/// # Errors
///
/// The body of the answer, when it is no message.
pub(crate) fn arguments(body: &[u8]) -> Result<Option<Arguments>, Bytes> {
    match serde_json::from_slice::<ClientJsonRpcMessage>(body) {
        Ok(_) => Ok(of_call(body)),
        Err(error) if error.is_data() => {
            Err(refusal(ErrorCode::INVALID_REQUEST, "Invalid request: this is no message of JSON-RPC 2.0"))
        }
        Err(error) => Err(refusal(ErrorCode::PARSE_ERROR, &format!("Parse error: {error}"))),
    }
}

fn of_call(body: &[u8]) -> Option<Arguments> {
    let message = Members::of_body(body).ok()?;
    let is_call = message.get("method")?.text().ok()? == "tools/call";
    let arguments = message.get("params").filter(|_| is_call)?.object().ok()?.get("arguments")?;
    Some(Arguments(Bytes::from(arguments.json().to_owned())))
}

fn refusal(code: ErrorCode, message: &str) -> Bytes {
    let answer = json!({"jsonrpc": "2.0", "id": null, "error": {"code": code.0, "message": message}});
    Bytes::from(answer.to_string())
}
