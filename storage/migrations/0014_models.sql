-- A picture of a model may count as several images: of the allowance, the top-up and the daily caps, and in its price.
-- `from_topup` is how many of them come from the top-up. Figures are told by model, too.

ALTER TABLE job ADD COLUMN counts_as INTEGER NOT NULL DEFAULT 1 CHECK (counts_as > 0);
ALTER TABLE job ADD COLUMN prices TEXT;               -- of each of the month's images it counts as; NULL: equal shares
ALTER TABLE ledger ADD COLUMN counts_as INTEGER NOT NULL DEFAULT 1;

DROP TABLE rollup;
CREATE TABLE rollup (
  span_us       INTEGER NOT NULL,
  cell_us       INTEGER NOT NULL,
  tier          TEXT NOT NULL,
  platform      TEXT NOT NULL,
  model         TEXT NOT NULL,
  width         INTEGER NOT NULL,
  height        INTEGER NOT NULL,
  images        INTEGER NOT NULL,
  failed        INTEGER NOT NULL,
  cancelled     INTEGER NOT NULL,
  undeliverable INTEGER NOT NULL,
  refunded      INTEGER NOT NULL,
  gpu_us        INTEGER NOT NULL,
  energy_mj     INTEGER NOT NULL,
  cost_micro    INTEGER NOT NULL,
  revenue_micro INTEGER NOT NULL,
  PRIMARY KEY (span_us, cell_us, tier, platform, model, width, height)
) WITHOUT ROWID;

INSERT INTO rollup
SELECT span.column1, at_us - at_us % span.column1, tier, platform, model, width, height,
       sum(charged AND outcome <> 'undeliverable'), sum(outcome IN ('failed', 'expired')),
       sum(outcome = 'cancelled'), sum(outcome = 'undeliverable'), sum(NOT charged),
       sum(gpu_us), sum(coalesce(energy_mj, 0)), sum(cost_micro), sum(price_micro)
FROM ledger, (VALUES (900000000), (86400000000)) AS span
GROUP BY 1, 2, 3, 4, 5, 6, 7;

DROP TRIGGER ledger_settles;
CREATE TRIGGER ledger_settles AFTER INSERT ON ledger
BEGIN
  UPDATE account SET
    reserved = reserved - (NEW.counts_as - NEW.from_topup),
    used = used + NEW.charged * (NEW.counts_as - NEW.from_topup),
    held_micro = held_micro - (SELECT price_micro FROM job WHERE id = NEW.job),
    images = images + (NEW.charged AND NEW.outcome <> 'undeliverable'),
    failed = failed + (NEW.outcome IN ('failed', 'expired')), cancelled = cancelled + (NEW.outcome = 'cancelled'),
    undeliverable = undeliverable + (NEW.outcome = 'undeliverable'), refunded = refunded + NOT NEW.charged,
    gpu_us = gpu_us + NEW.gpu_us, energy_mj = energy_mj + coalesce(NEW.energy_mj, 0),
    cost_micro = cost_micro + NEW.cost_micro, revenue_micro = revenue_micro + NEW.price_micro
  WHERE month = NEW.month AND member = NEW.member;

  UPDATE member SET topup = topup + NEW.from_topup WHERE id = NEW.member AND NEW.from_topup AND NOT NEW.charged;

  INSERT INTO rollup
  SELECT span.column1, NEW.at_us - NEW.at_us % span.column1, NEW.tier, NEW.platform, NEW.model, NEW.width, NEW.height,
         NEW.charged AND NEW.outcome <> 'undeliverable', NEW.outcome IN ('failed', 'expired'),
         NEW.outcome = 'cancelled', NEW.outcome = 'undeliverable', NOT NEW.charged,
         NEW.gpu_us, coalesce(NEW.energy_mj, 0), NEW.cost_micro, NEW.price_micro
  FROM (VALUES (900000000), (86400000000)) AS span
  WHERE true
  ON CONFLICT DO UPDATE SET
    images = images + excluded.images, failed = failed + excluded.failed,
    cancelled = cancelled + excluded.cancelled, undeliverable = undeliverable + excluded.undeliverable,
    refunded = refunded + excluded.refunded, gpu_us = gpu_us + excluded.gpu_us,
    energy_mj = energy_mj + excluded.energy_mj, cost_micro = cost_micro + excluded.cost_micro,
    revenue_micro = revenue_micro + excluded.revenue_micro;

  INSERT INTO histogram
  SELECT span.column1, NEW.at_us - NEW.at_us % span.column1, kind.column1, NEW.tier, kind.column2, 1
  FROM (VALUES (900000000), (86400000000)) AS span,
       (SELECT 'wait' AS column1, NEW.wait_bucket AS column2 UNION ALL SELECT 'draw', NEW.draw_bucket) AS kind
  WHERE kind.column2 IS NOT NULL
  ON CONFLICT DO UPDATE SET jobs = jobs + 1;

  DELETE FROM drawing WHERE job = NEW.job;

  DELETE FROM address
  WHERE request = (SELECT request FROM job WHERE id = NEW.job)
    AND NOT EXISTS (SELECT 1 FROM job WHERE job.request = address.request AND state IN ('queued', 'running', 'drawn'));
END;
