-- Version 17, written by `python -m storage.schema` to read; what runs is migrations/.

CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE member (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  key           TEXT NOT NULL UNIQUE,               -- random; all that the ledger will ever tell about a person
  tier          TEXT,                               -- NULL is the configured default
  tier_until_us INTEGER,
  language      TEXT,
  banned_us     INTEGER,
  ban_reason    TEXT,
  topup         INTEGER NOT NULL DEFAULT 0 CHECK (topup >= 0),
  created_us    INTEGER NOT NULL
, merged_into INTEGER REFERENCES member, split_from INTEGER REFERENCES member, forgotten_us INTEGER, joined_us INTEGER);

CREATE TABLE identity (
  platform TEXT NOT NULL,
  user_id  TEXT NOT NULL,
  member   INTEGER NOT NULL REFERENCES member,
  PRIMARY KEY (platform, user_id)
) WITHOUT ROWID;

CREATE INDEX identity_member ON identity (member);

CREATE TABLE account (
  month         INTEGER NOT NULL,
  member        INTEGER NOT NULL REFERENCES member,
  used          INTEGER NOT NULL DEFAULT 0 CHECK (used >= 0),
  reserved      INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0),
  held_micro    INTEGER NOT NULL DEFAULT 0 CHECK (held_micro >= 0),   -- the price of what is reserved
  images        INTEGER NOT NULL DEFAULT 0,
  failed        INTEGER NOT NULL DEFAULT 0,
  cancelled     INTEGER NOT NULL DEFAULT 0,
  undeliverable INTEGER NOT NULL DEFAULT 0,
  refunded      INTEGER NOT NULL DEFAULT 0,
  gpu_us        INTEGER NOT NULL DEFAULT 0,
  energy_mj     INTEGER NOT NULL DEFAULT 0,
  cost_micro    INTEGER NOT NULL DEFAULT 0,
  revenue_micro INTEGER NOT NULL DEFAULT 0, carried INTEGER NOT NULL DEFAULT 0 CHECK (carried >= 0), slow INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (month, member)
) WITHOUT ROWID;

CREATE INDEX account_member ON account (member);

CREATE INDEX account_top ON account (month, images);

CREATE TABLE request (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  request_id TEXT NOT NULL UNIQUE,
  platform   TEXT NOT NULL,
  source_key TEXT NOT NULL,
  member     INTEGER NOT NULL REFERENCES member,
  server     TEXT,
  tier       TEXT NOT NULL,
  month      INTEGER NOT NULL,                      -- of the reservation, whenever it is settled
  capped_day INTEGER,                               -- the day whose caps it counts under, NULL for none
  payload    TEXT NOT NULL,
  created_us INTEGER NOT NULL, digest TEXT NOT NULL DEFAULT '', slow INTEGER NOT NULL DEFAULT 0, kind TEXT NOT NULL DEFAULT 'text',
  UNIQUE (platform, source_key)
);

CREATE INDEX request_member ON request (member);

CREATE TABLE job (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id      TEXT NOT NULL UNIQUE,
  request     INTEGER NOT NULL REFERENCES request,
  seed        INTEGER NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('queued', 'running', 'drawn', 'delivered', 'failed', 'cancelled')),
  from_topup  INTEGER NOT NULL,                     -- where its reservation came from, and a refund returns to
  price_micro INTEGER NOT NULL,
  started_us  INTEGER,
  parked      INTEGER NOT NULL DEFAULT 0,
  image       TEXT,
  receipt     TEXT,
  reason      TEXT
, counts_as INTEGER NOT NULL DEFAULT 1 CHECK (counts_as > 0), prices TEXT);

CREATE INDEX job_request ON job (request);

CREATE INDEX job_open ON job (state) WHERE state IN ('queued', 'running', 'drawn');

CREATE TABLE daily (
  day    INTEGER NOT NULL,
  tier   TEXT NOT NULL,
  scope  TEXT NOT NULL,
  images INTEGER NOT NULL CHECK (images >= 0),
  PRIMARY KEY (day, tier, scope)
) WITHOUT ROWID;

