-- Who was let in by the invitation code.
ALTER TABLE member ADD COLUMN joined_us INTEGER;
