-- Machine time, apart from jobs. A row is a quarter of an hour of one device at one rate, to which the meter adds a slice
-- every few seconds; rent is the sum of its times at its rate, so a later change of rates cannot touch it.

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

-- Up to when each device is booked, and whether its process was still metering then (a kill leaves that standing).
CREATE TABLE meter_end (
  device   TEXT PRIMARY KEY,
  end_us   INTEGER NOT NULL,
  metering INTEGER NOT NULL
) WITHOUT ROWID;
