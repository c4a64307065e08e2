//! A Digiflazz whose JSON is typed as nobody documented: purchases settle, pings are answered, and
//! an odd row of its list is named.

use super::rig::{House, OWN};
use super::suppliers::{business, wait_until};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// A request's path and body.
fn take(stream: &TcpStream) -> Option<(String, String)> {
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    let mut reader = BufReader::new(stream);
    let mut next = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        Some(line.trim_end().to_lowercase())
    };
    let path = next()?.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let line = next()?;
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, String::from_utf8(body).ok()?))
}

/// Answers purchases with `fields` beside what decides, and lists with `list`.
fn odd_supplier(fields: &'static str, list: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let Some((path, body)) = take(&stream) else { continue };
            let asked: Value = serde_json::from_str(&body).unwrap_or_default();
            let answer = match path.as_str() {
                "/v1/transaction" => {
                    format!(
                        r#"{{"data":{{"ref_id":{},"status":"Sukses",{fields}}}}}"#,
                        asked["ref_id"]
                    )
                }
                "/v1/price-list" => format!(r#"{{"data":{list}}}"#),
                _ => r#"{"data":{"deposit":500000.75}}"#.to_owned(),
            };
            let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length:";
            let _ = write!(stream, "{head} {}\r\n\r\n{answer}", answer.len());
        }
    });
    address
}

fn post(server: SocketAddr, path: &str, signature: &str, event: &str, body: &str) -> u16 {
    let mut stream = TcpStream::connect(server).unwrap();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-digiflazz-event: {event}\r\n\
         x-hub-signature: {signature}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

fn sign(body: &str) -> String {
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(b"sign").unwrap();
    mac.update(body.as_bytes());
    let hex: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    format!("sha1={hex}")
}

#[test]
fn odd_json_of_a_supplier() {
    let address = odd_supplier(
        r#""customer_no":89660522887,"rc":0,"message":null,"sn":77,"price":"9.000,00","buyer_last_saldo":100000.5"#,
        concat!(
            r#"[{"product_name":"Uji\u0000","price":1250.50,"buyer_sku_code":"t1","buyer_product_status":true,"#,
            r#""seller_product_status":true,"unlimited_stock":false,"stock":0,"start_cut_off":"0:0","#,
            r#""end_cut_off":"0:0","desc":null},{"product_name":null,"price":"mahal","buyer_sku_code":"zz","#,
            r#""buyer_product_status":true,"seller_product_status":true}]"#
        ),
    );
    let settings = format!(
        "[digiflazz]\nbase='http://{address}/v1'\nusername='u'\napi_key='k'\nwebhook_secret='sign'\n\
         [callback]\nsecret='hush'\n"
    );
    let house = House::new();
    business(&house, &[("digi", &settings)]);
    let server = house.serve();
    server.get(&format!("/trx?product=T1&dest=089660522887&refID=o1&{OWN}"));
    let state = || house.json(&["trx", "list", "--ref", "o1"])[0].clone();
    wait_until("settled", Duration::from_secs(20), || state()["state"] == "success");
    assert_eq!(state()["detail"], "77");

    let before = (state(), house.json(&["verify"])["holds"].clone());
    for (event, body) in [("ping", r#"{"sed":"x","hook_id":"h1"}"#), ("ping", r#"{"data":"ping"}"#)]
    {
        let path = "/callback/digi/hush";
        assert_eq!(post(server.address, path, &sign(body), event, body), 200, "{body}");
        assert_eq!(post(server.address, path, &sign("other"), event, body), 404, "{body}");
        assert_eq!(post(server.address, path, "", event, body), 404, "{body}");
        assert_eq!(post(server.address, "/callback/digi/wrong", &sign(body), event, body), 404);
    }
    assert_eq!((state(), house.json(&["verify"])["holds"].clone()), before);
    assert_eq!(before.1, json!(true));

    let report = house.json(&["supplier", "sync", "digi"]);
    assert_eq!(report["listed"], 1);
    let odd = report["odd"].as_array().unwrap();
    assert_eq!(odd.len(), 1, "{report}");
    assert!(odd[0].as_str().unwrap().starts_with("row 2 (zz): price: `mahal`"), "{report}");
    let told: Vec<&str> = report["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["change"].as_str().unwrap())
        .collect();
    assert_eq!(told, ["cost 1.200 -> 1.251", "not on offer any more"]);
    let shown = house.ok(&["supplier", "sync", "digi"]);
    assert!(shown.contains("not understood and left out:\n  row 2 (zz)"), "{shown}");
}
