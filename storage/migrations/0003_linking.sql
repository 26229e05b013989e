-- One person on several platforms; and a person's right to be forgotten.

ALTER TABLE member ADD COLUMN merged_into INTEGER REFERENCES member;   -- the member that it became part of
ALTER TABLE member ADD COLUMN split_from INTEGER REFERENCES member;    -- the member that it was unlinked from
ALTER TABLE member ADD COLUMN forgotten_us INTEGER;

-- Of `used`: what was brought along from before an unlinking or a forgetting, with no ledger row of this member's.
ALTER TABLE account ADD COLUMN carried INTEGER NOT NULL DEFAULT 0 CHECK (carried >= 0);

-- Whose row in the ledger is whose today.
CREATE VIEW person AS SELECT id, key, coalesce(merged_into, id) AS member FROM member;

CREATE TABLE link_code (
  digest     TEXT PRIMARY KEY,                      -- the code itself is known to its member alone
  member     INTEGER NOT NULL UNIQUE REFERENCES member,
  expires_us INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE link_try (
  member INTEGER NOT NULL REFERENCES member,
  at_us  INTEGER NOT NULL
);
CREATE INDEX link_try_member ON link_try (member);

CREATE TABLE link_offer (
  offer_id           TEXT PRIMARY KEY,
  issuer             INTEGER NOT NULL REFERENCES member,
  redeemer           INTEGER NOT NULL REFERENCES member,
  issuer_confirmed   INTEGER NOT NULL DEFAULT 0,
  redeemer_confirmed INTEGER NOT NULL DEFAULT 0,
  expires_us         INTEGER NOT NULL
) WITHOUT ROWID;

-- All that is left of a forgotten identity: a keyed hash, with a ban and the use of one month.
CREATE TABLE shadow (
  digest     TEXT PRIMARY KEY,
  banned_us  INTEGER,
  ban_reason TEXT,
  month      INTEGER NOT NULL,
  used       INTEGER NOT NULL
) WITHOUT ROWID;

-- Pictures whose files are to be deleted: written with the change that wants it, so that a crash forgets none.
CREATE TABLE doomed_image (
  ref   TEXT PRIMARY KEY,
  at_us INTEGER NOT NULL
) WITHOUT ROWID;
