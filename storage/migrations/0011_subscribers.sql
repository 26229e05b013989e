-- Who drew in a month under a tier with a price that nobody gave them by name: a role stands for it, or it is the default.
CREATE TABLE tier_month (
  month  INTEGER NOT NULL,
  tier   TEXT NOT NULL,
  member INTEGER NOT NULL REFERENCES member,
  PRIMARY KEY (month, tier, member)
) WITHOUT ROWID;
CREATE INDEX tier_month_member ON tier_month (member);
-- Tiers that came with a key were not in the audit log, from which subscriptions are counted.
INSERT INTO audit (at_us, by, action, subject, detail, why)
SELECT created_us, key, 'set_tier', key, json_object('tier', tier, 'until', NULL), ''
FROM member
WHERE tier IS NOT NULL AND NOT EXISTS (SELECT 1 FROM audit WHERE subject = member.key AND action = 'set_tier');
-- Of members that became part of another, nothing counts after their last change: from when on is not known.
INSERT INTO audit (at_us, by, action, subject, detail, why)
SELECT max(audit.at_us), key, 'set_tier', key, json_object('tier', NULL, 'until', NULL), ''
FROM audit JOIN member ON member.key = audit.subject
WHERE action = 'set_tier' AND merged_into IS NOT NULL
GROUP BY key;
