-- Whether a member brought the picture: a result that is used again, and what was made here, nobody brought.
ALTER TABLE input ADD COLUMN brought INTEGER NOT NULL DEFAULT 1;
