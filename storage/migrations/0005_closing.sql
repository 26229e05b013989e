-- What a job needs only while it is open leaves with it: what drawing took (the ledger row holds it then) and the
-- address to deliver to (long, and with tokens in it that nobody should keep). Half the bytes of an image were these.

CREATE TABLE drawing (
  job        INTEGER PRIMARY KEY REFERENCES job,
  drawn_us   INTEGER NOT NULL,
  usage      TEXT NOT NULL,
  cost_micro INTEGER NOT NULL
);
INSERT INTO drawing SELECT id, drawn_us, usage, cost_micro FROM job WHERE state = 'drawn';

CREATE TABLE address (
  request INTEGER PRIMARY KEY REFERENCES request,
  address TEXT NOT NULL
);
INSERT INTO address
SELECT id, address FROM request
WHERE EXISTS (SELECT 1 FROM job WHERE job.request = request.id AND state IN ('queued', 'running', 'drawn'));

ALTER TABLE request DROP COLUMN address;
ALTER TABLE job DROP COLUMN usage;
ALTER TABLE job DROP COLUMN cost_micro;
ALTER TABLE job DROP COLUMN drawn_us;
ALTER TABLE job DROP COLUMN closed_us;                -- the ledger row's time

-- Pictures are looked up by the beginning of their name alone.
DROP INDEX job_image;
CREATE INDEX job_image ON job (substr(image, 1, 8)) WHERE image IS NOT NULL;

-- The ledger row is the settlement: it moves the reservation that it tells the end of, and adds to the rollups. None of
-- the three can happen without the others.
DROP TRIGGER ledger_rollup;
CREATE TRIGGER ledger_settles AFTER INSERT ON ledger
BEGIN
  UPDATE account SET
    reserved = reserved - NOT NEW.from_topup, used = used + (NEW.charged AND NOT NEW.from_topup),
    held_micro = held_micro - (SELECT price_micro FROM job WHERE id = NEW.job),
    images = images + (NEW.charged AND NEW.outcome <> 'undeliverable'),
    failed = failed + (NEW.outcome IN ('failed', 'expired')), cancelled = cancelled + (NEW.outcome = 'cancelled'),
    undeliverable = undeliverable + (NEW.outcome = 'undeliverable'), refunded = refunded + NOT NEW.charged,
    gpu_us = gpu_us + NEW.gpu_us, energy_mj = energy_mj + coalesce(NEW.energy_mj, 0),
    cost_micro = cost_micro + NEW.cost_micro, revenue_micro = revenue_micro + NEW.price_micro
  WHERE month = NEW.month AND member = NEW.member;

  UPDATE member SET topup = topup + 1 WHERE id = NEW.member AND NEW.from_topup AND NOT NEW.charged;

  INSERT INTO rollup
  SELECT span.column1, NEW.at_us - NEW.at_us % span.column1, NEW.tier, NEW.platform, NEW.width, NEW.height,
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