CREATE TABLE ledger (
  entry       INTEGER PRIMARY KEY,
  job         INTEGER NOT NULL UNIQUE,
  at_us       INTEGER NOT NULL,
  member      INTEGER NOT NULL REFERENCES member,
  month       INTEGER NOT NULL,
  outcome     TEXT NOT NULL CHECK (outcome IN ('delivered', 'failed', 'cancelled', 'undeliverable', 'expired')),
  charged     INTEGER NOT NULL CHECK (charged IN (0, 1)),
  from_topup  INTEGER NOT NULL,
  tier        TEXT NOT NULL,
  platform    TEXT NOT NULL,
  price_micro INTEGER NOT NULL,
  gpu_us      INTEGER NOT NULL,
  energy_mj   INTEGER,
  cost_micro  INTEGER NOT NULL,
  wait_us     INTEGER,
  draw_us     INTEGER,
  wait_bucket INTEGER,
  draw_bucket INTEGER,
  model       TEXT NOT NULL,
  width       INTEGER NOT NULL,
  height      INTEGER NOT NULL,
  steps       INTEGER NOT NULL,
  device      TEXT NOT NULL,
  cached      INTEGER NOT NULL
, counts_as INTEGER NOT NULL DEFAULT 1, kind TEXT NOT NULL DEFAULT 'text');

CREATE INDEX ledger_member ON ledger (member, at_us);

CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

CREATE TABLE histogram (
  span_us INTEGER NOT NULL,
  cell_us INTEGER NOT NULL,
  kind    TEXT NOT NULL CHECK (kind IN ('wait', 'draw')),
  tier    TEXT NOT NULL,
  bucket  INTEGER NOT NULL,
  jobs    INTEGER NOT NULL,
  PRIMARY KEY (span_us, cell_us, kind, tier, bucket)
) WITHOUT ROWID;

CREATE TABLE audit (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  at_us   INTEGER NOT NULL,
  by      TEXT NOT NULL,
  action  TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail  TEXT NOT NULL,
  why     TEXT NOT NULL
);

CREATE INDEX audit_subject ON audit (subject);

CREATE TABLE setting (
  scope TEXT NOT NULL,
  key   TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (scope, key)
) WITHOUT ROWID;

CREATE TABLE meter (
  device                    TEXT NOT NULL,
  cell_us                   INTEGER NOT NULL,
  rent_micro_per_hour       INTEGER NOT NULL,
  operations_micro_per_hour INTEGER NOT NULL,
  busy_us                   INTEGER NOT NULL CHECK (busy_us >= 0),
  overhead_us               INTEGER NOT NULL CHECK (overhead_us >= 0),
  idle_us                   INTEGER NOT NULL CHECK (idle_us >= 0),
  lost_us                   INTEGER NOT NULL CHECK (lost_us >= 0),
  PRIMARY KEY (device, cell_us, rent_micro_per_hour, operations_micro_per_hour)
) WITHOUT ROWID;

CREATE INDEX meter_cell ON meter (cell_us);

CREATE TABLE meter_end (
  device   TEXT PRIMARY KEY,
  end_us   INTEGER NOT NULL,
  metering INTEGER NOT NULL
) WITHOUT ROWID;

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

CREATE TABLE shadow (
  digest     TEXT PRIMARY KEY,
  banned_us  INTEGER,
  ban_reason TEXT,
  month      INTEGER NOT NULL,
  used       INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE "trash" (
  ref   TEXT PRIMARY KEY,
  at_us INTEGER NOT NULL
) WITHOUT ROWID;

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
, payment INTEGER REFERENCES payment) WITHOUT ROWID;

CREATE INDEX credit_member ON credit (member);

CREATE TABLE drawing (
  job        INTEGER PRIMARY KEY REFERENCES job,
  drawn_us   INTEGER NOT NULL,
  usage      TEXT NOT NULL,
  cost_micro INTEGER NOT NULL
);

CREATE TABLE address (
  request INTEGER PRIMARY KEY REFERENCES request,
  address TEXT NOT NULL
);

CREATE INDEX job_image ON job (substr(image, 1, 8)) WHERE image IS NOT NULL;

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

CREATE INDEX member_merged ON member (merged_into) WHERE merged_into IS NOT NULL;

CREATE INDEX identity_user ON identity (user_id);

CREATE INDEX request_created ON request (created_us);

