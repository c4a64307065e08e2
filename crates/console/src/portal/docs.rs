//! How to speak to us, with lines to copy that carry the member's own code.

use super::pages::entry;
use crate::Inner;
use crate::ask::Ask;
use crate::pages::frame;
use crate::reply::Answer;
use crate::view::{Cell, Part, Tone};

pub(crate) async fn show(console: &Inner, ask: &Ask) -> anyhow::Result<Answer> {
    let entry = entry(console, ask)?;
    let code = entry.member.code.as_str();
    let host = ask.header("host").unwrap_or("localhost");
    let scheme = if console.settings.secure { "https" } else { "http" };
    let base = format!("{scheme}://{host}");
    let catalog = console.office.handle.catalog();
    let level = catalog.levels().get(&entry.member.level);
    let list = level.map(|level| format!("{base}/harga/json?id={}", level.list_id));
    let who = format!("memberID={code}&pin=PIN&password=PASSWORD");
    let buy = format!("{base}/trx?product=T1&dest=089660522887&refID=114&{who}");
    let lines = |all: [(&str, String); 4]| -> Vec<Part> {
        all.into_iter()
            .flat_map(|(title, text)| [Part::Heading(title.to_owned()), Part::Pre(text)])
            .collect()
    };
    let mut parts = vec![
        Part::Note {
            text: ask.t("Send the same refID again after a time-out: it is one purchase, and you hear its state.").to_owned(),
            tone: Tone::Quiet,
        },
        Part::Facts(vec![
            (ask.t("Address").to_owned(), Cell::code(&base)),
            (ask.t("Member code").to_owned(), Cell::code(code)),
            (ask.t("Price list").to_owned(), Cell::maybe(list)),
        ]),
    ];
    parts.extend(lines([
        (ask.t("Buy"), format!("curl '{buy}'")),
        (ask.t("Check"), format!("curl '{buy}&check=1'")),
        (ask.t("Balance"), format!("curl '{base}/trx/balance?{who}'")),
        (
            ask.t("Callback"),
            "GET YOUR-URL?refid=114&message=T%23... SUKSES. SN: ...   → 200".to_owned(),
        ),
    ]));
    parts.push(Part::Heading(ask.t("In your language").to_owned()));
    for (name, text) in examples(&base, code) {
        parts.push(Part::Fold { title: name.to_owned(), parts: vec![Part::Pre(text)] });
    }
    frame::show(console, ask, ask.t("API"), parts).await
}

/// One purchase in the languages of the trade.
fn examples(base: &str, code: &str) -> [(&'static str, String); 5] {
    let fill = |text: &str| text.replace("{base}", base).replace("{code}", code);
    [
        (
            "PHP",
            fill(
                "$query = http_build_query(['product' => 'T1', 'dest' => '089660522887', 'refID' => '114',\n  \
                 'memberID' => '{code}', 'pin' => getenv('PIN'), 'password' => getenv('PASSWORD')]);\n\
                 echo file_get_contents('{base}/trx?' . $query);",
            ),
        ),
        (
            "JavaScript",
            fill(
                "const query = new URLSearchParams({ product: 'T1', dest: '089660522887', refID: '114',\n  \
                 memberID: '{code}', pin: process.env.PIN, password: process.env.PASSWORD });\n\
                 console.log(await (await fetch('{base}/trx?' + query)).text());",
            ),
        ),
        (
            "Python",
            fill(
                "import os, requests\n\
                 print(requests.get('{base}/trx', timeout=60, params={'product': 'T1', 'dest': '089660522887',\n    \
                 'refID': '114', 'memberID': '{code}', 'pin': os.environ['PIN'],\n    \
                 'password': os.environ['PASSWORD']}).text)",
            ),
        ),
        (
            "Go",
            fill(
                "q := url.Values{\"product\": {\"T1\"}, \"dest\": {\"089660522887\"}, \"refID\": {\"114\"},\n\
                 \t\"memberID\": {\"{code}\"}, \"pin\": {os.Getenv(\"PIN\")}, \"password\": {os.Getenv(\"PASSWORD\")}}\n\
                 resp, err := http.Get(\"{base}/trx?\" + q.Encode())",
            ),
        ),
        (
            "Rust",
            fill(
                "// the gerbang-client crate repeats safely and waits for the final state\n\
                 gerbang buy T1 089660522887 --server {base} --member {code}",
            ),
        ),
    ]
}
