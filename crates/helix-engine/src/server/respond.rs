//! Responses.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

/// A response before it is sent.
pub(super) struct Answer {
    pub status: u16,
    pub body: Bytes,
    /// The error's text, for a failure.
    pub error: Option<String>,
    content_type: &'static str,
    header: Option<(HeaderName, &'static str)>,
}

/// A JSON body.
pub(super) fn json(status: StatusCode, body: Bytes) -> Answer {
    Answer { status: status.as_u16(), body, error: None, content_type: "application/json", header: None }
}

/// A body in the text format of Prometheus.
pub(super) fn text(body: String) -> Answer {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Answer { status: 200, body: Bytes::from(body), error: None, content_type, header: None }
}

impl Answer {
    /// `{"error": …, "code": …}`
    pub fn error(status: StatusCode, code: &str, message: &str) -> Self {
        let mut body = Vec::with_capacity(64 + message.len());
        body.extend_from_slice(b"{\"error\":");
        crate::value::json::string(message, &mut body);
        body.extend_from_slice(b",\"code\":");
        crate::value::json::string(code, &mut body);
        body.push(b'}');
        Self { error: Some(message.to_owned()), ..json(status, Bytes::from(body)) }
    }

    pub fn header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }

    pub fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
