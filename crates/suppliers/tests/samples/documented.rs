//! What the guide and the example files show must work as shown.

use suppliers::Settings;

const GUIDE: &str = include_str!("../../../../docs/suppliers.md");
const EXAMPLES: [&str; 3] = [
    include_str!("../../../../config/suppliers/okeconnect.example.toml"),
    include_str!("../../../../config/suppliers/digiflazz.example.toml"),
    include_str!("../../../../config/suppliers/template.example.toml"),
];

fn works(toml: &str) {
    let settings: Settings = toml::from_str(toml).unwrap_or_else(|why| panic!("{why}\n{toml}"));
    settings.sync.rules().unwrap();
    if let Err(why) = settings.connector() {
        panic!("{why}\n{toml}");
    }
}

#[test]
fn every_block_and_file_works() {
    let blocks: Vec<&str> = GUIDE
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default())
        .collect();
    assert_eq!(blocks.len(), 6, "a connector each, the rules, what is added to one");
    for block in blocks {
        if block.starts_with("[[template.rules]]") {
            works(&format!("[template.buy]\nurl='https://h/{{dest}}'\n{block}"));
        } else if block.starts_with("[template.") {
            let rest = "[template]\nrule_set='mmi'\n[template.buy]\nurl='https://h/{dest}'";
            works(&format!("{rest}\n{block}"));
        } else if block.starts_with("[okeconnect.") {
            let rest = "[okeconnect]\nbase='https://h'\nmember='OK1'\npin='1'\npassword='2'";
            works(&format!("{rest}\n{block}"));
        } else {
            works(block);
        }
    }
    for file in EXAMPLES {
        works(file);
    }
}
