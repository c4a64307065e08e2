-- Papers of the office: users, sessions, tickets and the like, by key and by tag.

CREATE TABLE paper (
    kind    TEXT NOT NULL,
    id      TEXT NOT NULL,
    tag     TEXT NOT NULL,
    version INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE INDEX paper_tag ON paper (kind, tag, id) WHERE tag <> '';
