-- Where a secret may go: JSON, a list of hosts and origins. One from before has none, and is asked for again.
ALTER TABLE plugin_secret ADD COLUMN hosts TEXT;
-- Services may have repeated secrets in their answers.
DELETE FROM plugin_answer;
