-- depends: 0025.project_invitations_inviters
--
-- A digest of an API key's secret, keyed with a secret of the server's, beside the bcrypt hash.
--
-- bcrypt takes a millisecond at its lowest cost, which is most of what a report costs, and a device that
-- reports hourly is in no cache. The secret is 256 random bits, against which a slow hash protects nothing,
-- so the statement that stores a report compares this digest. It is null for a key that is older than this
-- column, until the secret was checked by bcrypt once more; the same after the server's signing key was
-- replaced.
alter table api_keys add column if not exists secret_digest bytea;
