//! A stand-in for the Machines API of Fly.io, in process: apps, addresses, volumes, secrets, machines, leases, logs, with a clock that
//! can be moved, a journal of every call, and failures on demand.
//!
//! It runs in a thread of its own, so that tests of the binary can use it as well as asynchronous ones.

mod machine;
mod routes;
mod state;

use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

pub use machine::Behaviour;
pub use state::State;

/// The token that may do everything.
pub const TOKEN: &str = "fm2_planted-token";
/// The token that may look.
pub const READ_ONLY: &str = "fm2_read-only";

/// A call that was answered, or not.
#[derive(Clone, Debug)]
pub struct Entry {
    pub method: String,
    /// With its query.
    pub path: String,
    pub body: Value,
    /// `None`: the connection was dropped.
    pub status: Option<u16>,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status.map_or_else(|| "dropped".to_owned(), |status| status.to_string());
        write!(f, "{} {} -> {status}", self.method, self.path)
    }
}

/// What happens to a call.
#[derive(Clone, Debug)]
pub enum Effect {
    /// It is not carried out, and answered with that: status, header, body.
    Answer(u16, Option<(&'static str, &'static str)>, String),
    /// It is not carried out, and the connection dropped.
    Drop,
    /// It is carried out, and the connection dropped before the answer.
    DropAfter,
}

/// A failure on demand: the calls of a method whose path ends in that, so many times.
#[derive(Clone, Debug)]
pub struct Fault {
    pub method: &'static str,
    pub path_end: &'static str,
    pub times: usize,
    pub effect: Effect,
}

/// When the client is cut off, as if it were killed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Cut {
    #[default]
    Never,
    /// After so many more calls: the last of them is carried out, and not answered.
    After(usize),
    /// After so many more calls one is carried out and not answered; those after it are.
    Once(usize),
    /// Nothing is carried out any more.
    Now,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) header: Option<(&'static str, &'static str)>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self { status, header: None, body: body.to_string() }
    }

    pub(crate) fn error(status: u16, message: impl Into<String>) -> Self {
        Self::json(status, &json!({ "error": message.into() }))
    }
}

/// The stand-in.
#[derive(Debug)]
pub struct FlyMock {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
}

impl FlyMock {
    /// Starts one on a free port of this machine.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::new(address)));
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let served = Arc::clone(&state);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, served) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, state, stop: Some(stop) }
    }

    /// The base address of everything that it stands in for.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Host and port: the registry's.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// What it knows.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Moves the clock.
    pub fn advance(&self, time: Duration) {
        self.state().advance(time);
    }

    /// An image that behaves so, as the reference of what was pushed.
    pub fn image(&self, behaviour: Behaviour) -> String {
        self.state().image(behaviour)
    }

    /// Has calls fail.
    pub fn fault(&self, method: &'static str, path_end: &'static str, times: usize, effect: Effect) {
        self.state().faults.push(Fault { method, path_end, times, effect });
    }

    /// Cuts the client off after so many more calls.
    pub fn cut_after(&self, calls: usize) {
        self.state().cut = if calls == 0 { Cut::Now } else { Cut::After(calls) };
    }

    /// Loses one answer, after so many more calls.
    pub fn drop_after(&self, calls: usize) {
        self.state().cut = Cut::Once(calls);
    }

    /// Answers again.
    pub fn mend(&self) {
        let mut state = self.state();
        state.cut = Cut::Never;
        state.faults.clear();
    }

    /// Every call since the last time, and forgets them.
    pub fn take_journal(&self) -> Vec<Entry> {
        std::mem::take(&mut self.state().journal)
    }

    /// The conversation as text: a look that is repeated is told once.
    pub fn conversation(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        for entry in self.take_journal() {
            let line = entry.to_string();
            if entry.method != "GET" || lines.last() != Some(&line) {
                lines.push(line);
            }
        }
        lines.join("\n")
    }
}

impl Drop for FlyMock {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let service = service_fn(|request| handle(request, &state));
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// Why a connection is dropped.
#[derive(Debug, thiserror::Error)]
#[error("dropped on demand")]
struct Dropped;

async fn handle(request: Request<Incoming>, state: &Mutex<State>) -> Result<Response<Full<Bytes>>, Dropped> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Dropped)?.to_bytes();
    let method = parts.method;
    let path = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let call = routes::Call {
        method: method.clone(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        token: header("authorization"),
        nonce: header("fly-machine-lease-nonce"),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    };
    let (is_cut, is_last, effect) = verdict(&mut state.lock().unwrap(), &method, &call.path);
    let outcome = match effect {
        _ if is_cut => Err(Dropped),
        Some(Effect::Answer(status, header, body)) => Ok(Reply { status, header, body }),
        Some(Effect::Drop) => Err(Dropped),
        Some(Effect::DropAfter) => answer(&call, state).await.and(Err(Dropped)),
        None => answer(&call, state).await.and_then(|reply| if is_last { Err(Dropped) } else { Ok(reply) }),
    };
    let status = outcome.as_ref().ok().map(|reply| reply.status);
    let entry = Entry { method: method.to_string(), path, body: call.body, status };
    let mut state = state.lock().unwrap();
    // A client that is gone says nothing any more.
    if !is_cut {
        state.journal.push(entry);
    }
    let reply = outcome?;
    let mut response = Response::builder().status(reply.status).header("fly-request-id", "req-1");
    if let Some((name, value)) = reply.header {
        response = response.header(name, value);
    }
    response.body(Full::new(Bytes::from(reply.body))).map_err(|_| Dropped)
}

/// Whether the client is cut off, whether this is its last call, and what else happens to it.
fn verdict(state: &mut State, method: &Method, path: &str) -> (bool, bool, Option<Effect>) {
    let (is_cut, is_last) = match state.cut {
        Cut::Never => (false, false),
        Cut::Now => (true, false),
        Cut::After(left) => {
            state.cut = if left <= 1 { Cut::Now } else { Cut::After(left - 1) };
            (false, left <= 1)
        }
        Cut::Once(left) => {
            state.cut = if left <= 1 { Cut::Never } else { Cut::Once(left - 1) };
            (false, left <= 1)
        }
    };
    let is_meant = |fault: &&mut Fault| fault.times > 0 && fault.method == method && path.ends_with(fault.path_end);
    let effect = state.faults.iter_mut().find(is_meant).map(|fault| {
        fault.times -= 1;
        fault.effect.clone()
    });
    (is_cut, is_last, effect)
}

/// Answers a call; one that waits is asked again and again.
async fn answer(call: &routes::Call, state: &Mutex<State>) -> Result<Reply, Dropped> {
    let began = Instant::now();
    loop {
        let turn = state.lock().unwrap().turn(call, began.elapsed());
        match turn {
            routes::Turn::Done(reply) => return Ok(reply),
            routes::Turn::Wait => tokio::time::sleep(Duration::from_millis(3)).await,
        }
    }
}
