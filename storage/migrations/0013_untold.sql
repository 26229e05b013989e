-- Requests that failed or were cancelled, until their messages say so, and where those are: a process that dies before it
-- has told leaves that to the next.
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
