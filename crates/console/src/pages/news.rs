//! What changed of prices and products: a product's history, a member's feed.

use crate::Inner;
use crate::ask::Ask;
use crate::show::time;
use crate::view::{Cell, Table, Tone};
use office::News;
use types::UtcMillis;

/// `of_all`: the product stands in every line.
pub(crate) fn table(console: &Inner, ask: &Ask, all: &[News], of_all: bool) -> Table {
    let mut titles = vec![ask.t("Time")];
    if of_all {
        titles.extend([ask.t("Product"), ask.t("Name")]);
    } else {
        titles.push(ask.t("Level"));
    }
    let (before, now) = (format!(">{}", ask.t("Before")), format!(">{}", ask.t("Now")));
    titles.extend([ask.t("What"), before.as_str(), now.as_str(), ask.t("Why")]);
    let mut table = Table::new(&titles, ask.t("Nothing changed yet."));
    for news in all {
        let money = |amount: Option<i64>| amount.map_or(Cell::Nothing, Cell::Money);
        let mut row = vec![Cell::text(time(console, UtcMillis::new(news.at)))];
        if of_all {
            row.extend([Cell::text(&news.product), Cell::text(&news.name)]);
        } else {
            row.push(Cell::maybe(news.level.as_deref()));
        }
        row.extend([what(ask, news), money(news.old), money(news.new), Cell::text(&news.why)]);
        table.rows.push(row);
    }
    table
}

fn what(ask: &Ask, news: &News) -> Cell {
    match news.what.as_str() {
        "price" if news.new > news.old => Cell::badge(ask.t("dearer"), Tone::Warn),
        "price" => Cell::badge(ask.t("cheaper"), Tone::Good),
        "new" => Cell::badge(ask.t("new"), Tone::Good),
        "opened" => Cell::badge(ask.t("opened"), Tone::Good),
        "closed" => Cell::badge(ask.t("closed"), Tone::Bad),
        other => Cell::text(other),
    }
}
