-- Pictures that come with a request, each a file among the pictures, named by its SHA-256; and what a request is: text alone
-- or with a picture to vary, inpaint or enlarge. What is drawn from text alone is what the other sums leave.
CREATE TABLE input (
  request INTEGER NOT NULL REFERENCES request ON DELETE CASCADE,
  role    TEXT NOT NULL,                            -- what the picture is for: init, mask
  ref     TEXT NOT NULL,
  PRIMARY KEY (request, role)
) WITHOUT ROWID;

CREATE INDEX input_ref ON input (ref);

ALTER TABLE request ADD COLUMN kind TEXT NOT NULL DEFAULT 'text';
ALTER TABLE ledger ADD COLUMN kind TEXT NOT NULL DEFAULT 'text';

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
