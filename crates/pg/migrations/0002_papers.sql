-- Papers of the office: users, sessions, tickets and the like, by key and by tag.

CREATE TABLE paper (
    kind    TEXT COLLATE "C" NOT NULL,
    id      TEXT COLLATE "C" NOT NULL,
    tag     TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) WITH (fillfactor = 80);
CREATE INDEX paper_tag ON paper (kind, tag, id) WHERE tag <> '';
