//! What lies around of a business: every file, its log and its figures hold no secret, and nobody else may
//! open one.

use super::rig::House;
use super::suppliers::wait_until;
use super::visitor::Visitor;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Right ones and wrong ones, long enough that no number looks like them by chance.
const PIN: &str = "4809137265";
const PASSWORD: &str = "teh-manis-hangat-3";
const WRONG_PIN: &str = "9150371846";
const WRONG: &str = "awan-putih-tebal-7";
const OWNER: &str = "kuda-lari-di-hujan-9";
const SIGN: &str = "JzJ5VwWCk1hJUpxBd5Nb5QabcdE";

/// All that stands below a folder but folders.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Where one of these stands, among all regular files but the key's own.
fn found(folder: &Path, secrets: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for path in files(folder) {
        if !path.is_file() || path.ends_with("master.key") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        for secret in secrets {
            if bytes.windows(secret.len()).any(|part| part == secret.as_bytes()) {
                found.push(format!("{secret} in {}", path.display()));
            }
        }
    }
    found
}

/// Who may do something with a file besides its owner.
fn open_ones(folder: &Path) -> Vec<String> {
    let modes = files(folder).into_iter().map(|path| {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        (path, mode)
    });
    let open = modes.filter(|(_, mode)| mode & 0o077 != 0);
    open.map(|(path, mode)| format!("{} has mode {mode:04o}", path.display())).collect()
}

#[test]
fn no_file_log_or_figure_holds_a_secret_and_none_is_open() {
    let house = House::new();
    house.found(true);
    house.with_metrics();
    house.ok(&["member", "add", "OK00500", "--pin", PIN, "--password", PASSWORD]);
    house.ok(&["user", "add", "budi", "--role", "owner", "--password", OWNER]);
    let mut server = house.serve();
    for (pin, password) in [(PIN, PASSWORD), (WRONG_PIN, PASSWORD), (PIN, WRONG)] {
        let who = format!("memberID=OK00500&pin={pin}&password={password}");
        server.get(&format!("/trx/balance?{who}"));
        server.get(&format!("/trx?product=T1&dest=089660522887&refID=a&{who}"));
        server.get(&format!("/trx?product=T1&dest=089660522887&refID=a&{who}&check=1"));
    }
    server.get(&format!("/trx?product=T1&dest=0&refID=b&memberID=OK00500&sign={SIGN}"));
    server.get(&format!("/trx?memberID=OK00500&PIN={PIN}&PIN={PIN}&PASSWORD={PASSWORD}"));
    for (login, password) in [("budi", OWNER), ("budi", WRONG), ("nobody", WRONG)] {
        Visitor::from(&server, None).enter(login, password, "");
    }
    let mut member = Visitor::from(&server, None);
    for password in [WRONG, PASSWORD] {
        member.enter_portal(&[("member", "OK00500"), ("password", password), ("pin", PIN)]);
    }
    member.submit("/portal/password", "/portal/password", &[("new", "hujan-turun-di-atap")]);
    let rotate = [("act", "ips"), ("ips", ""), ("pin", WRONG_PIN)];
    member.submit("/portal/account", "/portal/account", &rotate);
    let session = member.cookies["__Host-gerbang-portal"].clone();
    // The heads of the chains are printed at a start.
    wait_until("heads are printed", Duration::from_secs(60), || {
        server.log().contains("chain heads")
    });
    let key = std::fs::read_to_string(house.data().join("master.key")).unwrap();
    let new = "hujan-turun-di-atap";
    let secrets = [PIN, PASSWORD, WRONG_PIN, WRONG, OWNER, SIGN, new, session.as_str(), key.trim()];
    let figures = server.metrics();
    assert!(!secrets.iter().any(|secret| figures.contains(secret)), "{figures}");
    let copy = house.data().join("copy.db");
    house.ok(&["backup", copy.to_str().unwrap()]);
    // While it runs, with the log of the database and the socket, and after it ended.
    let nothing = Vec::<String>::new();
    assert_eq!(open_ones(&house.data()), nothing);
    assert_eq!(found(house.folder.path(), &secrets), nothing);
    server.terminate();
    assert!(server.wait().success());
    assert_eq!(open_ones(&house.data()), nothing);
    assert_eq!(found(house.folder.path(), &secrets), nothing);
    // What is looked for is found where it stands.
    std::fs::write(house.data().join("note"), PIN).unwrap();
    assert_eq!(found(house.folder.path(), &secrets).len(), 1);
    house.holds();
}

/// A test of a callback URL goes where callbacks go: to no address of our own network, unless it is named.
#[test]
fn a_callback_reaches_no_internal_address() {
    let inside = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    inside.set_nonblocking(true).unwrap();
    let url = format!("http://{}/h2h", inside.local_addr().unwrap());
    let house = House::new();
    house.found(false);
    house.add_member();
    house.ok(&["member", "set", "OK00123", "--callback", &url]);
    let test = |house: &House| {
        let mut server = house.serve();
        let mut member = Visitor::from(&server, None);
        let fields = [("member", "OK00123"), ("password", "teh-manis-3"), ("pin", "480913")];
        assert_eq!(member.enter_portal(&fields), "/portal");
        member.submit("/portal/password", "/portal/password", &[("new", "hujan-turun-di-atap")]);
        let page = member.submit("/portal/callbacks", "/portal/callbacks/test", &[]);
        assert_eq!(page.status, 200, "{}", page.body);
        server.terminate();
        assert!(server.wait().success());
        // What was connected stands in its line, whether it is taken from there or not.
        inside.accept().is_ok()
    };
    assert!(!test(&house), "our own network was called");
    house.ok(&["member", "set", "OK00123", "--forget-portal-password"]);
    house.configure("callback_allow", "[\"127.0.0.0/8\"]");
    assert!(test(&house), "a network that is named is called");
}
