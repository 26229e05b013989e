-- Queries that read whole tables get an index; the old name for files to delete goes; payloads are text again, as
-- they were before they were packed (`unpacked` is Python's, see storage/schema.py).

CREATE INDEX member_merged ON member (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX identity_user ON identity (user_id);
CREATE INDEX request_created ON request (created_us);

ALTER TABLE doomed_image RENAME TO trash;

UPDATE request SET payload = unpacked(payload) WHERE typeof(payload) = 'blob';