CREATE TABLE orders (                               -- in the singular it is a keyword of SQL
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  order_id   TEXT NOT NULL UNIQUE,
  member     INTEGER NOT NULL REFERENCES member,
  provider   TEXT NOT NULL,                         -- who takes the money
  offer      TEXT NOT NULL,
  images     INTEGER CHECK (images > 0),            -- either so many images,
  tier       TEXT,                                  -- or a tier
  days       INTEGER CHECK (days > 0),              -- for so many days
  renews     INTEGER NOT NULL,                      -- a subscription: each of its payments brings the same once more
  amount     INTEGER NOT NULL CHECK (amount > 0),
  currency   TEXT NOT NULL,
  created_us INTEGER NOT NULL,
  expires_us INTEGER NOT NULL,                      -- to be paid before
  CHECK ((images IS NULL) <> (tier IS NULL) AND (tier IS NULL) = (days IS NULL))
);

CREATE INDEX orders_member ON orders (member);

CREATE TABLE payment (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  provider    TEXT NOT NULL,
  charge      TEXT NOT NULL,                        -- the provider's id of it, so that it counts once
  for_order   INTEGER REFERENCES orders,            -- NULL: an order that this database does not know
  amount      INTEGER NOT NULL,
  currency    TEXT NOT NULL,
  worth_micro INTEGER NOT NULL,
  fee_micro   INTEGER NOT NULL,                     -- of the worth, what the provider keeps
  at_us       INTEGER NOT NULL,
  UNIQUE (provider, charge)
);

CREATE INDEX payment_order ON payment (for_order);

CREATE INDEX payment_at ON payment (at_us);

CREATE TABLE payer (
  payment INTEGER PRIMARY KEY REFERENCES payment,
  user_id TEXT NOT NULL
);

CREATE UNIQUE INDEX credit_payment ON credit (payment) WHERE payment IS NOT NULL;

