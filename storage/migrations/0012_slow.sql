-- Going on slowly when the month's allowance is used: a member's choice for a month, and requests that were accepted so.
ALTER TABLE account ADD COLUMN slow INTEGER NOT NULL DEFAULT 0;
ALTER TABLE request ADD COLUMN slow INTEGER NOT NULL DEFAULT 0;
