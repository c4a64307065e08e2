//! Downlines: who stands below whom, what they pay more, and what an upline does for its own.
//!
//! An operator places members; an upline sees and serves only those below itself.

use crate::access::{Actor, Role};
use crate::money::{Done, Giving};
use crate::operations::{MemberAdd, MemberSet, Operation, execute};
use crate::plug::Office;
use crate::problem::Problem;
use crate::sessions::{From, SignedMember};
use domain::{DEEPEST, Member, Upline};
use engine::Catalog;
use types::{MemberCode, MemberId, Rupiah};

/// Members below one upline that it, or those below it, may add themselves.
const NETWORK_MOST: usize = 1_000;

/// Somebody below a member, with the way to it.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Downline {
    pub member: Member,
    /// 1 for its own, 2 for those of its own, and so on.
    pub depth: usize,
}

/// What an upline says of a new downline.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct NewDownline {
    pub name: String,
    pub markup: String,
    pub callback: Option<String>,
}

/// Everybody below a member, each before its own downlines.
fn below(catalog: &Catalog, of: MemberId, depth: usize, found: &mut Vec<Downline>) {
    if depth > DEEPEST {
        return;
    }
    for entry in catalog.downlines(of) {
        found.push(Downline { member: entry.member.clone(), depth });
        below(catalog, entry.member.id, depth.saturating_add(1), found);
    }
}

/// Places a member below another, or nowhere for an empty code.
pub(crate) fn place(
    catalog: &Catalog,
    member: &mut Member,
    upline: Option<&str>,
    markup: Option<&str>,
    markups: Option<&str>,
) -> anyhow::Result<()> {
    match upline.map(str::trim) {
        None => {}
        Some("") => under(member, None),
        Some(code) => {
            let code = MemberCode::parse(code)?;
            let above = catalog.member(&code);
            let above =
                above.ok_or_else(|| Problem::missing(format!("there is no member {code}")))?;
            if above.member.id == member.id || catalog.is_above(member.id, &above.member) {
                let why = format!("{code} stands below {} itself", member.code);
                return Err(Problem::asked("upline_loop", why).into());
            }
            let mut theirs = Vec::new();
            below(catalog, member.id, 1, &mut theirs);
            let height = theirs.iter().map(|downline| downline.depth).max().unwrap_or_default();
            if catalog.depth(&above.member).saturating_add(1).saturating_add(height) >= DEEPEST {
                let why = format!("a network is {DEEPEST} members deep at most");
                return Err(Problem::asked("too_deep", why).into());
            }
            under(member, Some(above.member.id));
        }
    }
    mark_up(catalog, member, markup, markups)
}

/// Below another, with the markups that it has; or below nobody.
pub(crate) fn under(member: &mut Member, above: Option<MemberId>) {
    let old = member.upline.take();
    let (markup, markups) = old.map_or_else(Default::default, |up| (up.markup, up.markups));
    member.upline = above.map(|above| Upline { member: above, markup, markups });
}

/// What it pays more than its upline.
pub(crate) fn mark_up(
    catalog: &Catalog,
    member: &mut Member,
    markup: Option<&str>,
    markups: Option<&str>,
) -> anyhow::Result<()> {
    let amount = |text: &str| -> anyhow::Result<Rupiah> {
        let amount: Rupiah =
            if text.trim().is_empty() { Rupiah::ZERO } else { text.trim().parse()? };
        if amount.is_negative() {
            let why = "a markup is 0 or more: a downline never pays less than its upline";
            return Err(Problem::asked("bad_markup", why).into());
        }
        Ok(amount)
    };
    if markup.is_none() && markups.is_none() {
        return Ok(());
    }
    let Some(upline) = &mut member.upline else {
        let given = |text: Option<&str>| text.is_some_and(|text| !text.trim().is_empty());
        if given(markup) || given(markups) {
            let why = format!("{} has no upline; a markup is for downlines", member.code);
            return Err(Problem::asked("no_upline", why).into());
        }
        return Ok(());
    };
    if let Some(text) = markup {
        upline.markup = amount(text)?;
    }
    if let Some(text) = markups {
        upline.markups =
            text.parse().map_err(|error| Problem::asked("bad_markup", format!("{error}")))?;
        let unknown = upline.markups.0.keys().find(|code| !catalog.products().contains_key(*code));
        if let Some(code) = unknown {
            return Err(Problem::missing(format!("there is no product {code}")).into());
        }
    }
    Ok(())
}

impl Office {
    /// Downlines are off until an owner turns them on.
    pub(crate) async fn must_have_downlines(&self) -> anyhow::Result<()> {
        if self.rules().await?.downlines {
            return Ok(());
        }
        let why = "downlines are off; an owner turns them on in the rules of the office";
        Err(Problem::forbidden(why).into())
    }

    /// Everybody below a member, each before its own downlines.
    #[must_use]
    pub fn network_of(&self, member: MemberId) -> Vec<Downline> {
        let mut found = Vec::new();
        below(&self.handle.catalog(), member, 1, &mut found);
        found
    }

