//! What stands around a business, each a process of its own: a server that says hello, and the members'
//! receiver of callbacks. They end when their input does, which is when whoever began them is gone.

use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use net::{Limits, Listener};
use std::collections::HashMap;
use std::future::Future;
use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

/// Where callbacks are received.
pub(crate) const PATH: &str = "/h2h";
/// Where it is asked how many purchases were told whose references begin as the one in the query, and how
/// many callbacks came about them.
pub(crate) const COUNTS: &str = "/counts";
/// Where it is asked how often the purchase in the query was told.
pub(crate) const TIMES: &str = "/times";

/// Answers everything with the same word: what the listener costs without a business behind it.
pub(crate) async fn hello() -> anyhow::Result<()> {
    serve(|_| async { "hello".to_owned() }).await
}

/// Receives callbacks and counts them by their reference.
pub(crate) async fn receive() -> anyhow::Result<()> {
    let told = Arc::new(Mutex::new(HashMap::<String, u64>::new()));
    serve(move |request| {
        let said = answer(&mut told.lock().unwrap_or_else(PoisonError::into_inner), &request);
        async move { said }
    })
    .await
}

fn answer<B>(told: &mut HashMap<String, u64>, request: &Request<B>) -> String {
    let query = request.uri().query().unwrap_or_default();
    let named = query.split('&').find_map(|pair| pair.strip_prefix("refid=")).unwrap_or("without");
    match request.uri().path() {
        COUNTS => {
            let of = told.iter().filter(|(reference, _)| reference.starts_with(named));
            let (purchases, callbacks) =
                of.fold((0, 0), |(purchases, all), (_, times)| (purchases + 1, all + times));
            format!("{purchases} {callbacks}")
        }
        TIMES => told.get(named).copied().unwrap_or_default().to_string(),
        _ => {
            *told.entry(named.to_owned()).or_default() += 1;
            "OK".to_owned()
        }
    }
}

async fn serve<F>(
    answer: impl Fn(Request<Incoming>) -> F + Clone + Send + 'static,
) -> anyhow::Result<()>
where
    F: Future<Output = String> + Send + 'static,
{
    let tcp = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", tcp.local_addr()?);
    let handler = move |_, request| {
        let said = answer(request);
        async move { Response::new(Full::new(Bytes::from(said.await))) }
    };
    let (_stop, stopped) = watch::channel(false);
    let (over, ended) = oneshot::channel();
    std::thread::spawn(move || {
        let mut rest = Vec::new();
        let _ = std::io::stdin().read_to_end(&mut rest);
        let _ = over.send(());
    });
    tokio::select! {
        () = net::serve(Listener::plain(tcp), Limits::default(), handler, stopped) => {}
        _ = ended => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callbacks_are_counted_by_reference() {
        let mut told = HashMap::new();
        let mut say = |target: &str| answer(&mut told, &Request::get(target).body(()).unwrap());
        for target in ["/h2h?refid=b1&message=x", "/h2h?refid=b1&message=x", "/h2h?refid=b2"] {
            assert_eq!(say(target), "OK");
        }
        assert_eq!(say("/counts?refid=b"), "2 3");
        assert_eq!(say("/counts?refid=g"), "0 0");
        assert_eq!(say("/times?refid=b1"), "2");
        assert_eq!(say("/times?refid=b9"), "0");
    }
}
