-- One-time links to the admin page, and the sessions they open. Of each the database holds a hash.

CREATE TABLE session_link (
  digest     TEXT PRIMARY KEY,
  member     INTEGER NOT NULL REFERENCES member,
  expires_us INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE session (
  digest     TEXT PRIMARY KEY,
  member     INTEGER NOT NULL REFERENCES member,
  expires_us INTEGER NOT NULL
) WITHOUT ROWID;
