-- depends: 0045.user_sessions
--
-- A user whom the operator has disabled: nobody logs in as them, and their access tokens are refused. What they are a
-- member of stays, so that they can be enabled again.
alter table users add column if not exists disabled_at timestamptz;
