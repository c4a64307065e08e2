//! Receives callbacks on 127.0.0.1:9090. Tell your server about it:
//! `gerbang member set OK00123 --callback http://127.0.0.1:9090/`, then
//! `cargo run -p gerbang-client --example receive`.
#![allow(clippy::print_stdout)]

use gerbang_client::{Outcome, read_callback};
use http::Response;
use http_body_util::Full;
use hyper::body::Bytes;
use net::{Limits, Listener, serve};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let tcp = tokio::net::TcpListener::bind("127.0.0.1:9090").await?;
    println!("listening on http://{}", tcp.local_addr()?);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let handler = |_peer, request: http::Request<hyper::body::Incoming>| async move {
        let status = match read_callback(request.uri().query().unwrap_or_default()) {
            Ok(event) => {
                match &event.outcome {
                    Outcome::Success { sn, .. } => println!("{} delivered, SN {sn}", event.ref_id),
                    Outcome::Failed { reason } => println!("{} failed: {reason}", event.ref_id),
                    other => println!("{}: {other}", event.ref_id),
                }
                200
            }
            Err(error) => {
                println!("{error}");
                400
            }
        };
        let mut response = Response::new(Full::new(Bytes::from_static(b"OK")));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
        response
    };
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        let _ = stop.send(true);
    });
    serve(Listener::plain(tcp), Limits::default(), handler, stopped).await;
    Ok(())
}
