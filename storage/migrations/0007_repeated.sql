-- Where a caller names its own events (an idempotency key), what it asked for tells a repetition from a mistake.

ALTER TABLE request ADD COLUMN digest TEXT NOT NULL DEFAULT '';
