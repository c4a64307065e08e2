//! Who did what, as lines of the journal: they are chained and cannot be taken back.

use crate::access::Actor;
use crate::plug::Office;
use engine::Command;
use serde_json::Value;
use store::{Channel, Direction, JournalLine};

/// Words whose values are never written down.
const SECRET: [&str; 7] = ["pin", "password", "signing", "settings", "secret", "code", "token"];

/// A value without secrets. `code` is one only beside a password: everywhere else it is a name.
fn redacted(value: &Value, at_login: bool) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| {
                let hide = SECRET.contains(&name.as_str()) && (name != "code" || at_login);
                let value = if hide { Value::from("***") } else { redacted(value, at_login) };
                (name.clone(), value)
            })
            .collect(),
        Value::Array(all) if all.len() > 20 => Value::from(format!("{} rows", all.len())),
        Value::Array(all) => all.iter().map(|value| redacted(value, at_login)).collect(),
        other => other.clone(),
    }
}

impl Office {
    /// The line that tells of it.
    #[must_use]
    pub fn line(&self, actor: &Actor, what: &str, detail: &Value, result: &str) -> JournalLine {
        JournalLine {
            at: self.handle.now().utc,
            direction: Direction::In,
            channel: Channel::Admin,
            peer: actor.from.clone(),
            member: None,
            trx: None,
            request: format!("{} {what} {}", actor.shown(), redacted(detail, what == "login")),
            reply: result.to_owned(),
            status: what.replace(' ', "_"),
            millis: 0,
            stamps: Vec::new(),
        }
    }

    /// Writes it by itself, for what is not part of an errand, and waits until it is durable: who
    /// hears the answer finds the line.
    pub async fn audit(&self, actor: &Actor, what: &str, detail: &Value, result: &str) {
        let note = Command::Note(Box::new(self.line(actor, what, detail, result)));
        if self.handle.submit_patiently(note).await.is_err() {
            tracing::error!(what, "the journal has no line of who did it");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_not_written_down() {
        let detail = json!({"code": "OK1", "pin": "1234", "rows": [{"password": "x"}], "name": null, "new": 3});
        assert_eq!(
            redacted(&detail, false),
            json!({"code": "OK1", "pin": "***", "rows": [{"password": "***"}], "new": 3})
        );
    }
}
