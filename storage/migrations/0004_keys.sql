-- Keys of the HTTP API, each with a member of its own; and top-ups, each credited once.

CREATE TABLE api_key (
  prefix          TEXT PRIMARY KEY,                 -- for logs and lists
  digest          TEXT NOT NULL,
  member          INTEGER NOT NULL REFERENCES member,
  label           TEXT NOT NULL,
  scopes          TEXT NOT NULL,
  created_us      INTEGER NOT NULL,
  expires_us      INTEGER,
  revoked_us      INTEGER,
  spend_cap_micro INTEGER
) WITHOUT ROWID;
CREATE INDEX api_key_member ON api_key (member);

CREATE TABLE credit (
  key    TEXT PRIMARY KEY,                          -- a payment's id, or a random one for a gift
  member INTEGER NOT NULL REFERENCES member,
  images INTEGER NOT NULL CHECK (images > 0),
  at_us  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX credit_member ON credit (member);

-- What was granted before credits were listed.
INSERT INTO credit
SELECT 'audit:' || audit.id, coalesce(member.merged_into, member.id), json_extract(detail, '$.images'), at_us
FROM audit JOIN member ON member.key = audit.subject WHERE action = 'grant';