    /// One of a member's own downlines.
    fn own_downline(&self, me: &SignedMember, code: &str) -> anyhow::Result<MemberCode> {
        let code = MemberCode::parse(code)?;
        let catalog = self.handle.catalog();
        let own = catalog.member(&code).filter(|entry| catalog.is_above(me.member, &entry.member));
        match own {
            Some(_) => Ok(code),
            None => Err(Problem::missing(format!("{code} is not in your network")).into()),
        }
    }

    /// An upline adds a member below itself, with a code of the same kind as its own. The new
    /// member's code, PIN and password.
    ///
    /// # Errors
    /// [`Problem`] for a wrong PIN, a bad value, or when downlines are off.
    pub async fn add_downline(
        &self,
        me: &SignedMember,
        from: &From,
        pin: &str,
        new: NewDownline,
    ) -> anyhow::Result<(String, String, String)> {
        self.must_have_downlines().await?;
        self.confirm(me, from, pin, "new downline").await?;
        if new.name.trim().is_empty() {
            return Err(Problem::asked("no_name", "say a name").into());
        }
        // Whoever stands above has no more below it than that either, however deep.
        let catalog = self.handle.catalog();
        let mut above = catalog.member(&me.code).map(|own| catalog.uplines(&own.member));
        let above = above.get_or_insert_default();
        above.push(me.member);
        if above.iter().any(|member| self.network_of(*member).len() >= NETWORK_MOST) {
            let why =
                format!("a network of {NETWORK_MOST} is grown by the operator, not from here");
            return Err(Problem::asked("network_full", why).into());
        }
        let level = self.handle.catalog().member(&me.code).map(|own| own.member.level.to_string());
        let code = self.free_code(&me.code);
        let (pin, password) = Self::fresh_credentials()?;
        let add = MemberAdd {
            code: code.clone(),
            name: new.name.trim().chars().take(80).collect(),
            pin: pin.clone(),
            password: password.clone(),
            // Its prices follow from the topmost upline; this is what it would have without one.
            level,
            callback: new.callback,
            ips: Vec::new(),
            upline: Some(me.code.to_string()),
            markup: Some(new.markup),
        };
        let actor = upline_actor(me, from);
        execute(self, &actor, Operation::MemberAdd(Box::new(add))).await?;
        Ok((code, pin, password))
    }

    /// The next number behind the letters of a code.
    fn free_code(&self, like: &MemberCode) -> String {
        let letters = like.as_str().trim_end_matches(|c: char| c.is_ascii_digit());
        let width = like.as_str().len().saturating_sub(letters.len());
        let catalog = self.handle.catalog();
        let numbers = catalog.members().into_iter().filter_map(|entry| {
            entry.member.code.as_str().strip_prefix(letters)?.parse::<u64>().ok()
        });
        let next = numbers.max().unwrap_or_default().saturating_add(1);
        format!("{letters}{next:0width$}", width = width.max(3))
    }

    /// An upline changes what one of its direct downlines pays more.
    ///
    /// # Errors
    /// [`Problem`] when it is not its own, or for a bad value.
    pub async fn mark_up(
        &self,
        me: &SignedMember,
        from: &From,
        code: &str,
        markup: String,
        markups: String,
    ) -> anyhow::Result<()> {
        self.must_have_downlines().await?;
        let code = self.own_downline(me, code)?;
        let catalog = self.handle.catalog();
        let direct = catalog.member(&code).and_then(|entry| entry.member.upline.as_ref());
        if direct.is_none_or(|upline| upline.member != me.member) {
            let why = format!("{code} buys from one of your downlines, who sets its markup");
            return Err(Problem::forbidden(why).into());
        }
        let set = MemberSet {
            code: code.to_string(),
            markup: Some(markup),
            markups: Some(markups),
            ..MemberSet::default()
        };
        let actor = upline_actor(me, from);
        execute(self, &actor, Operation::MemberSet(Box::new(set))).await?;
        Ok(())
    }

    /// An upline gives of its balance to somebody below.
    ///
    /// # Errors
    /// [`Problem`] for a wrong PIN, somebody who is not below, or too little balance.
    pub async fn give_down(
        &self,
        me: &SignedMember,
        from: &From,
        pin: &str,
        to: &str,
        amount: &str,
        key: Option<&str>,
    ) -> anyhow::Result<Done> {
        self.must_have_downlines().await?;
        self.confirm(me, from, pin, "give balance").await?;
        let giving = Giving {
            from: me.code.to_string(),
            to: self.own_downline(me, to)?.to_string(),
            amount: amount.to_owned(),
            note: String::new(),
        };
        self.give_own(&Actor::member(&me.code, from), &giving, key).await
    }
}

/// An upline acts on a downline with the rights of an operator, after it was shown to be its own.
fn upline_actor(me: &SignedMember, from: &From) -> Actor {
    Actor::person(me.code.as_str(), Role::Admin, &from.address)
}
