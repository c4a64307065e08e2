//! What changed for members: prices, products that came, closed and opened. Kept as papers, so
//! that a product has a history and members have a feed.

use crate::papers::put;
use crate::plug::Office;
use domain::Member;
use engine::{Catalog, PaperChange};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use store::CatalogChange;
use types::ProductCode;

const NEWS: &str = "news";
/// Papers looked through for one page of a member, most of which may be of other levels.
const LOOKED_MOST: usize = 2_000;

/// One change as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// When.
    #[serde(default)]
    pub at: i64,
    /// Where it stands in the feed; the next page begins below it.
    #[serde(default)]
    pub id: String,
    /// Of what.
    pub product: String,
    /// Its name then.
    pub name: String,
    /// `price`, `new`, `opened` or `closed`.
    pub what: String,
    /// Whose price; none when it is the same for all.
    pub level: Option<String>,
    /// Before.
    pub old: Option<i64>,
    /// From now on.
    pub new: Option<i64>,
    /// Why, in an operator's words.
    #[serde(default)]
    pub why: String,
}

/// What changes of the catalog mean for members. A first import is no news.
fn news_of(catalog: &Catalog, changes: &[CatalogChange], why: &str) -> Vec<News> {
    if catalog.products().is_empty() {
        return Vec::new();
    }
    let names: std::collections::HashMap<&ProductCode, String> = changes
        .iter()
        .filter_map(|change| match change {
            CatalogChange::Product(product) => Some((&product.code, product.name.to_string())),
            CatalogChange::Member(_)
            | CatalogChange::Level(_)
            | CatalogChange::Price { .. }
            | CatalogChange::Supplier(_)
            | CatalogChange::Route(_)
            | CatalogChange::RemoveRoute { .. }
            | CatalogChange::Epoch(_) => None,
        })
        .collect();
    let known = |code: &ProductCode| catalog.products().get(code);
    let name = |code: &ProductCode| {
        let own = names.get(code).cloned();
        own.or_else(|| known(code).map(|product| product.name.to_string())).unwrap_or_default()
    };
    let news = |code: &ProductCode, what: &str| News {
        at: 0,
        id: String::new(),
        product: code.to_string(),
        name: name(code),
        what: what.to_owned(),
        level: None,
        old: None,
        new: None,
        why: why.to_owned(),
    };
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for change in changes {
        match change {
            CatalogChange::Price { level, product, price } => {
                let old = catalog.product_at(level, product).map(|(_, old)| old.amount.get());
                let new = price.amount.get();
                if old == Some(new) || !seen.insert((level.clone(), product.clone())) {
                    continue;
                }
                let what = if old.is_some() { "price" } else { "new" };
                let (level, new) = (Some(level.to_string()), Some(new));
                found.push(News { level, old, new, ..news(product, what) });
            }
            CatalogChange::Product(product) => {
                let Some(old) = known(&product.code) else { continue };
                if old.open != product.open {
                    let what = if product.open { "opened" } else { "closed" };
                    found.push(news(&product.code, what));
                }
            }
            CatalogChange::Member(_)
            | CatalogChange::Level(_)
            | CatalogChange::Supplier(_)
            | CatalogChange::Route(_)
            | CatalogChange::RemoveRoute { .. }
            | CatalogChange::Epoch(_) => {}
        }
    }
    found
}

impl Office {
    /// The papers of what changes.
    pub(crate) fn news_papers(
        &self,
        changes: &[CatalogChange],
        why: &str,
    ) -> anyhow::Result<Vec<PaperChange>> {
        let now = self.handle.now().utc;
        let all = news_of(&self.handle.catalog(), changes, why);
        all.iter().map(|news| put(NEWS, &self.fresh_id(now)?, 0, &news.product, news)).collect()
    }

    /// What changed of a product, newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn product_news(&self, product: &str, limit: u32) -> anyhow::Result<Vec<News>> {
        let found = self.sheets::<News>(NEWS, Some(product), None, limit).await?;
        Ok(found.into_iter().map(dated).collect())
    }

    /// What changed for a member, newest first, below a place of the feed: prices are those it
    /// pays, its uplines' markups included.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn member_news(
        &self,
        member: &Member,
        below: Option<&str>,
        limit: usize,
    ) -> anyhow::Result<Vec<News>> {
        let catalog = self.handle.catalog();
        let level = catalog.level_of(member).map(ToString::to_string);
        let mut below = below.map(str::to_owned);
        let (mut found, mut looked) = (Vec::new(), 0);
        while found.len() < limit && looked < LOOKED_MOST {
            let page = self.sheets::<News>(NEWS, None, below.as_deref(), 200).await?;
            let Some(last) = page.last() else { break };
            below = Some(last.id.clone());
            looked = looked.saturating_add(page.len());
            let own = page
                .into_iter()
                .map(dated)
                .filter(|news| news.level.is_none() || news.level == level);
            found.extend(own.map(|news| marked_up(&catalog, member, news)));
        }
        found.truncate(limit);
        Ok(found)
    }
}

fn dated(sheet: crate::papers::Sheet<News>) -> News {
    News { at: sheet.at.get(), id: sheet.id, ..sheet.body }
}

/// The same with what the member's uplines add.
fn marked_up(catalog: &Catalog, member: &Member, news: News) -> News {
    let code = ProductCode::parse(&news.product).ok();
    let terms = code.and_then(|code| catalog.terms(member, &code));
    let more = terms.map_or(0, |(_, _, shares)| shares.total().get());
    let add = |amount: Option<i64>| amount.map(|amount| amount.saturating_add(more));
    News { old: add(news.old), new: add(news.new), ..news }
}