CREATE TABLE debit (
  key    TEXT PRIMARY KEY,
  member INTEGER NOT NULL REFERENCES member,
  images INTEGER NOT NULL CHECK (images > 0),
  at_us  INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX debit_member ON debit (member);

CREATE TABLE voucher (
  digest     TEXT PRIMARY KEY,                      -- the code itself is known to whoever was given it
  offer      TEXT NOT NULL,
  images     INTEGER CHECK (images > 0),
  tier       TEXT,
  days       INTEGER CHECK (days > 0),
  created_us INTEGER NOT NULL,
  CHECK ((images IS NULL) <> (tier IS NULL) AND (tier IS NULL) = (days IS NULL))
) WITHOUT ROWID;

CREATE TABLE redemption (
  voucher TEXT PRIMARY KEY REFERENCES voucher,
  member  INTEGER NOT NULL REFERENCES member,
  at_us   INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE redeem_try (
  member INTEGER NOT NULL REFERENCES member,
  at_us  INTEGER NOT NULL
);

CREATE INDEX redeem_try_member ON redeem_try (member);

CREATE TABLE period (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  payment  INTEGER UNIQUE REFERENCES payment,
  voucher  TEXT UNIQUE REFERENCES voucher,
  member   INTEGER NOT NULL REFERENCES member,
  tier     TEXT NOT NULL,
  start_us INTEGER NOT NULL,
  end_us   INTEGER NOT NULL CHECK (end_us > start_us),
  CHECK ((payment IS NULL) <> (voucher IS NULL))
);

CREATE INDEX period_member ON period (member);

CREATE TABLE refund (
  payment INTEGER PRIMARY KEY REFERENCES payment,
  at_us   INTEGER NOT NULL,                         -- a period that was paid back ends here
  images  INTEGER NOT NULL CHECK (images >= 0),     -- taken back; what was used by then stays with the member
  by      TEXT NOT NULL,
  why     TEXT NOT NULL
);

CREATE INDEX refund_at ON refund (at_us);

CREATE TABLE refund_due (
  payment INTEGER PRIMARY KEY REFERENCES refund
);

CREATE TRIGGER orders_no_update
BEFORE UPDATE OF id, order_id, provider, offer, images, tier, days, renews, amount, currency, created_us, expires_us ON orders
BEGIN SELECT RAISE(ABORT, 'orders are append-only'); END;

CREATE TRIGGER orders_no_delete BEFORE DELETE ON orders
BEGIN SELECT RAISE(ABORT, 'orders are append-only'); END;

CREATE TRIGGER payment_no_update BEFORE UPDATE ON payment
BEGIN SELECT RAISE(ABORT, 'payments are append-only'); END;

CREATE TRIGGER payment_no_delete BEFORE DELETE ON payment
BEGIN SELECT RAISE(ABORT, 'payments are append-only'); END;

CREATE TRIGGER period_no_delete BEFORE DELETE ON period
BEGIN SELECT RAISE(ABORT, 'periods are append-only'); END;

CREATE TRIGGER refund_no_update BEFORE UPDATE ON refund
BEGIN SELECT RAISE(ABORT, 'refunds are append-only'); END;

CREATE TRIGGER refund_no_delete BEFORE DELETE ON refund
BEGIN SELECT RAISE(ABORT, 'refunds are append-only'); END;

CREATE TABLE tier_month (
  month  INTEGER NOT NULL,
  tier   TEXT NOT NULL,
  member INTEGER NOT NULL REFERENCES member,
  PRIMARY KEY (month, tier, member)
) WITHOUT ROWID;

CREATE INDEX tier_month_member ON tier_month (member);

CREATE TABLE untold (
  request INTEGER PRIMARY KEY REFERENCES request ON DELETE CASCADE,
  address TEXT NOT NULL,
  at_us   INTEGER NOT NULL
);

CREATE TRIGGER ledger_is_untold BEFORE INSERT ON ledger WHEN NEW.outcome IN ('failed', 'cancelled')
BEGIN
  INSERT INTO untold
  SELECT address.request, address, NEW.at_us FROM address JOIN job ON job.request = address.request
  WHERE job.id = NEW.job
  ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER ledger_is_told AFTER INSERT ON ledger WHEN NEW.outcome = 'delivered'
BEGIN
  DELETE FROM untold WHERE request = (SELECT request FROM job WHERE id = NEW.job);
END;

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

CREATE TRIGGER period_no_update BEFORE UPDATE OF id, payment, voucher, tier ON period
BEGIN SELECT RAISE(ABORT, 'periods are append-only'); END;

CREATE TRIGGER period_keeps_its_length BEFORE UPDATE OF start_us, end_us ON period
WHEN NEW.end_us - NEW.start_us <> OLD.end_us - OLD.start_us
BEGIN SELECT RAISE(ABORT, 'a period keeps its length'); END;

CREATE TABLE ended (
  payment INTEGER PRIMARY KEY REFERENCES payment,
  at_us   INTEGER NOT NULL
);

CREATE TRIGGER ended_no_update BEFORE UPDATE ON ended
BEGIN SELECT RAISE(ABORT, 'ended periods are append-only'); END;

CREATE TRIGGER ended_no_delete BEFORE DELETE ON ended
BEGIN SELECT RAISE(ABORT, 'ended periods are append-only'); END;

CREATE VIEW held AS
SELECT period.member, tier, start_us, min(end_us, coalesce(refund.at_us, end_us), coalesce(ended.at_us, end_us)) AS end_us
FROM period LEFT JOIN refund ON refund.payment = period.payment LEFT JOIN ended ON ended.payment = period.payment;

CREATE TABLE input (
  request INTEGER NOT NULL REFERENCES request ON DELETE CASCADE,
  role    TEXT NOT NULL,                            -- what the picture is for: init, mask
  ref     TEXT NOT NULL, brought INTEGER NOT NULL DEFAULT 1,
  PRIMARY KEY (request, role)
) WITHOUT ROWID;

CREATE INDEX input_ref ON input (ref);

CREATE TABLE edits (
  span_us       INTEGER NOT NULL,
  cell_us       INTEGER NOT NULL,
  kind          TEXT NOT NULL,
  images        INTEGER NOT NULL,
  gpu_us        INTEGER NOT NULL,
  cost_micro    INTEGER NOT NULL,
  revenue_micro INTEGER NOT NULL,
  PRIMARY KEY (span_us, cell_us, kind)
) WITHOUT ROWID;

CREATE TRIGGER ledger_counts_edits AFTER INSERT ON ledger WHEN NEW.kind <> 'text'
BEGIN
  INSERT INTO edits
  SELECT span.column1, NEW.at_us - NEW.at_us % span.column1, NEW.kind, NEW.charged AND NEW.outcome <> 'undeliverable',
         NEW.gpu_us, NEW.cost_micro, NEW.price_micro
  FROM (VALUES (900000000), (86400000000)) AS span
  WHERE true
  ON CONFLICT DO UPDATE SET
    images = images + excluded.images, gpu_us = gpu_us + excluded.gpu_us,
    cost_micro = cost_micro + excluded.cost_micro, revenue_micro = revenue_micro + excluded.revenue_micro;
END;
