-- What members buy: orders, their payments, what each payment brought, and refunds. Append-only, like the ledger. Amounts
-- are whole numbers of the smallest unit of their currency (XTR is Stars, USD is cents); worth and fee are micro-units of
-- the currency in `meta`, at the rate configured when it was paid.

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

-- Who paid, as the provider knows them. Erased once they are paid back, and by /forget.
CREATE TABLE payer (
  payment INTEGER PRIMARY KEY REFERENCES payment,
  user_id TEXT NOT NULL
);

ALTER TABLE credit ADD COLUMN payment INTEGER REFERENCES payment;    -- NULL: granted, given or by a voucher
CREATE UNIQUE INDEX credit_payment ON credit (payment) WHERE payment IS NOT NULL;

-- What was taken from a top-up besides images: paid back, or given to another member.
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

-- A tier for a time. Of one tier, each begins where the last ends.
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

-- Refunds that the provider has yet to make: written with the refund, so that a crash forgets none.
CREATE TABLE refund_due (
  payment INTEGER PRIMARY KEY REFERENCES refund
);

CREATE VIEW held AS
SELECT period.member, tier, start_us, min(end_us, coalesce(refund.at_us, end_us)) AS end_us
FROM period LEFT JOIN refund ON refund.payment = period.payment;

-- Whose an order or a period is may change, when two members become one. Nothing else may.
CREATE TRIGGER orders_no_update
BEFORE UPDATE OF id, order_id, provider, offer, images, tier, days, renews, amount, currency, created_us, expires_us ON orders
BEGIN SELECT RAISE(ABORT, 'orders are append-only'); END;
CREATE TRIGGER orders_no_delete BEFORE DELETE ON orders
BEGIN SELECT RAISE(ABORT, 'orders are append-only'); END;
CREATE TRIGGER payment_no_update BEFORE UPDATE ON payment
BEGIN SELECT RAISE(ABORT, 'payments are append-only'); END;
CREATE TRIGGER payment_no_delete BEFORE DELETE ON payment
BEGIN SELECT RAISE(ABORT, 'payments are append-only'); END;
CREATE TRIGGER period_no_update BEFORE UPDATE OF id, payment, voucher, tier, start_us, end_us ON period
BEGIN SELECT RAISE(ABORT, 'periods are append-only'); END;
CREATE TRIGGER period_no_delete BEFORE DELETE ON period
BEGIN SELECT RAISE(ABORT, 'periods are append-only'); END;
CREATE TRIGGER refund_no_update BEFORE UPDATE ON refund
BEGIN SELECT RAISE(ABORT, 'refunds are append-only'); END;
CREATE TRIGGER refund_no_delete BEFORE DELETE ON refund
BEGIN SELECT RAISE(ABORT, 'refunds are append-only'); END;
