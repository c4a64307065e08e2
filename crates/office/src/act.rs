//! One thing that a person, a script or a command line does, as one commit: what changes, the key
//! under which it is done only once, and the line that says who did it.

use crate::access::Actor;
use crate::papers::{digest, put};
use crate::plug::Office;
use crate::problem::Problem;
use crate::takeover::ODD_LINES;
use domain::Kind;
use engine::{Carried, Errand};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::Purpose;

const ONCE: &str = "once";

#[derive(Serialize, Deserialize)]
struct OnceBody {
    asked: String,
    answer: Value,
}

/// Who does what.
pub(crate) struct Act<'a> {
    pub(crate) actor: &'a Actor,
    what: &'a str,
    detail: Value,
    /// The caller's key, with what was asked under it.
    once: Option<(&'a str, String)>,
}

impl<'a> Act<'a> {
    /// `what` is a word or two for the journal, `detail` what was asked; its secrets are not
    /// written down.
    pub(crate) const fn new(actor: &'a Actor, what: &'a str, detail: Value) -> Self {
        Self { actor, what, detail, once: None }
    }

    /// The same under a key: asked again with it, it is not done again.
    pub(crate) fn once(mut self, key: Option<&'a str>, asked: &str) -> Self {
        self.once = key.map(|key| (key, asked.to_owned()));
        self
    }

    /// The next commit of the same: the key stands in the first.
    pub(crate) fn next(&self) -> Act<'a> {
        Act { actor: self.actor, what: self.what, detail: self.detail.clone(), once: None }
    }

    /// The same with more to tell of it.
    pub(crate) fn about(&self, detail: &Value) -> Act<'a> {
        let (detail, once) = (detail.clone(), self.once.clone());
        Act { actor: self.actor, what: self.what, detail, once }
    }

    /// What a repetition hears that has no answer of its own.
    pub(crate) fn told(&self) -> Value {
        json!({"done": self.what})
    }

    fn paper(&self) -> Option<(String, &str)> {
        let (key, asked) = self.once.as_ref()?;
        Some((digest(&format!("{}\n{key}", self.actor.name)), asked))
    }
}

impl Office {
    /// What was answered to this key before; a key with another request is refused.
    pub(crate) async fn first_answer(&self, act: &Act<'_>) -> anyhow::Result<Option<Value>> {
        let Some((id, asked)) = act.paper() else { return Ok(None) };
        let Some(sheet) = self.sheet::<OnceBody>(ONCE, &id).await? else { return Ok(None) };
        // A paper from before has a plain digest.
        if sheet.body.asked == self.asked(asked) || sheet.body.asked == digest(asked) {
            return Ok(Some(sheet.body.answer));
        }
        let key = act.once.as_ref().map_or("", |(key, _)| key);
        let why = format!("the key `{key}` was used for another request");
        Err(Problem::conflict("key_reused", why).into())
    }

    /// What is kept of what was asked: a PIN may be in it, which nobody guesses from this.
    fn asked(&self, asked: &str) -> String {
        types::hex(self.key.digest(Purpose::Asked, asked))
    }

    /// Carries it out: all of it, its line and its key, or nothing. `answer` is what a repetition
    /// hears.
    pub(crate) async fn carry_out(
        &self,
        act: &Act<'_>,
        errand: Errand,
        answer: &Value,
    ) -> anyhow::Result<Carried> {
        self.commit(act, errand, answer, "done").await
    }

    /// The same of what is only asked for: its line says that it waits.
    pub(crate) async fn put_off(
        &self,
        act: &Act<'_>,
        errand: Errand,
        answer: &Value,
    ) -> anyhow::Result<Carried> {
        self.commit(act, errand, answer, "waits").await
    }

    async fn commit(
        &self,
        act: &Act<'_>,
        mut errand: Errand,
        answer: &Value,
        reply: &str,
    ) -> anyhow::Result<Carried> {
        let mut line = self.line(act.actor, act.what, &act.detail, reply);
        line.trx = errand.resolve.as_ref().map(|resolve| resolve.trx);
        // A take-over is about many.
        let first = errand.moves.first().filter(|movement| movement.kind != Kind::Opening);
        line.member = first.map(|movement| movement.member);
        errand.lines.push(line);
        if let Some((id, asked)) = act.paper() {
            let body = OnceBody { asked: self.asked(asked), answer: answer.clone() };
            errand.papers.push(put(ONCE, &id, 0, "", &body)?);
        }
        self.run(errand).await
    }

    /// What came of a check, with a line of it when it refused.
    pub(crate) async fn told<T>(
        &self,
        checked: Result<T, impl Into<anyhow::Error>>,
        act: &Act<'_>,
    ) -> anyhow::Result<T> {
        match checked.map_err(Into::into) {
            Err(error) => {
                self.not_done(act, &error).await;
                Err(error)
            }
            right => right,
        }
    }

    /// A line of what was tried and not done.
    pub(crate) async fn not_done(&self, act: &Act<'_>, error: &anyhow::Error) {
        let whole = format!("{error:#}");
        // Lines of a file of members are told to who brought it, and to nobody else.
        let odd = error.downcast_ref::<Problem>().is_some_and(|problem| problem.code == ODD_LINES);
        let told = if odd { whole.lines().next().unwrap_or_default() } else { &whole };
        self.audit(act.actor, act.what, &act.detail, &format!("not done: {told}")).await;
    }
}
