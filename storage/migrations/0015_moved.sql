-- A period keeps its length. When it begins may change: where an earlier one is paid back, or two members become one.
DROP TRIGGER period_no_update;
CREATE TRIGGER period_no_update BEFORE UPDATE OF id, payment, voucher, tier ON period
BEGIN SELECT RAISE(ABORT, 'periods are append-only'); END;
CREATE TRIGGER period_keeps_its_length BEFORE UPDATE OF start_us, end_us ON period
WHEN NEW.end_us - NEW.start_us <> OLD.end_us - OLD.start_us
BEGIN SELECT RAISE(ABORT, 'a period keeps its length'); END;

-- Periods that their provider ended before their time: of a subscription, where its month is a shorter one.
CREATE TABLE ended (
  payment INTEGER PRIMARY KEY REFERENCES payment,
  at_us   INTEGER NOT NULL
);
CREATE TRIGGER ended_no_update BEFORE UPDATE ON ended
BEGIN SELECT RAISE(ABORT, 'ended periods are append-only'); END;
CREATE TRIGGER ended_no_delete BEFORE DELETE ON ended
BEGIN SELECT RAISE(ABORT, 'ended periods are append-only'); END;

DROP VIEW held;
CREATE VIEW held AS
SELECT period.member, tier, start_us, min(end_us, coalesce(refund.at_us, end_us), coalesce(ended.at_us, end_us)) AS end_us
FROM period LEFT JOIN refund ON refund.payment = period.payment LEFT JOIN ended ON ended.payment = period.payment;
