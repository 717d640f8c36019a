-- Proofs of forks stand by themselves, as they are sent on, and have their place among the records.

ALTER TABLE forks ADD COLUMN one_header BLOB NOT NULL DEFAULT x'';
ALTER TABLE forks ADD COLUMN one_signature BLOB NOT NULL DEFAULT x'';
-- What was known to be forked when the record at the next position was taken in.
ALTER TABLE forks ADD COLUMN after INTEGER NOT NULL DEFAULT 0;

UPDATE forks SET
    one_header = coalesce((SELECT header FROM records AS r
        WHERE r.device = forks.device AND r.volume = forks.volume AND r.seq = forks.seq), x''),
    one_signature = coalesce((SELECT signature FROM records AS r
        WHERE r.device = forks.device AND r.volume = forks.volume AND r.seq = forks.seq), x''),
    after = coalesce((SELECT position FROM records AS r
        WHERE r.device = forks.device AND r.volume = forks.volume AND r.seq = forks.seq), 0);
