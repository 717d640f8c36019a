-- An invitation lets its device in once: whoever was removed since does not come back with it.
ALTER TABLE invite ADD COLUMN admitted INTEGER;
UPDATE invite SET admitted = used_at
WHERE used_by IS NOT NULL
  AND (attended = 0 OR EXISTS (SELECT 1 FROM request WHERE request.secret_hash = invite.secret_hash AND approved = 1));
