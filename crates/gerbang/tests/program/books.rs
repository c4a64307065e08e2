//! Books that an accountant can hold against the bank and against a supplier's deposit.

use super::rig::House;
use super::visitor::Visitor;

/// The amounts of an account's line on the page of the day's end.
fn line(page: &str, account: &str) -> Vec<String> {
    let found = page.split("<tr").find(|row| row.contains(&format!(">{account}<")));
    let found = found.unwrap_or_else(|| panic!("no {account}: {page}"));
    let cells = found.split("<td").skip(2).map(|cell| {
        let text = cell.split_once('>').map_or("", |(_, rest)| rest);
        let mut text = text.split('<').map(|piece| piece.rsplit('>').next().unwrap_or_default());
        text.find(|piece| !piece.trim().is_empty()).unwrap_or_default().trim().to_owned()
    });
    cells.collect()
}

#[test]
fn cash_agrees_with_the_bank_and_a_supplier_with_its_deposit() {
    let house = House::new();
    let server = house.demo();
    let mut owner = Visitor::console(&server, "owner");
    let credit = [
        ("member", "OK00201"),
        ("amount", "1.000.000"),
        ("cash", "bca"),
        ("note", "setor"),
        ("once", "c1"),
    ];
    owner.submit("/console/money", "/console/money/credit", &credit);
    house.ok(&["book", "capital", "500.000", "--cash", "bca", "--note", "modal awal"]);
    house.ok(&["book", "top-up", "sandbox", "700.000", "--cash", "bca", "--note", "tiket 1"]);
    house.ok(&["book", "top-up", "sandbox", "-100.000", "--cash", "bca", "--note", "kembali"]);
    let expense = [
        ("kind", "expense"),
        ("name", "sewa"),
        ("amount", "50.000"),
        ("cash", "bca"),
        ("note", "ruko"),
        ("once", "e1"),
    ];
    for _ in 0..2 {
        // Sent twice, entered once.
        owner.submit("/console/money/closing", "/console/money/book", &expense);
    }
    let began = std::time::Instant::now();
    let page = loop {
        let page = owner.get("/console/money/closing").body;
        if page.contains("Expense: sewa") || began.elapsed().as_secs() > 60 {
            break page;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    };
    assert!(page.contains("The books balance"), "{page}");
    // 279.655 of the demo, 1.000.000 and 500.000 came, 600.000 went to the supplier, 50.000 was rent.
    assert_eq!(line(&page, "Cash bca").last().unwrap(), "1.129.655", "{page}");
    assert_eq!(line(&page, "Paid in to supplier sandbox").last().unwrap(), "600.000");
    assert_eq!(line(&page, "Expense: sewa").last().unwrap(), "50.000");
    assert_eq!(line(&page, "Capital").last().unwrap(), "500.000");
    // The line leads to what moved.
    let moved = owner.get("/console/money/account/cash:bca").body;
    assert!(moved.contains("tiket 1") && moved.contains("ruko"), "{moved}");
    let told = house.fails(&["book", "expense", "sewa", "1", "--cash", "mandiri", "--note", "x"]);
    assert!(told.contains("known: bca, manual"), "{told}");
    let told = house.fails(&["book", "top-up", "nobody", "1", "--note", "x"]);
    assert!(told.contains("there is no supplier nobody"), "{told}");
    house.holds();
}
