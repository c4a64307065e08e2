//! The examples of the portal, as a member's developer runs them.

use super::rig::House;
use super::visitor::Visitor;
use std::process::Command;

/// The text of an example as the page shows it.
fn example(page: &str, title: &str) -> String {
    let rest = page.split(&format!("<summary>{title}</summary>")).nth(1);
    let rest = rest.unwrap_or_else(|| panic!("no {title} in {page}"));
    let text = rest.split("<pre>").nth(1).unwrap().split("</pre>").next().unwrap();
    [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")]
        .into_iter()
        .fold(text.to_owned(), |text, (coded, plain)| text.replace(coded, plain))
}

/// Runs those whose language is on this machine: a shell with curl and openssl always is, and the test
/// command says which others it installed.
#[test]
fn examples_buy_when_they_are_copied() {
    let house = House::new();
    let server = house.demo();
    let mut member = Visitor::portal(&server);
    let made = member
        .submit("/portal/api", "/portal/keys", &[("name", "examples"), ("pin", "123456")])
        .body;
    let mut codes = made.split("<dd><code>").skip(1).map(|rest| rest.split('<').next().unwrap());
    let (key, secret) = (codes.next().unwrap().to_owned(), codes.next().unwrap().to_owned());
    let page = member.get("/portal/api").body;
    let all = [
        ("/v1 · curl", "sh", "-c", "115"),
        ("/v1 · Python", "python3", "-c", "115"),
        ("/v1 · JavaScript", "node", "-e", "115"),
        ("/v1 · PHP", "php", "-r", "115"),
        ("/trx · Python", "python3", "-c", "114"),
        ("/trx · JavaScript", "node", "-e", "114"),
        ("/trx · PHP", "php", "-r", "114"),
    ];
    let installed = std::env::var("GERBANG_TEST_LANGUAGES").unwrap_or_default();
    let needed =
        |program: &str| program == "sh" || installed.split(' ').any(|word| word == program);
    for (title, program, flag, ref_id) in all {
        let text = example(&page, title);
        let text =
            if program == "php" { text.trim_start_matches("<?php").to_owned() } else { text };
        let run = Command::new(program)
            .args([flag, &text])
            .env("GERBANG_KEY", &key)
            .env("GERBANG_SECRET", &secret)
            .env("PIN", "123456")
            .env("PASSWORD", "secret")
            .output();
        let run = match run {
            Ok(run) => run,
            Err(error) => {
                assert!(!needed(program), "{program}: {error}");
                continue;
            }
        };
        let said = String::from_utf8_lossy(&run.stdout);
        let named = if title.starts_with("/v1") {
            said.contains("\"ref_id\":\"115\"") && said.contains("\"exists\":true")
        } else {
            said.contains("R#114")
        };
        assert!(named, "{title}: {said} {}", String::from_utf8_lossy(&run.stderr));
        assert_eq!(house.json(&["trx", "list", "--ref", ref_id]).as_array().unwrap().len(), 1);
    }
}
